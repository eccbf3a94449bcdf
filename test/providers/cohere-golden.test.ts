import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toOutcome } from '../../src/router/outcomes.ts'
import { builtInProvider } from '../../src/config/providers.ts'
import { createCohereFamily } from '../../src/providers/cohere/provider.ts'
import { createContext } from './golden.ts'
import { createSettings, emptyRequest, errorOf, testGoldenFiles } from './family-tests.ts'
import { createJob } from './recordings.ts'

const { baseUrl, paths, operations, nativeOperations } = builtInProvider('cohere') ?? assert.fail()
const family = createCohereFamily(createSettings('cohere', { baseUrl, paths, operations, nativeOperations }))
const chat = family.chat('m') ?? assert.fail()
const embedding = family.embedding('m') ?? assert.fail()
const rerank = family.rerank('m') ?? assert.fail()
const refused = (param: string) => ({ name: 'GatewayError', code: 'BIFROST_INVALID_REQUEST', param })

testGoldenFiles('cohere', family)

test('a request goes to the path of its operation, with the key', async () => {
  assert.equal(chat.toChatRequest({ model: 'm', messages: [{ role: 'user', content: 'a' }] }, createContext()).url.href, 'https://api.cohere.com/v2/chat')
  assert.equal(embedding.toEmbeddingRequest({ model: 'm', input: 'a' }, createContext()).url.href, 'https://api.cohere.com/v2/embed')
  assert.equal(rerank.toRerankRequest({ model: 'm', query: 'a', documents: [] }, createContext()).url.href, 'https://api.cohere.com/v2/rerank')
  const request = await family.authorize({ origin: '', path: '', headers: [], body: Buffer.alloc(0) }, 0)
  assert.deepEqual(request.headers, ['authorization', 'Bearer secret'])
})

test('clients of the same dialect go through byte for byte', () => {
  for (const [operation, path] of [['chat_completion', '/v2/chat'], ['embedding', '/v2/embed'], ['rerank', '/v2/rerank']] as const) {
    assert.equal(family.isNative('cohere', operation, 'm'), true)
    assert.equal(family.isNative('openai', operation, 'm'), false)
    const body = Buffer.from('{ "model" : "m" }')
    const native = family.toNativeRequest(createJob(operation, { dialect: 'cohere', body }))
    assert.equal(native.url.pathname, path)
    assert.equal(native.body, body)
  }
  assert.equal(family.isNative('cohere', 'text_completion', 'm'), false)
  assert.deepEqual(family.toUsage({ usage: { tokens: { input_tokens: 1, output_tokens: 2 } } }, 'chat_completion'), { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 })
  assert.deepEqual(family.toUsage({ meta: { billed_units: { input_tokens: 4 } } }, 'embedding'), { prompt_tokens: 4, completion_tokens: 0, total_tokens: 4 })
  assert.equal(family.toUsage({ meta: { billed_units: { search_units: 1 } } }, 'rerank'), null)
})

test('what cannot be asked names the member', () => {
  const messages = [{ role: 'user' as const, content: 'x' }]
  const tools = [{ type: 'function' as const, function: { name: 'a' } }]
  assert.throws(() => chat.toChatRequest({ model: 'm', messages, tools, tool_choice: { type: 'function', function: { name: 'b' } } }, createContext()), refused('tool_choice'))
  assert.throws(() => chat.toChatRequest({ model: 'm', messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] }, createContext()), refused('messages[0].content'))
  assert.throws(() => embedding.toEmbeddingRequest({ model: 'm', input: [[1, 2]] }, createContext()), refused('input'))
  const context = createContext()
  chat.toChatRequest({ model: 'm', messages, tool_choice: 'required' }, context)
  assert.deepEqual(context.dropped, ['tool_choice'])
})

test('answers that are none are told apart from failures', () => {
  const bad = { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' }
  for (const body of [null, 5, {}, { message: 'text' }, { message: null }]) assert.throws(() => chat.fromChatReply(body, emptyRequest, createContext()), bad)
  assert.throws(() => embedding.fromEmbeddingReply({}, { model: 'm', input: 'a' }, createContext()), bad)
  assert.throws(() => rerank.fromRerankReply({}, { model: 'm', query: 'a', documents: [] }, createContext()), bad)
  assert.throws(() => chat.fromChatReply({ message: {}, finish_reason: 'ERROR' }, emptyRequest, createContext()), { code: 'BIFROST_UPSTREAM_STATUS', status: 500 })
  assert.throws(() => chat.fromChatReply({ message: {}, finish_reason: 'TIMEOUT' }, emptyRequest, createContext()), { code: 'BIFROST_UPSTREAM_STATUS', status: 504 })
})

test('embeddings: request and reply', () => {
  const context = createContext()
  const request = { model: 'c', input: ['a', 'b'], dimensions: 256, encoding_format: 'base64', input_type: 'search_query', user: 'u', truncate: 'END' }
  assert.deepEqual(embedding.toEmbeddingRequest(request, context).body, { model: 'm', input_type: 'search_query', embedding_types: ['float'], output_dimension: 256, texts: ['a', 'b'] })
  assert.deepEqual(context.dropped, ['user', 'truncate'])
  assert.deepEqual(embedding.toEmbeddingRequest({ model: 'c', input: 'a', truncate: 'END' }, createContext({ passExtraParams: true })).body, { model: 'm', input_type: 'search_document', embedding_types: ['float'], texts: ['a'], truncate: 'END' })
  const expected = { object: 'list', model: 'm', data: [{ object: 'embedding', index: 0, embedding: [1, 2] }, { object: 'embedding', index: 1, embedding: [3, 4] }], usage: { prompt_tokens: 7, total_tokens: 7 } }
  assert.deepEqual(embedding.fromEmbeddingReply({ embeddings: { float: [[1, 2], [3, 4]] }, meta: { billed_units: { input_tokens: 7 } } }, request, context), expected)
  assert.deepEqual(embedding.fromEmbeddingReply({ embeddings: [[1, 2], [3, 4]], meta: { tokens: { input_tokens: 7 }, billed_units: { input_tokens: 9 } } }, request, context), expected)
})

test('ranking: documents become texts and come back when they were asked for', () => {
  const context = createContext()
  const request = { model: 'c', query: 'q', documents: ['a', { text: 'b' }, { title: 'c' } as unknown as { text: string }], top_n: 2, max_tokens_per_doc: 100, return_documents: true, rank_fields: ['x'] }
  assert.deepEqual(rerank.toRerankRequest(request, context).body, { model: 'm', query: 'q', documents: ['a', 'b', '{"title":"c"}'], top_n: 2, max_tokens_per_doc: 100 })
  assert.deepEqual(context.dropped, ['rank_fields'])
  const results = [{ index: 1, relevance_score: 0.9 }, { index: 0, relevance_score: 0.1 }]
  assert.deepEqual(rerank.fromRerankReply({ id: 'r', results }, request, context), { id: 'r', model: 'm', results: [{ index: 1, relevance_score: 0.9, document: { text: 'b' } }, { index: 0, relevance_score: 0.1, document: { text: 'a' } }] })
  assert.deepEqual(rerank.fromRerankReply({ results }, { ...request, return_documents: false }, context), { model: 'm', results })
})

test('errors by class', () => {
  assert.deepEqual(errorOf(family, 400, { id: 'x', error_type: 'TOO_MANY_TOKENS', message: 'size limit exceeded' }), [400, 'context_length_exceeded', 'size limit exceeded'])
  assert.deepEqual(errorOf(family, 400, { message: 'too many tokens: size limit exceeded by 5 tokens.' }), [400, 'context_length_exceeded', 'too many tokens: size limit exceeded by 5 tokens.'])
  assert.deepEqual(errorOf(family, 400, { message: 'invalid request: bad', error_type: 'OTHER' }), [400, 'OTHER', 'invalid request: bad'])
  assert.deepEqual(errorOf(family, 401, { message: 'invalid api token' }), [401, null, 'invalid api token'])
  assert.deepEqual(errorOf(family, 498, { message: 'invalid token' }), [401, null, 'invalid token'])
  assert.deepEqual(errorOf(family, 499, { message: 'request cancelled' }), [502, null, 'request cancelled'])
  assert.deepEqual(errorOf(family, 404, { message: "model 'x' not found" }), [404, null, "model 'x' not found"])
  assert.deepEqual(errorOf(family, 429, { message: 'too many tokens per minute' }), [429, null, 'too many tokens per minute'])
  assert.deepEqual(errorOf(family, 503, '<html>', 'text/html'), [503, null, 'cohere answered with status 503: HTML response received from provider.'])
  assert.equal(toOutcome(family.toError(400, {}, Buffer.from('{"message":"too many tokens"}'))), 'context_length')
  assert.equal(toOutcome(family.toError(498, {}, Buffer.from('{}'))), 'key_lasting')
})
