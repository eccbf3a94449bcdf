import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGeminiFamily } from '../../src/providers/gemini/provider.ts'
import type { EmbeddingProvider, TokenCounter } from '../../src/providers/family.ts'
import { createContext, geminiSettings } from './google-family.ts'
import { createJob } from './recordings.ts'

const family = createGeminiFamily(geminiSettings)
const base = 'https://generativelanguage.googleapis.com/v1beta'
const native = (operation: 'chat_completion' | 'embedding' | 'count_tokens', model: string, body: string, stream = false): { url: string, body: string } => {
  const request = family.toNativeRequest(createJob(operation, { dialect: 'gemini', model, stream, body: Buffer.from(body) }))
  return { url: request.url.href, body: Buffer.from(request.body).toString('utf8') }
}

test('a native chat goes through byte for byte, with the model in the path', () => {
  const body = '{ "contents": [ ], "unknown": 1 }'
  assert.deepEqual(native('chat_completion', 'gemini-2.5-flash', body), { url: `${base}/models/gemini-2.5-flash:generateContent`, body })
  assert.deepEqual(native('chat_completion', 'tunedModels/mine', body, true), { url: `${base}/tunedModels/mine:streamGenerateContent?alt=sse`, body })
})

test('native embeddings and counts go through as they are, but for another model in the body', () => {
  const single = '{ "content": {"parts": []} }'
  assert.deepEqual(native('embedding', 'e', single), { url: `${base}/models/e:embedContent`, body: single })
  const same = '{"requests": [{"model": "models/e"}]}'
  assert.deepEqual(native('embedding', 'e', same), { url: `${base}/models/e:batchEmbedContents`, body: same })
  assert.deepEqual(native('embedding', 'e', '{"requests":[{"model":"models/gemini/alias","content":{}},{}]}'), { url: `${base}/models/e:batchEmbedContents`, body: '{"requests":[{"model":"models/e","content":{}},{}]}' })
  assert.deepEqual(native('count_tokens', 'm', '{"generateContentRequest":{"model":"models/x","contents":[]}}'), { url: `${base}/models/m:countTokens`, body: '{"generateContentRequest":{"model":"models/m","contents":[]}}' })
})

test('the key goes into its header, and nothing where there is none', async () => {
  const request = (): { origin: string, path: string, headers: string[], body: Uint8Array } => ({ origin: '', path: '', headers: [], body: new Uint8Array(0) })
  assert.deepEqual((await family.authorize(request(), 0)).headers, ['x-goog-api-key', 'secret'])
  assert.deepEqual((await family.authorize(request(), 7)).headers, [])
})

test('embeddings are a batch, also of one', () => {
  const embedding = family.embedding('') as EmbeddingProvider
  const context = createContext({ model: 'gemini-embedding-001' })
  const { url, body } = embedding.toEmbeddingRequest({ model: 'x', input: 'a', dimensions: 768, input_type: 'search_document', encoding_format: 'base64', user: 'u' }, context)
  assert.equal(url.href, `${base}/models/gemini-embedding-001:batchEmbedContents`)
  assert.deepEqual(body, { requests: [{ model: 'models/gemini-embedding-001', taskType: 'RETRIEVAL_DOCUMENT', outputDimensionality: 768, content: { parts: [{ text: 'a' }] } }] })
  assert.deepEqual(context.dropped, ['user'])
  const reply = embedding.fromEmbeddingReply({ embeddings: [{ values: [1, 2] }], usageMetadata: { promptTokenDetails: [{ modality: 'TEXT', tokenCount: 3 }, { modality: 'IMAGE', tokenCount: 258 }] } }, { model: 'x', input: 'a' }, context)
  assert.deepEqual(reply, { object: 'list', model: 'gemini-embedding-001', data: [{ object: 'embedding', index: 0, embedding: [1, 2] }], usage: { prompt_tokens: 261, total_tokens: 261 } })
  for (const body of [null, {}, { embeddings: [{}] }]) assert.throws(() => embedding.fromEmbeddingReply(body, { model: 'x', input: '' }, context), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
})

test('a count holds the whole request', () => {
  const counter = family.tokenCounter('') as TokenCounter
  const { url, body } = counter.toCountRequest({ model: 'x', messages: [{ role: 'user', content: 'a' }], temperature: 0 }, createContext({ model: 'm' }))
  assert.equal(url.href, `${base}/models/m:countTokens`)
  assert.deepEqual(JSON.parse(JSON.stringify(body)), { generateContentRequest: { model: 'models/m', contents: [{ role: 'user', parts: [{ text: 'a' }] }], generationConfig: { temperature: 0 } } })
  assert.equal(counter.fromCountReply({ totalTokens: 8 }), 8)
})

test('usage of a native answer counts as OpenAI does', () => {
  assert.deepEqual(family.toUsage({ usageMetadata: { promptTokenCount: 10, toolUsePromptTokenCount: 2, candidatesTokenCount: 3, thoughtsTokenCount: 4, cachedContentTokenCount: 5, totalTokenCount: 19 } }, 'chat_completion'), {
    prompt_tokens: 12, completion_tokens: 7, total_tokens: 19, prompt_tokens_details: { cached_tokens: 5 }, completion_tokens_details: { reasoning_tokens: 4 }
  })
  for (const body of [null, {}, { usageMetadata: { trafficType: 'ON_DEMAND' } }]) assert.equal(family.toUsage(body, 'chat_completion'), null)
})

test('only what the settings name is served', () => {
  const chatOnly = createGeminiFamily({ ...geminiSettings, operations: ['chat_completion'] })
  assert.ok(chatOnly.chat('m') !== null)
  assert.deepEqual([chatOnly.embedding('m'), chatOnly.tokenCounter('m'), chatOnly.rerank('m')], [null, null, null])
  assert.equal(chatOnly.isNative('gemini', 'embedding', 'm'), false)
  assert.equal(chatOnly.isNative('openai', 'chat_completion', 'm'), false)
})
