import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/api/chat.ts'
import { builtInProvider } from '../../src/config/providers.ts'
import { openAiChat } from '../../src/dialects/openai/chat.ts'
import { openAiEmbedding } from '../../src/dialects/openai/embedding.ts'
import { isPlain } from '../../src/providers/mistral/plain.ts'
import { createMistralFamily } from '../../src/providers/mistral/provider.ts'
import { partsOf } from '../../src/providers/mistral/chat-reply.ts'
import { readExchanges } from './exchanges.ts'
import { createContext, decode, hear } from './golden.ts'
import { createSettings, emptyRequest } from './family-tests.ts'
import { createJob, noRecordings } from './recordings.ts'
import { contentOf, countsOf, dataOf, lastUsage } from './replay-stream.ts'

const { baseUrl, paths, operations } = builtInProvider('mistral') ?? assert.fail()
const family = createMistralFamily(createSettings('mistral', { baseUrl, paths, operations }))
const chat = family.chat('m') ?? assert.fail()
const embedding = family.embedding('m') ?? assert.fail()
const unary = readExchanges('mistral', 'unary', /completions$/)
const streams = readExchanges('mistral', 'stream', /completions$/)
const errors = readExchanges('mistral', 'error', /completions$/)
const embeddings = readExchanges('mistral', 'unary', /embeddings$/)
const skip = unary.length === 0 ? noRecordings : false

test('recorded requests are the same after the way through the canonical form', { skip }, (t) => {
  let plain = 0
  for (const { name, request } of [...unary, ...streams, ...errors]) {
    const stream = request['stream'] === true
    const context = createContext({ model: request['model'] as string, stream })
    assert.deepEqual(JSON.parse(JSON.stringify(chat.toChatRequest(openAiChat.toChatRequest(request, request['model'] as string, stream), context).body)), request, name)
    assert.deepEqual(context.dropped, [], name)
    if (isPlain(createJob('chat_completion', { body: Buffer.from(JSON.stringify(request)), model: request['model'] as string }))) plain++
  }
  t.diagnostic(`${unary.length + streams.length + errors.length} requests, ${plain} of them plain`)
})

test('recorded answers become OpenAI\'s, with thoughts apart from the text', { skip }, (t) => {
  for (const { name, body } of unary) {
    const recorded = JSON.parse(body.toString()) as { id: string, choices: [{ message: { content: string | [], tool_calls: JsonObject[] | null }, finish_reason: string }], usage: { total_tokens: number } }
    const reply = chat.fromChatReply(recorded, emptyRequest, createContext())
    const { message, finish_reason: reason } = reply.choices[0] ?? assert.fail()
    const [{ message: said, finish_reason: recordedReason }] = recorded.choices
    assert.equal(reply.id, recorded.id, name)
    assert.equal(reason, recordedReason, name)
    assert.equal(reply.usage?.total_tokens, recorded.usage.total_tokens, name)
    assert.deepEqual(message.tool_calls ?? null, said.tool_calls?.map(({ index: _index, ...call }) => call) ?? null, name)
    if (typeof said.content === 'string') assert.equal(message.content ?? '', said.content, name)
    else {
      assert.equal(message.content, '144', name)
      assert.ok(message.reasoning_content?.startsWith('The user is asking for the product of 12'), name)
    }
  }
  t.diagnostic(`${unary.length} answers`)
})

test('recorded streams are finished, with the usage that they report and all that they say', { skip }, (t) => {
  for (const { name, body } of streams) {
    const { calls, kinds, decoder } = decode(chat.createChatDecoder(emptyRequest), 'sse', [body])
    assert.equal(decoder.error, null, name)
    assert.ok(decoder.finished && decoder.complete, name)
    assert.ok(!kinds.includes('hidden'), name)
    const heard = hear(calls)
    assert.deepEqual(countsOf(heard.usage as unknown as Record<string, unknown>), lastUsage(body), name)
    if (heard.reasoning === '') assert.equal(heard.content + heard.calls.map((call) => call.name + call.arguments).join(''), contentOf(body), name)
    else {
      const parts = dataOf(body).filter((data) => data !== '[DONE]').flatMap((data) => partsOf((JSON.parse(data) as { choices: [{ delta: { content: string } }] }).choices[0].delta.content))
      assert.equal(heard.reasoning, parts.map((part) => part.thinking).join(''), name)
      assert.equal(heard.content, '144', name)
    }
    for (const call of heard.calls) JSON.parse(call.arguments)
  }
  t.diagnostic(`${streams.length} streams`)
})

test('recorded embeddings and errors', { skip }, (t) => {
  for (const { name, request, body } of embeddings) {
    const canonical = openAiEmbedding.toEmbeddingRequest(request, request['model'] as string)
    assert.deepEqual(embedding.toEmbeddingRequest(canonical, createContext({ model: request['model'] as string })).body, request, name)
    const recorded = JSON.parse(body.toString()) as { data: unknown[], usage: { prompt_tokens: number } }
    const reply = embedding.fromEmbeddingReply(recorded, canonical, createContext())
    assert.deepEqual(reply.data, recorded.data, name)
    assert.equal(reply.usage.prompt_tokens, recorded.usage.prompt_tokens, name)
  }
  for (const { status, contentType, body } of errors) assert.deepEqual([family.toError(status, { 'content-type': contentType }, body).status, family.toError(status, {}, body).message], [401, 'Invalid API Key'])
  t.diagnostic(`${embeddings.length} embeddings, ${errors.length} errors`)
})
