import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOpenAiFamily } from '../../src/providers/openai/provider.ts'
import { createProvider } from '../router/settings.ts'
import { createContext } from './golden.ts'

const family = createOpenAiFamily(createProvider('openai'))

test('members that only other dialects have do not go to OpenAI, unless the client insists', () => {
  const chat = family.chat('m') ?? assert.fail()
  const messages = [{ role: 'user' as const, content: 'x' }]
  const request = { model: 'c', messages, keep_alive: '5m', documents: ['a'], safety_mode: null, store: true, prompt_cache_key: 'k' }
  const context = createContext()
  assert.deepEqual(chat.toChatRequest(request, context).body, { model: 'm', messages, store: true, prompt_cache_key: 'k' })
  assert.deepEqual(context.dropped, ['keep_alive', 'documents'])
  assert.deepEqual(chat.toChatRequest(request, createContext({ passExtraParams: true })).body, { ...request, model: 'm' })
})

test('nor do those of embeddings', () => {
  const embedding = family.embedding('m') ?? assert.fail()
  const request = { model: 'c', input: ['a'], dimensions: 8, input_type: 'search_query', truncate: 'END', user: 'u' }
  const context = createContext()
  assert.deepEqual(embedding.toEmbeddingRequest(request, context).body, { model: 'm', input: ['a'], dimensions: 8, user: 'u', encoding_format: 'float' })
  assert.deepEqual(context.dropped, ['input_type', 'truncate'])
  assert.equal(embedding.toEmbeddingRequest(request, createContext({ passExtraParams: true })).body['truncate'], 'END')
})
