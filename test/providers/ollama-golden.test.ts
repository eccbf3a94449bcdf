import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builtInProvider, nativeOllama } from '../../src/config/providers.ts'
import { createOllamaFamily } from '../../src/providers/ollama/provider.ts'
import { toOutcome } from '../../src/router/outcomes.ts'
import { createProvider } from '../router/settings.ts'
import { createAdapter } from './create-adapter.ts'
import { createContext } from './golden.ts'
import { createSettings, emptyRequest, errorOf, testGoldenFiles } from './family-tests.ts'
import { createJob } from './recordings.ts'

const { baseUrl, paths, operations } = nativeOllama(builtInProvider('ollama') ?? assert.fail())
const family = createOllamaFamily(createSettings('ollama', { baseUrl, paths, operations }))
const chat = family.chat('m') ?? assert.fail()
const embedding = family.embedding('m') ?? assert.fail()
const refused = (param: string) => ({ name: 'GatewayError', code: 'BIFROST_INVALID_REQUEST', param })

testGoldenFiles('ollama', family)

test('a request goes to the path of its operation, with the key where there is one', async () => {
  assert.equal(chat.toChatRequest(emptyRequest, createContext()).url.href, 'http://127.0.0.1:11434/api/chat')
  assert.equal(embedding.toEmbeddingRequest({ model: 'm', input: 'a' }, createContext()).url.href, 'http://127.0.0.1:11434/api/embed')
  const headersOf = async (keyIndex: number): Promise<string[]> => (await family.authorize({ origin: '', path: '', headers: [], body: Buffer.alloc(0) }, keyIndex)).headers
  assert.deepEqual(await headersOf(0), ['authorization', 'Bearer secret'])
  assert.deepEqual(await headersOf(1), [])
})

test('clients of the same dialect go through byte for byte, text completions over /v1', async () => {
  for (const [operation, path] of [['chat_completion', '/api/chat'], ['text_completion', '/api/generate'], ['embedding', '/api/embed']] as const) {
    assert.equal(family.isNative('ollama', operation, 'm'), true)
    assert.equal(family.isNative('openai', operation, 'm'), false)
    const body = Buffer.from('{ "model" : "m" }')
    const native = family.toNativeRequest(createJob(operation, { dialect: 'ollama', body }))
    assert.equal(native.url.pathname, path)
    assert.equal(native.body, body)
  }
  assert.deepEqual(family.toUsage({ prompt_eval_count: 3, eval_count: 4 }, 'chat_completion'), { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 })
  assert.equal(family.toUsage(null, 'chat_completion'), null)
  const adapter = createAdapter(createProvider('ollama', { kind: 'ollama', baseUrl, paths, operations }))
  const body = Buffer.from('{"model":"m","prompt":"x"}')
  const request = await adapter.open(createJob('text_completion', { body })).toRequest()
  assert.deepEqual([request.path, request.body], ['/v1/completions', body])
  const translated = adapter.open(createJob('chat_completion', { body: Buffer.from('{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true}') }))
  assert.equal((await translated.toRequest()).path, '/api/chat')
  assert.equal(translated.streamFraming, 'lines')
})

test('what cannot be asked names the member, and answers that are none are told apart', () => {
  const ask = (message: object, more: object = {}) => () => chat.toChatRequest({ model: 'm', messages: [message as { role: 'user', content: string }], ...more }, createContext())
  assert.throws(ask({ role: 'user', content: [{ type: 'text', text: '' }, { type: 'image_url', image_url: { url: 'https://e/a.png' } }] }), refused('messages[0].content[1].image_url.url'))
  assert.throws(ask({ role: 'user', content: [{ type: 'file', file: {} }] }), refused('messages[0].content'))
  assert.throws(ask({ role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '[1]' } }] }), refused('messages[0].tool_calls[0].function.arguments'))
  assert.throws(ask({ role: 'user', content: 'x' }, { tools: [], tool_choice: { type: 'function', function: { name: 'b' } } }), refused('tool_choice'))
  assert.throws(() => embedding.toEmbeddingRequest({ model: 'm', input: [[1]] }, createContext()), refused('input'))
  for (const body of [null, 5, {}, { message: null }]) assert.throws(() => chat.fromChatReply(body, emptyRequest, createContext()), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
  assert.throws(() => embedding.fromEmbeddingReply({}, { model: 'm', input: 'a' }, createContext()), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
})

test('embeddings: request and reply', () => {
  const context = createContext()
  assert.deepEqual(embedding.toEmbeddingRequest({ model: 'c', input: ['a'], dimensions: 8, encoding_format: 'base64', user: 'u', keep_alive: 1 }, context).body, { model: 'm', input: ['a'], dimensions: 8 })
  assert.deepEqual(context.dropped, ['user', 'keep_alive'])
  assert.deepEqual(embedding.toEmbeddingRequest({ model: 'c', input: 'a', keep_alive: 1, user: 'u' }, createContext({ passExtraParams: true })).body, { model: 'm', input: 'a', keep_alive: 1 })
  assert.deepEqual(embedding.fromEmbeddingReply({ model: 'e', embeddings: [[1], [2]], prompt_eval_count: 5 }, { model: 'm', input: 'a' }, context), {
    object: 'list', model: 'e', data: [{ object: 'embedding', index: 0, embedding: [1] }, { object: 'embedding', index: 1, embedding: [2] }], usage: { prompt_tokens: 5, total_tokens: 5 }
  })
})

test('errors by class', () => {
  assert.deepEqual(errorOf(family, 401, { error: 'Unauthorized' }), [401, null, 'Unauthorized'])
  assert.deepEqual(errorOf(family, 404, { error: "model 'x' not found" }), [404, null, "model 'x' not found"])
  assert.deepEqual(errorOf(family, 400, { error: 'prompt too long; exceeded max context length by 5 tokens' })[1], 'context_length_exceeded')
  assert.deepEqual(errorOf(family, 500, { error: 'llama runner process has terminated' }), [500, null, 'llama runner process has terminated'])
  assert.deepEqual(errorOf(family, 200, { error: 'server busy, please try again.  maximum pending requests exceeded' })[0], 503)
  assert.deepEqual(errorOf(family, 200, { error: 'unauthorized' })[0], 401)
  assert.deepEqual(errorOf(family, 200, { error: '"m" does not support tools' })[0], 400)
  assert.deepEqual(errorOf(family, 200, { error: 'too many requests' })[0], 429)
  assert.equal(toOutcome(family.toError(400, {}, Buffer.from('{"error":"prompt too long"}'))), 'context_length')
})
