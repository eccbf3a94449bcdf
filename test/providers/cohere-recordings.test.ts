import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/api/chat.ts'
import { builtInProvider } from '../../src/config/providers.ts'
import { cohereChat } from '../../src/dialects/cohere/chat.ts'
import { cohereEmbedding } from '../../src/dialects/cohere/embedding.ts'
import { cohereRerank } from '../../src/dialects/cohere/rerank.ts'
import { createCohereFamily } from '../../src/providers/cohere/provider.ts'
import { answerContext, encode } from '../dialects/client-golden.ts'
import { readExchanges } from './exchanges.ts'
import { createContext, decode, hear } from './golden.ts'
import { createSettings, emptyRequest } from './family-tests.ts'
import { noRecordings } from './recordings.ts'

const { baseUrl, paths, operations, nativeOperations } = builtInProvider('cohere') ?? assert.fail()
const family = createCohereFamily(createSettings('cohere', { baseUrl, paths, operations, nativeOperations }))
const chat = family.chat('m') ?? assert.fail()
const embedding = family.embedding('m') ?? assert.fail()
const rerank = family.rerank('m') ?? assert.fail()
const chats = [...readExchanges('cohere', 'unary', /chat$/), ...readExchanges('cohere', 'error', /chat$/)]
const streams = readExchanges('cohere', 'stream', /chat$/)
const embeddings = readExchanges('cohere', 'unary', /embed$/)
const ranks = readExchanges('cohere', 'unary', /rerank$/)
const skip = chats.length === 0 ? noRecordings : false

const parse = (body: Buffer): JsonObject => JSON.parse(body.toString()) as JsonObject
type Recorded = JsonObject & { usage?: JsonObject & { tokens: { input_tokens: number, output_tokens: number } }, message: JsonObject }

/** A tool's documents become text on the way: every other provider would lose them. */
function withDocumentsAsText (request: JsonObject): JsonObject {
  const messages = (request['messages'] as JsonObject[]).map((message) => !Array.isArray(message['content'])
    ? message
    : { ...message, content: (message['content'] as JsonObject[]).map((part) => part['type'] === 'document' ? { type: 'text', text: JSON.stringify(flat(part['document'] as JsonObject)) } : part) })
  return { ...request, messages }
}
const flat = ({ id, data }: JsonObject): JsonObject => ({ id, ...data as JsonObject })

test('recorded chat requests are the same after the way to the canonical form and back', { skip }, (t) => {
  for (const { name, request } of [...chats, ...streams]) {
    const stream = request['stream'] === true
    const canonical = cohereChat.toChatRequest(request, request['model'] as string, stream)
    const context = createContext({ model: request['model'] as string, stream, passExtraParams: true })
    assert.deepEqual(JSON.parse(JSON.stringify(chat.toChatRequest(canonical, context).body)), withDocumentsAsText(request), name)
    assert.deepEqual(context.dropped, [], name)
  }
  t.diagnostic(`${chats.length + streams.length} requests`)
})

test('recorded answers are the same after the way to the canonical form and back, but for what is paid', { skip }, (t) => {
  const unary = chats.filter(({ status }) => status === 200)
  for (const { name, body } of unary) {
    const recorded = parse(body) as Recorded
    const reply = chat.fromChatReply(recorded, emptyRequest, createContext())
    // The canonical form counts what went through the model.
    const { input_tokens: input, output_tokens: output } = recorded.usage?.tokens ?? assert.fail()
    assert.deepEqual(cohereChat.fromChatReply(reply, emptyRequest, answerContext), { ...recorded, usage: { ...recorded.usage, billed_units: { input_tokens: input, output_tokens: output } } }, name)
    assert.equal(reply.usage?.total_tokens, input + output)
  }
  t.diagnostic(`${unary.length} answers`)
})

/** Events in order, without the end mark. */
function eventsOf (text: string): JsonObject[] {
  return text.split('\n').filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)) as JsonObject)
}

test('recorded streams are finished and say what they said, also after the way back', { skip }, (t) => {
  for (const { name, body } of streams) {
    const { calls, kinds, decoder } = decode(chat.createChatDecoder(emptyRequest), 'sse', [body])
    assert.equal(decoder.error, null, name)
    assert.ok(decoder.finished && decoder.complete, name)
    const recorded = eventsOf(body.toString())
    assert.deepEqual(recorded.filter((_event, index) => kinds[index] === 'hidden').filter(({ type }) => type !== 'content-end' && type !== 'citation-end'), [], name)
    assert.equal(kinds.at(-1), 'done', name)
    const last = recorded.at(-1) as { delta: { usage: { tokens: { input_tokens: number, output_tokens: number } } } }
    const heard = hear(calls)
    assert.equal(heard.usage?.prompt_tokens, last.delta.usage.tokens.input_tokens, name)
    assert.equal(heard.usage.completion_tokens, last.delta.usage.tokens.output_tokens, name)
    // Back: the same events in the same order, but for `{}` where a call had no arguments, and for what is paid.
    const again = eventsOf(encode(cohereChat, calls))
    const same = again.filter((event, index) => !(event['type'] === 'tool-call-delta' && again[index - 1]?.['type'] === 'tool-call-start' && JSON.stringify(event).includes('"{}"')))
    const unpaid = (event: JsonObject): string => JSON.stringify(event).replace(/"billed_units":\{[^}]*\},/, '')
    assert.deepEqual(same.map(unpaid), recorded.map(unpaid), name)
    assert.ok(encode(cohereChat, calls).endsWith('data: [DONE]\n\n'))
  }
  t.diagnostic(`${streams.length} streams`)
})

test('recorded embeddings and rankings are the same after the way to the canonical form and back', { skip }, (t) => {
  for (const { name, request, body } of embeddings) {
    const recorded = parse(body) as { embeddings: { float: number[][] }, texts: string[], meta: { billed_units: { input_tokens: number } } }
    const canonical = cohereEmbedding.toEmbeddingRequest(request, 'm')
    assert.deepEqual(embedding.toEmbeddingRequest(canonical, createContext({ model: request['model'] as string })).body, request, name)
    const reply = embedding.fromEmbeddingReply(recorded, canonical, createContext())
    assert.equal(reply.usage.prompt_tokens, recorded.meta.billed_units.input_tokens)
    const { embeddings: vectors, texts } = cohereEmbedding.fromEmbeddingReply(reply, canonical, answerContext)
    assert.deepEqual({ vectors, texts }, { vectors: recorded.embeddings, texts: recorded.texts }, name)
  }
  for (const { name, request, body } of ranks) {
    const recorded = parse(body)
    const canonical = cohereRerank.toRerankRequest(request, request['model'] as string)
    assert.deepEqual(rerank.toRerankRequest(canonical, createContext({ model: request['model'] as string })).body, request, name)
    assert.deepEqual(cohereRerank.fromRerankReply(rerank.fromRerankReply(recorded, canonical, createContext()), canonical, answerContext), recorded, name)
  }
  t.diagnostic(`${embeddings.length} embeddings, ${ranks.length} rankings`)
})

test('recorded errors are typed', { skip }, (t) => {
  const errors = chats.filter(({ status }) => status !== 200)
  assert.deepEqual(errors.map(({ status, contentType, body }) => {
    const error = family.toError(status, { 'content-type': contentType }, body)
    return [error.status, error.upstreamCode, error.message.slice(0, 32)]
  }), [[400, 'context_length_exceeded', 'too many tokens: size limit exce'], [401, null, 'Incorrect API key provided: ****']])
  t.diagnostic(`${errors.length} errors`)
})
