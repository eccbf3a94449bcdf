import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ChatUsage, FinishReason, JsonObject } from '../../src/api/chat.ts'
import { bedrockChat } from '../../src/dialects/bedrock/chat.ts'
import type { AnswerContext } from '../../src/dialects/dialect.ts'
import { createBedrockFamily } from '../../src/providers/bedrock/provider.ts'
import type { ChatProvider, EmbeddingProvider } from '../../src/providers/family.ts'
import { createBedrockProvider, createContext, decode } from './bedrock-calls.ts'
import { readFrames } from './bedrock-frames.ts'
import { noRecordings } from './recordings.ts'

interface Raw { name: string, model: string, action: string, request: JsonObject, status: number, headers: Record<string, string>, body: Buffer }

function readRaw (): Raw[] {
  const folder = join(process.env.BIFROST_RECORDINGS ?? '', 'bedrock')
  if ((process.env.BIFROST_RECORDINGS ?? '') === '' || !existsSync(folder)) return []
  return readdirSync(folder).filter((file) => file.endsWith('.json')).flatMap((name) => {
    const raw = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { path: string, request: JsonObject, status: number, headers: Record<string, string>, encoding: BufferEncoding, body: string }
    // The others are of Bedrock Mantle, which speaks OpenAI's API.
    const [, model, action] = /^\/model\/([^/]+)\/([a-z-]+)$/.exec(raw.path) ?? []
    return model === undefined || action === undefined ? [] : [{ name, model, action, request: raw.request, status: raw.status, headers: raw.headers, body: Buffer.from(raw.body, raw.encoding) }]
  })
}

const recordings = readRaw()
const converse = recordings.filter(({ action }) => action.startsWith('converse'))
const unary = converse.filter(({ action, status }) => action === 'converse' && status === 200)
const streams = converse.filter(({ action }) => action === 'converse-stream')
const errors = converse.filter(({ status }) => status >= 400)
const embeddings = recordings.filter(({ action }) => action === 'invoke')
const family = createBedrockFamily(createBedrockProvider())
const chat = family.chat('m') as ChatProvider
const skip = recordings.length === 0 ? noRecordings : false
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const answer: AnswerContext = { model: 'm', nowSeconds: 1, newId: () => 'id', includeUsage: true, extraFields: '', jsonArray: false }

/** What does not come back as it was, and why. */
function withoutDifferences (request: JsonObject): unknown {
  const { inferenceConfig, ...rest } = request
  return JSON.parse(JSON.stringify({
    ...rest,
    // Empty, it says nothing.
    ...Object.keys(inferenceConfig as object).length === 0 ? {} : { inferenceConfig }
  }), (name, value: JsonObject) => {
    if (name === 'document') {
      // Text becomes bytes, and asks for no citations: the canonical form has files, which every provider may read.
      const { citations: _citations, source, ...document } = value
      return { ...document, source: { bytes: Buffer.from((source as { text: string }).text).toString('base64') } }
    }
    // So that every provider may read it, what a search found becomes text.
    if (typeof value === 'object' && value !== null && 'searchResult' in value) return { text: 'Ruby Facts\nhttps://example.com/ruby-facts\nThe Ruby programming language was created by Yukihiro Matsumoto in 1993.' }
    return value
  })
}

test('every recorded request goes through the canonical form and comes back', { skip }, (t) => {
  for (const { name, model, request, action } of converse) {
    const drops: string[] = []
    const stream = action === 'converse-stream'
    const canonical = bedrockChat.toChatRequest(request, model, stream)
    const { url, body } = chat.toChatRequest(canonical, createContext(drops, { model, stream }))
    assert.deepEqual(asJson(body), withoutDifferences(request), name)
    assert.equal(url.pathname, `/model/${model.replaceAll(':', '%3A')}/${action}`)
    assert.deepEqual(drops, [], name)
  }
  t.diagnostic(`${converse.length} recorded requests`)
})

test('every recorded answer goes through the canonical form and comes back', { skip }, (t) => {
  for (const { name, body } of unary) {
    const recorded = JSON.parse(body.toString('utf8')) as { usage: Record<string, unknown>, output: { message: { content: JsonObject[] } } } & JsonObject
    const canonical = chat.fromChatReply(recorded, { model: 'm', messages: [] }, createContext([]))
    const found = bedrockChat.fromChatReply(canonical, { model: 'm', messages: [] }, answer)
    // Members beside the documented ones, and the time, which nobody knows here.
    const { serverToolUsage: _tools, cacheReadInputTokenCount: _read, cacheWriteInputTokenCount: _write, ...usage } = recorded.usage
    const content = recorded.output.message.content.flatMap((block) => {
      const { toolUse, citationsContent } = block as { toolUse?: JsonObject, citationsContent?: { content: { text: string }[], citations: unknown[] } }
      if (toolUse?.['type'] === 'tool_use') return [{ toolUse: { input: toolUse['input'], name: toolUse['name'], toolUseId: toolUse['toolUseId'] } }]
      // The text and what it rests on stand beside each other: OpenAI's annotations belong to the whole message.
      return citationsContent === undefined ? [block] : [...citationsContent.content, { citationsContent: { citations: citationsContent.citations, content: [] } }]
    })
    assert.deepEqual(asJson(found), asJson({ ...recorded, output: { message: { role: 'assistant', content } }, usage, metrics: { latencyMs: 0 } }), name)
    const { inputTokens, outputTokens } = recorded.usage
    assert.deepEqual([canonical.usage?.prompt_tokens, canonical.usage?.completion_tokens], [inputTokens, outputTokens])
    assert.deepEqual(family.toUsage(recorded, 'chat_completion'), canonical.usage)
  }
  t.diagnostic(`${unary.length} recorded answers`)
})

/** Streams whose citations and tools of Amazon's own do not come back block by block. */
const cited = /web-search|chat-citations/

interface Payload { contentBlockIndex?: number, delta?: { text?: string }, usage?: JsonObject, p?: string, metrics?: unknown }

test('every recorded stream is finished, complete and has its usage; its frames come back', { skip }, (t) => {
  for (const { name, body } of streams) {
    const recorded = readFrames(body) as [string, Payload][]
    const { decoder, calls } = decode([body])
    assert.deepEqual([decoder.error, decoder.finished, decoder.complete], [null, true, true], name)
    const usage = recorded.findLast(([type]) => type === 'metadata')?.[1].usage
    const last = (calls as unknown[][]).findLast(([kind]) => kind === 'usage')?.[1] as ChatUsage
    assert.deepEqual([last.prompt_tokens, last.completion_tokens, last.total_tokens], [usage?.['inputTokens'], usage?.['outputTokens'], usage?.['totalTokens']], name)
    const written = encode(calls)
    const text = (frames: readonly [string, Payload][]): string => frames.map(([, payload]) => payload.delta?.text ?? '').join('')
    assert.equal(text(written), text(recorded), name)
    if (!cited.test(name)) assert.deepEqual(written, plain(recorded), name)
  }
  t.diagnostic(`${streams.length} recorded streams`)
})

/** Frames without what is padding, says nothing, or is not documented. */
function plain (frames: readonly [string, Payload][]): [string, Payload][] {
  return frames.filter(([, payload]) => payload.delta?.text !== '').map(([type, { p: _padding, ...payload }]) => {
    if (type !== 'metadata') return [type, payload]
    const { serverToolUsage: _tools, ...usage } = payload.usage ?? {}
    return [type, { usage, metrics: { latencyMs: 5 } }]
  })
}

function encode (calls: readonly unknown[]): [string, Payload][] {
  const encoder = bedrockChat.createChatEncoder({ model: 'm', messages: [] }, answer)
  const pieces: Buffer[] = []
  encoder.begin({ append: (bytes, start, end) => { pieces.push(Buffer.from(bytes.subarray(start, end))) }, appendAscii: () => assert.fail('frames are no text') }, 5)
  for (const [kind, ...rest] of calls as [string, ...unknown[]][]) {
    if (kind === 'start') encoder.start('', '')
    else if (kind === 'delta') encoder.delta(0, rest[1] as object)
    else if (kind === 'finish') encoder.finish(0, rest[1] as FinishReason, rest[2] as object)
    else encoder.usage(rest[0] as ChatUsage)
  }
  encoder.end()
  return readFrames(Buffer.concat(pieces)) as [string, Payload][]
}

test('a recorded stream says the same however it is cut', { skip }, () => {
  const shortest = streams.toSorted((one, other) => one.body.length - other.body.length).slice(0, 3)
  for (const { name, body } of shortest) {
    const whole = decode([body]).calls
    for (let cut = 1; cut < body.length; cut++) assert.deepEqual(decode([body.subarray(0, cut), body.subarray(cut)]).calls, whole, `${name} at ${cut}`)
  }
})

test('every recorded error has its type, and what it is about', { skip }, (t) => {
  const found = errors.map(({ status, headers, body }) => family.toError(status, headers, body))
  assert.deepEqual(found.map((error) => [error.code, error.status, error.type, error.upstreamCode]), [
    ['BIFROST_UPSTREAM_STATUS', 400, 'ValidationException', 'context_length_exceeded'],
    ['BIFROST_UPSTREAM_STATUS', 401, 'UnrecognizedClientException', null]
  ])
  t.diagnostic(`${errors.length} recorded errors`)
})

test('every recorded embedding is asked for and read', { skip }, (t) => {
  for (const { name, model, request, body } of embeddings) {
    const provider = family.embedding(model) as EmbeddingProvider
    const { inputText: input, dimensions } = request as { inputText: string, dimensions?: number }
    const asked = { model, input, ...dimensions === undefined ? {} : { dimensions } }
    // Normalized vectors are the default.
    const { normalize: _normalize, ...expected } = request
    assert.deepEqual(provider.toEmbeddingRequest(asked, createContext([], { model })).body, expected, name)
    const recorded = JSON.parse(body.toString('utf8')) as { embedding: number[], inputTextTokenCount: number }
    assert.deepEqual(provider.fromEmbeddingReply(recorded, asked, createContext([], { model })), {
      object: 'list',
      model,
      data: [{ object: 'embedding', index: 0, embedding: recorded.embedding }],
      usage: { prompt_tokens: recorded.inputTextTokenCount, total_tokens: recorded.inputTextTokenCount }
    })
  }
  t.diagnostic(`${embeddings.length} recorded embeddings`)
})
