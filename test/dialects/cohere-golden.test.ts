import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cohereChat } from '../../src/dialects/cohere/chat.ts'
import { cohereEmbedding } from '../../src/dialects/cohere/embedding.ts'
import { cohereRerank } from '../../src/dialects/cohere/rerank.ts'
import { answerContext, testClientFiles } from './client-golden.ts'

const refused = (param: string) => ({ name: 'GatewayError', code: 'BIFROST_INVALID_REQUEST', param })

testClientFiles('cohere', cohereChat)

test('a request that makes no sense names the member', () => {
  const ask = (body: object) => () => cohereChat.toChatRequest({ messages: [{ role: 'user', content: 'x' }], ...body }, 'm', false)
  assert.throws(ask({ messages: 5 }), refused('messages'))
  assert.throws(ask({ messages: [5] }), refused('messages[0]'))
  assert.throws(ask({ messages: [{ role: 'bot', content: '' }] }), refused('messages[0].role'))
  assert.throws(ask({ messages: [{ role: 'user', content: 5 }] }), refused('messages[0].content'))
  assert.throws(ask({ messages: [{ role: 'user', content: [{ type: 'video' }] }] }), refused('messages[0].content[0]'))
  assert.throws(ask({ messages: [{ role: 'tool', content: '' }] }), refused('messages[0].tool_call_id'))
  assert.throws(ask({ messages: [{ role: 'assistant', tool_calls: [{ id: 'a' }] }] }), refused('messages[0].tool_calls[0]'))
  assert.throws(ask({ tools: {} }), refused('tools'))
  assert.throws(ask({ tools: [{}] }), refused('tools[0]'))
  assert.throws(ask({ tool_choice: 'auto' }), refused('tool_choice'))
})

test('embeddings: texts in any of their forms, floats and base64 back', () => {
  const request = cohereEmbedding.toEmbeddingRequest({ model: 'x', texts: ['a'], input_type: 'classification', embedding_types: ['float', 'base64'], output_dimension: 8 }, 'm')
  assert.deepEqual(request, { model: 'm', input: ['a'], input_type: 'classification', encoding_format: 'float,base64', dimensions: 8 })
  const reply = { object: 'list' as const, model: 'm', data: [{ object: 'embedding' as const, index: 0, embedding: [1, -2] }], usage: { prompt_tokens: 3, total_tokens: 3 } }
  assert.deepEqual(cohereEmbedding.fromEmbeddingReply(reply, request, answerContext), {
    id: 'new-id',
    // 1 and -2 as little-endian float32: 00 00 80 3f, 00 00 00 c0.
    embeddings: { float: [[1, -2]], base64: ['AACAPwAAAMA='] },
    texts: ['a'],
    meta: { api_version: { version: '2' }, billed_units: { input_tokens: 3 } },
    response_type: 'embeddings_by_type'
  })
  assert.deepEqual(cohereEmbedding.toEmbeddingRequest({ inputs: [{ content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] }] }, 'm'), { model: 'm', input: ['a\nb'], encoding_format: 'float' })
  assert.throws(() => cohereEmbedding.toEmbeddingRequest({ texts: 'a' }, 'm'), refused('texts'))
  assert.throws(() => cohereEmbedding.toEmbeddingRequest({ images: ['data:'] }, 'm'), refused('images'))
  assert.throws(() => cohereEmbedding.toEmbeddingRequest({ inputs: [{ content: [{ type: 'image_url' }] }] }, 'm'), refused('inputs[0]'))
  assert.throws(() => cohereEmbedding.toEmbeddingRequest({ texts: ['a'], embedding_types: ['int8'] }, 'm'), refused('embedding_types'))
})

test('ranking', () => {
  const request = cohereRerank.toRerankRequest({ model: 'x', query: 'q', documents: ['a'], top_n: 1 }, 'm')
  assert.deepEqual(request, { model: 'm', query: 'q', documents: ['a'], top_n: 1 })
  const results = [{ index: 0, relevance_score: 0.5 }]
  assert.deepEqual(cohereRerank.fromRerankReply({ model: 'm', results }, request, answerContext), { id: 'new-id', results, meta: { api_version: { version: '2' }, billed_units: { search_units: 1 } } })
  assert.throws(() => cohereRerank.toRerankRequest({ documents: [] }, 'm'), refused('query'))
  assert.throws(() => cohereRerank.toRerankRequest({ query: 'q' }, 'm'), refused('documents'))
})
