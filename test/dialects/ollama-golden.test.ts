import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ollamaChat } from '../../src/dialects/ollama/chat.ts'
import { ollamaEmbedding } from '../../src/dialects/ollama/embedding.ts'
import { answerContext, testClientFiles } from './client-golden.ts'

const refused = (param: string) => ({ name: 'GatewayError', code: 'BIFROST_INVALID_REQUEST', param })

testClientFiles('ollama', ollamaChat)

test('a request that makes no sense names the member', () => {
  const ask = (body: object) => () => ollamaChat.toChatRequest({ messages: [], ...body }, 'm', false)
  assert.throws(ask({ messages: {} }), refused('messages'))
  assert.throws(ask({ messages: ['x'] }), refused('messages[0]'))
  assert.throws(ask({ messages: [{ role: 'bot' }] }), refused('messages[0].role'))
  assert.throws(ask({ messages: [{ role: 'user', content: [] }] }), refused('messages[0].content'))
  assert.throws(ask({ messages: [{ role: 'user', images: [5] }] }), refused('messages[0].images[0]'))
  assert.throws(ask({ messages: [{ role: 'tool', content: 'x' }] }), refused('messages[0]'))
  assert.throws(ask({ messages: [{ role: 'assistant', tool_calls: [{}] }] }), refused('messages[0].tool_calls[0]'))
  assert.throws(ask({ tools: {} }), refused('tools'))
  assert.throws(ask({ tools: [{}] }), refused('tools[0]'))
})

test('a ping is a piece that says nothing', () => {
  const pieces: string[] = []
  const encoder = ollamaChat.createChatEncoder({ model: 'm', messages: [] }, answerContext)
  encoder.begin({ append: (bytes, start, end) => { pieces.push(Buffer.from(bytes.subarray(start, end)).toString()) }, appendAscii: () => {} }, 5)
  encoder.ping()
  assert.deepEqual(pieces, ['{"model":"m","created_at":"2023-11-14T22:13:20.000Z","message":{"role":"assistant","content":""},"done":false}\n'])
})

test('embeddings', () => {
  const request = ollamaEmbedding.toEmbeddingRequest({ model: 'x', input: ['a'], dimensions: 8, truncate: true }, 'm')
  assert.deepEqual(request, { model: 'm', input: ['a'], dimensions: 8, truncate: true })
  const reply = { object: 'list' as const, model: 'other', data: [{ object: 'embedding' as const, index: 0, embedding: [1, 2] }], usage: { prompt_tokens: 3, total_tokens: 3 } }
  assert.deepEqual(ollamaEmbedding.fromEmbeddingReply(reply, request, answerContext), { model: 'm', embeddings: [[1, 2]], prompt_eval_count: 3 })
  assert.throws(() => ollamaEmbedding.toEmbeddingRequest({ input: [1] }, 'm'), refused('input'))
  assert.throws(() => ollamaEmbedding.toEmbeddingRequest({}, 'm'), refused('input'))
})
