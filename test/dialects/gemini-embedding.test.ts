import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EmbeddingReply } from '../../src/api/chat.ts'
import type { AnswerContext } from '../../src/dialects/dialect.ts'
import { geminiEmbedding } from '../../src/dialects/gemini/embedding.ts'
import { geminiTokenCount } from '../../src/dialects/gemini/token-count.ts'

const context: AnswerContext = { model: 'm', nowSeconds: 1, newId: () => 'newid', includeUsage: true, extraFields: '', jsonArray: false }
const content = (text: string): object => ({ parts: [{ text }] })
const reply = (count: number): EmbeddingReply => ({ object: 'list', model: 'm', data: Array.from({ length: count }, (_value, index) => ({ object: 'embedding', index, embedding: [index, 0.5] })), usage: { prompt_tokens: 1, total_tokens: 1 } })

test('one content is one text, and comes back as one embedding', () => {
  const request = geminiEmbedding.toEmbeddingRequest({ model: 'models/x', content: { parts: [{ text: 'a' }, { text: 'b' }] }, task_type: 'RETRIEVAL_QUERY', outputDimensionality: 256, title: 't' }, 'm')
  assert.deepEqual(request, { model: 'm', input: 'ab', input_type: 'search_query', dimensions: 256, title: 't' })
  assert.deepEqual(geminiEmbedding.fromEmbeddingReply(reply(1), request, context), { embedding: { values: [0, 0.5] } })
})

test('a batch is several texts, and comes back in their order', () => {
  const request = geminiEmbedding.toEmbeddingRequest({ requests: [{ model: 'models/x', content: content('a'), taskType: 'SEMANTIC_SIMILARITY' }, { model: 'models/x', content: content('b'), taskType: 'SEMANTIC_SIMILARITY' }] }, 'm')
  assert.deepEqual(request, { model: 'm', input: ['a', 'b'], input_type: 'semantic_similarity' })
  assert.deepEqual(geminiEmbedding.fromEmbeddingReply(reply(2), request, context), { embeddings: [{ values: [0, 0.5] }, { values: [1, 0.5] }] })
})

test('a batch of one stays a batch', () => {
  const request = geminiEmbedding.toEmbeddingRequest({ requests: [{ content: content('a') }] }, 'm')
  assert.deepEqual(request, { model: 'm', input: ['a'] })
  assert.deepEqual(geminiEmbedding.fromEmbeddingReply(reply(1), request, context), { embeddings: [{ values: [0, 0.5] }] })
})

const refused: [object, string][] = [
  [{ requests: [] }, 'requests'],
  [{ requests: [{ content: content('a'), taskType: 'CLUSTERING' }, { content: content('b') }] }, 'requests[1]'],
  [{ requests: [{ content: { parts: [{ inlineData: {} }] } }] }, 'requests[0].content.parts[0]'],
  [{ content: 5 }, 'content']
]
for (const [body, param] of refused) {
  test(`${JSON.stringify(body)} cannot be translated`, () => {
    assert.throws(() => geminiEmbedding.toEmbeddingRequest(body as never, 'm'), { code: 'BIFROST_INVALID_REQUEST', param })
  })
}

test('a count takes contents alone or a whole request', () => {
  const contents = [{ role: 'user', parts: [{ text: 'a' }] }]
  assert.deepEqual(geminiTokenCount.toChatRequest({ contents }, 'm'), { model: 'm', messages: [{ role: 'user', content: 'a' }] })
  assert.deepEqual(geminiTokenCount.toChatRequest({ generateContentRequest: { model: 'models/m', contents, systemInstruction: { parts: [{ text: 's' }] } } }, 'm'), { model: 'm', messages: [{ role: 'system', content: 's' }, { role: 'user', content: 'a' }] })
  assert.deepEqual(geminiTokenCount.fromTokenCount(8), { totalTokens: 8 })
})
