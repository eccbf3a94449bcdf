import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatUsage, JsonObject } from '../../src/api/chat.ts'
import type { ProviderSettings } from '../../src/api/settings.ts'
import { geminiChat } from '../../src/dialects/gemini/chat.ts'
import { geminiEmbedding } from '../../src/dialects/gemini/embedding.ts'
import { geminiTokenCount } from '../../src/dialects/gemini/token-count.ts'
import type { AnswerContext } from '../../src/dialects/dialect.ts'
import type { ChatProvider, EmbeddingProvider, Family, TokenCounter } from '../../src/providers/family.ts'
import { createGeminiFamily } from '../../src/providers/gemini/provider.ts'
import { createVertexFamily } from '../../src/providers/vertex/provider.ts'
import { loadProvider } from '../config/load-text.ts'
import { decodeStream } from './google-decode.ts'
import { createContext, geminiSettings } from './google-family.ts'
import { countOf, readGoogleRecordings } from './google-recordings.ts'
import type { GoogleRecording } from './google-recordings.ts'
import { noRecordings } from './recordings.ts'
import { dataOf } from './replay-stream.ts'

const vertexSettings: ProviderSettings = loadProvider('vertex', { keys: [{ value: 'secret', vertex_key_config: { project_id: 'p' } }] })
const families: Readonly<Record<string, Family>> = { gemini: createGeminiFamily(geminiSettings), vertex: createVertexFamily(vertexSettings) }
const chatOf = ({ provider, model }: GoogleRecording): ChatProvider => families[provider]?.chat(model) as ChatProvider
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const answerContext: AnswerContext = { model: 'm', nowSeconds: 0, newId: () => 'new', includeUsage: true, extraFields: '', jsonArray: false }
const chatVerbs = ['generateContent', 'streamGenerateContent']

/**
 * A recorded request as it is expected to come back. What differs, and why:
 * - `parameters` in Google's subset become `parametersJsonSchema` in JSON Schema (these models take both); an object without properties is left out
 * - several texts of one turn of the model become one, since streams cut them anywhere
 * - names in snake case become camel case, which Google reads alike
 * - an empty `generationConfig` is left out
 * - on Gemini 3 a first call without a signature gets the word that stands for a missing one
 */
function expected (request: JsonObject, model: string): unknown {
  const copy = asJson(request) as { generationConfig?: unknown, contents: { role: string, parts: JsonObject[] }[], tools?: { functionDeclarations?: JsonObject[] }[] }
  if (JSON.stringify(request['generationConfig']) === '{}') delete copy.generationConfig
  for (const content of copy.contents) {
    if (content.role !== 'model') continue
    const first = content.parts.find((part) => part['functionCall'] !== undefined)
    if (first !== undefined && model.startsWith('gemini-3')) first['thoughtSignature'] ??= 'skip_thought_signature_validator'
    // Members that are absent and empty arguments are the same to protobuf.
    for (const part of content.parts) if (part['functionCall'] !== undefined) (part['functionCall'] as JsonObject)['args'] ??= {}
    content.parts = content.parts.reduce<JsonObject[]>((parts, part) => {
      const last = parts.at(-1)
      if (typeof part['text'] === 'string' && typeof last?.['text'] === 'string' && last['thoughtSignature'] === undefined) return [...parts.slice(0, -1), { ...part, text: last['text'] + part['text'] }]
      return [...parts, part]
    }, [])
  }
  for (const tool of copy.tools as JsonObject[] | undefined ?? []) {
    for (const [snake, camel] of [['code_execution', 'codeExecution'], ['google_search', 'googleSearch']] as const) {
      if (tool[snake] === undefined) continue
      tool[camel] = tool[snake]
      delete tool[snake]
    }
  }
  for (const declaration of copy.tools?.flatMap(({ functionDeclarations = [] }) => functionDeclarations) ?? []) {
    const parameters = declaration['parameters'] as JsonObject | undefined
    delete declaration['parameters']
    if (Object.keys(parameters?.['properties'] ?? {}).length > 0) declaration['parametersJsonSchema'] = lowered(parameters as JsonObject)
  }
  return copy
}

function lowered (schema: JsonObject): unknown {
  return JSON.parse(JSON.stringify(schema).replace(/"type":"([A-Z]+)"/g, (_match, type: string) => `"type":"${type.toLowerCase()}"`))
}

test('recorded requests come back from the canonical form as they were, but for what is listed', (t) => {
  const recordings = [...readGoogleRecordings('unary', chatVerbs), ...readGoogleRecordings('stream', chatVerbs), ...readGoogleRecordings('error', chatVerbs)]
  if (recordings.length === 0) return t.skip(noRecordings)
  for (const recording of recordings) {
    const stream = recording.verb === 'streamGenerateContent'
    const context = createContext({ model: recording.model, stream })
    const canonical = geminiChat.toChatRequest(recording.request, recording.model, stream)
    const { url, body } = chatOf(recording).toChatRequest(canonical, context)
    assert.ok(url.href.endsWith(`/models/${recording.model}:${recording.verb}${stream ? '?alt=sse' : ''}`), url.href)
    assert.deepEqual(asJson(body), expected(recording.request, recording.model), recording.name)
    assert.deepEqual(context.dropped, [], recording.name)
  }
  t.diagnostic(countOf(recordings))
})

interface Recorded { candidates: { content: { parts: JsonObject[] }, finishReason: string, index?: number }[], usageMetadata: Record<string, number>, modelVersion: string, responseId: string }

/** Read here without any of the code under test. */
function usageOf ({ promptTokenCount: prompt = 0, toolUsePromptTokenCount: tools = 0, candidatesTokenCount: said = 0, thoughtsTokenCount: thoughts = 0, cachedContentTokenCount: cached = 0 }: Record<string, number>): number[] {
  return [prompt + tools, said + thoughts, thoughts, cached]
}

function countsOf (usage: ChatUsage | undefined): number[] {
  return [usage?.prompt_tokens ?? -1, usage?.completion_tokens ?? -1, usage?.completion_tokens_details?.reasoning_tokens ?? 0, usage?.prompt_tokens_details?.cached_tokens ?? 0]
}

test('recorded answers are understood, and come back in Gemini\'s words', (t) => {
  const recordings = readGoogleRecordings('unary', ['generateContent'])
  if (recordings.length === 0) return t.skip(noRecordings)
  for (const recording of recordings) {
    const recorded = JSON.parse(recording.body.toString('utf8')) as Recorded
    const reply = chatOf(recording).fromChatReply(recorded, { model: 'm', messages: [] }, createContext())
    assert.deepEqual(countsOf(reply.usage), usageOf(recorded.usageMetadata), recording.name)
    const answer = asJson(geminiChat.fromChatReply(reply, { model: 'm', messages: [] }, answerContext)) as Recorded
    for (const [index, { content, finishReason }] of recorded.candidates.entries()) {
      // Code that ran at Google's has no place in the canonical answer; texts of an answer are one.
      const parts = content.parts.filter((part) => part['executableCode'] === undefined && part['codeExecutionResult'] === undefined)
      const shape = (list: JsonObject[]): unknown => ({
        text: list.filter((part) => part['thought'] !== true).map((part) => part['text'] ?? '').join(''),
        thoughts: list.filter((part) => part['thought'] === true).map((part) => part['text']).join(''),
        calls: list.filter((part) => part['functionCall'] !== undefined).map((part) => ({ args: {}, ...part['functionCall'] as JsonObject, signature: part['thoughtSignature'] })),
        signature: list.findLast((part) => part['functionCall'] === undefined && part['thoughtSignature'] !== undefined)?.['thoughtSignature']
      })
      assert.deepEqual(shape(answer.candidates[index]?.content.parts ?? []), shape(parts), recording.name)
      assert.equal(answer.candidates[index]?.finishReason, finishReason)
      assert.equal(reply.choices[index]?.finish_reason, parts.some((part) => part['functionCall'] !== undefined) ? 'tool_calls' : 'stop')
    }
    assert.equal(answer.modelVersion, recorded.modelVersion)
    assert.equal(answer.responseId, recorded.responseId)
  }
  t.diagnostic(countOf(recordings))
})

test('recorded streams are understood to their end, with the usage of their last event', (t) => {
  const recordings = readGoogleRecordings('stream', chatVerbs)
  if (recordings.length === 0) return t.skip(noRecordings)
  for (const recording of recordings) {
    const events = dataOf(recording.body).map((text) => JSON.parse(text) as Recorded)
    const { calls, decoder } = decodeStream(chatOf(recording).createChatDecoder(null), [recording.body])
    assert.equal(decoder.error, null)
    assert.deepEqual([decoder.finished, decoder.complete], [true, true], recording.name)
    const usage = calls.findLast(([name]) => name === 'usage')?.[1] as ChatUsage
    const last = events.findLast(({ usageMetadata }) => usageMetadata?.['promptTokenCount'] !== undefined)
    assert.deepEqual(countsOf(usage), usageOf(last?.usageMetadata ?? {}), recording.name)
    const parts = events.flatMap(({ candidates = [] }) => candidates.flatMap(({ content }) => content?.parts ?? []))
    const deltas = calls.flatMap(([name, , delta]) => (name === 'delta' ? [delta as JsonObject] : []))
    assert.equal(deltas.map((delta) => delta['content'] ?? '').join(''), parts.filter((part) => part['thought'] !== true).map((part) => part['text'] ?? '').join(''))
    assert.equal(deltas.map((delta) => delta['reasoning_content'] ?? '').join(''), parts.filter((part) => part['thought'] === true).map((part) => part['text']).join(''))
    const called = deltas.flatMap((delta) => delta['tool_calls'] as JsonObject[] | undefined ?? [])
    assert.deepEqual(called.map((call) => (call['function'] as JsonObject)['name']), parts.flatMap((part) => (part['functionCall'] === undefined ? [] : [(part['functionCall'] as JsonObject)['name']])))
    assert.equal(new Set(called.map((call) => call['id'])).size, called.length)
    assert.equal(calls.find(([name]) => name === 'finish')?.[2], called.length > 0 ? 'tool_calls' : 'stop')
  }
  t.diagnostic(countOf(recordings))
})

test('recorded embeddings and counts go both ways', (t) => {
  const recordings = readGoogleRecordings('unary', ['batchEmbedContents', 'predict', 'countTokens'])
  if (recordings.length === 0) return t.skip(noRecordings)
  let images = 0
  for (const recording of recordings) {
    const { request, model, verb, name } = recording
    const family = families[recording.provider] as Family
    const context = createContext({ model })
    const recorded = JSON.parse(recording.body.toString('utf8')) as JsonObject
    if (verb === 'countTokens') {
      const counter = family.tokenCounter(model) as TokenCounter
      assert.deepEqual(geminiTokenCount.fromTokenCount(counter.fromCountReply(recorded)), { totalTokens: recorded['totalTokens'] }, name)
      const { body } = counter.toCountRequest(geminiTokenCount.toChatRequest(request, model), context)
      const inner = request['generateContentRequest'] as JsonObject | undefined
      assert.deepEqual(asJson(body), inner === undefined ? request : { generateContentRequest: expected(inner, model) }, name)
      continue
    }
    const embedding = family.embedding(model) as EmbeddingProvider
    const reply = embedding.fromEmbeddingReply(recorded, { model, input: '' }, context)
    const vectors = ((recorded['embeddings'] ?? (recorded['predictions'] as { embeddings: unknown }[]).map(({ embeddings }) => embeddings)) as { values: number[] }[]).map(({ values }) => values)
    assert.deepEqual(reply.data.map((item) => item.embedding), vectors, name)
    if (verb === 'predict') {
      const { instances, parameters } = request as { instances: { content: string }[], parameters?: { outputDimensionality?: number } }
      assert.deepEqual(asJson(embedding.toEmbeddingRequest({ model, input: instances.map(({ content }) => content), dimensions: parameters?.outputDimensionality ?? null }, context).body), request, name)
    } else if (name.includes('embeds-an-image')) {
      // Other providers embed no images, so there is no canonical word for them; Gemini's own clients go straight through.
      images++
      assert.throws(() => geminiEmbedding.toEmbeddingRequest(request, model), { code: 'BIFROST_INVALID_REQUEST' })
    } else {
      assert.deepEqual(asJson(embedding.toEmbeddingRequest(geminiEmbedding.toEmbeddingRequest(request, model), context).body), request, name)
    }
  }
  assert.ok(images <= 1)
  t.diagnostic(countOf(recordings))
})

const errors: readonly [RegExp, object][] = [
  [/^gemini\/.*context-length/, { status: 429, type: 'RESOURCE_EXHAUSTED', upstreamCode: 'RESOURCE_EXHAUSTED', retryAfterSeconds: 48 }],
  [/^gemini\/.*auth-error/, { status: 401, type: 'INVALID_ARGUMENT', upstreamCode: 'API_KEY_INVALID', message: 'API key not valid. Please pass a valid API key.' }],
  [/^vertex\/.*context-length/, { status: 400, type: 'INVALID_ARGUMENT', upstreamCode: 'context_length_exceeded' }]
]

test('recorded errors are typed', (t) => {
  const recordings = readGoogleRecordings('error', chatVerbs)
  if (recordings.length === 0) return t.skip(noRecordings)
  assert.equal(recordings.length, errors.length)
  for (const { name, provider, status, body } of recordings) {
    const error = families[provider]?.toError(status, { 'content-type': 'application/json; charset=UTF-8' }, body)
    const wanted = errors.find(([pattern]) => pattern.test(name))?.[1] ?? {}
    for (const [member, value] of Object.entries({ code: 'BIFROST_UPSTREAM_STATUS', provider, ...wanted })) assert.equal(error?.[member as keyof typeof error], value, `${name} ${member}`)
  }
  t.diagnostic(countOf(recordings))
})
