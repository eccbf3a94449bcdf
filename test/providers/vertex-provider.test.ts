import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatProvider, EmbeddingProvider, Family, TokenCounter } from '../../src/providers/family.ts'
import { createVertexFamily } from '../../src/providers/vertex/provider.ts'
import { loadProvider } from '../config/load-text.ts'
import { createContext } from './google-family.ts'
import { createJob } from './recordings.ts'

const createFamily = (config: object, key: object = {}, more: object = {}): Family => createVertexFamily(loadProvider('vertex', { keys: [{ ...key, vertex_key_config: config }], ...more }))
const model = 'gemini-2.5-flash'
const urlOf = (family: Family, stream = false): string => (family.chat(model) as ChatProvider).toChatRequest({ model, messages: [{ role: 'user', content: 'a' }] }, createContext({ stream })).url.href

const addresses: [string, object, object, string][] = [
  ['no region is global', { project_id: 'p' }, {}, 'https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:generateContent'],
  ['a region', { project_id: 'p', region: 'europe-west4' }, {}, 'https://europe-west4-aiplatform.googleapis.com/v1beta1/projects/p/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent'],
  ['a multi-region', { project_id: 'p', region: 'eu' }, {}, 'https://aiplatform.eu.rep.googleapis.com/v1beta1/projects/p/locations/eu/publishers/google/models/gemini-2.5-flash:generateContent'],
  ['the project of the account', { auth_credentials: '{"type":"service_account","project_id":"of-account"}', region: 'us' }, {}, 'https://aiplatform.us.rep.googleapis.com/v1beta1/projects/of-account/locations/us/publishers/google/models/gemini-2.5-flash:generateContent'],
  ['an API key alone', {}, { value: 'AIza' }, 'https://aiplatform.googleapis.com/v1beta1/publishers/google/models/gemini-2.5-flash:generateContent']
]
for (const [what, config, key, url] of addresses) {
  test(`the address of ${what}`, () => { assert.equal(urlOf(createFamily(config, key)), url) })
}

test('a base URL of the operator replaces the address by region', () => {
  const family = createFamily({ project_id: 'p', region: 'eu' }, {}, { network_config: { base_url: 'https://proxy.example.com/google' } })
  assert.equal(urlOf(family, true), 'https://proxy.example.com/google/v1beta1/projects/p/locations/eu/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse')
})

test('a key without a project says so', () => {
  assert.throws(() => urlOf(createFamily({})), { code: 'BIFROST_PROVIDER_UNAVAILABLE', message: 'Key vertex-0 of vertex has no vertex_key_config.project_id.' })
})

test('each key has its own address', () => {
  const family = createVertexFamily(loadProvider('vertex', { keys: [{ name: 'a', vertex_key_config: { project_id: 'a' } }, { name: 'b', vertex_key_config: { project_id: 'b', region: 'asia-east1' } }] }))
  const { url } = family.toNativeRequest(createJob('chat_completion', { dialect: 'gemini', model, keyIndex: 1, stream: false }))
  assert.equal(url.href, 'https://asia-east1-aiplatform.googleapis.com/v1beta1/projects/b/locations/asia-east1/publishers/google/models/gemini-2.5-flash:generateContent')
})

test('labels go along, the service tier does not', () => {
  const context = createContext()
  const { body } = (createFamily({ project_id: 'p' }).chat(model) as ChatProvider).toChatRequest({ model, messages: [{ role: 'user', content: 'a' }], labels: { team: 'x' }, service_tier: 'flex' }, context)
  assert.deepEqual(JSON.parse(JSON.stringify(body)), { contents: [{ role: 'user', parts: [{ text: 'a' }] }], labels: { team: 'x' } })
  assert.deepEqual(context.dropped, ['service_tier'])
})

test('embeddings go to predict, with what they are for', () => {
  const embedding = createFamily({ project_id: 'p', region: 'us-central1' }).embedding('text-embedding-005') as EmbeddingProvider
  const context = createContext({ model: 'text-embedding-005', passExtraParams: true })
  const { url, body } = embedding.toEmbeddingRequest({ model: 'x', input: ['a', 'b'], dimensions: 256, input_type: 'search_query', autoTruncate: false, user: 'u' }, context)
  assert.equal(url.pathname, '/v1beta1/projects/p/locations/us-central1/publishers/google/models/text-embedding-005:predict')
  assert.deepEqual(body, { instances: [{ content: 'a', task_type: 'RETRIEVAL_QUERY' }, { content: 'b', task_type: 'RETRIEVAL_QUERY' }], parameters: { outputDimensionality: 256, autoTruncate: false } })
  assert.deepEqual(context.dropped, ['user'])
  assert.throws(() => embedding.toEmbeddingRequest({ model: 'x', input: [1, 2] }, context), { code: 'BIFROST_INVALID_REQUEST', param: 'input' })
  const reply = embedding.fromEmbeddingReply({ predictions: [{ embeddings: { values: [0.5], statistics: { token_count: 3 } } }, { embeddings: { values: [1], statistics: { token_count: 4 } } }] }, { model: 'x', input: [] }, context)
  assert.deepEqual(reply, { object: 'list', model: 'text-embedding-005', data: [{ object: 'embedding', index: 0, embedding: [0.5] }, { object: 'embedding', index: 1, embedding: [1] }], usage: { prompt_tokens: 7, total_tokens: 7 } })
  for (const body of [null, {}, { predictions: [{}] }]) assert.throws(() => embedding.fromEmbeddingReply(body, { model: 'x', input: '' }, context), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
})

test('a count looks at contents, system and tools only', () => {
  const counter = createFamily({ project_id: 'p' }).tokenCounter(model) as TokenCounter
  const { url, body } = counter.toCountRequest({ model, messages: [{ role: 'system', content: 's' }, { role: 'user', content: 'a' }], tools: [{ type: 'function', function: { name: 'f' } }], tool_choice: 'auto', safety_settings: [] }, createContext())
  assert.ok(url.pathname.endsWith('/gemini-2.5-flash:countTokens'))
  assert.deepEqual(JSON.parse(JSON.stringify(body)), { contents: [{ role: 'user', parts: [{ text: 'a' }] }], systemInstruction: { parts: [{ text: 's' }] }, tools: [{ functionDeclarations: [{ name: 'f' }] }] })
  assert.throws(() => counter.fromCountReply({}), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
})

test('only chats of Gemini, and what Anthropic\'s clients ask of Claude, go through as they are', () => {
  const family = createFamily({ project_id: 'p' })
  assert.equal(family.isNative('gemini', 'chat_completion', model), true)
  for (const [dialect, operation, name] of [['gemini', 'embedding', model], ['gemini', 'count_tokens', model], ['openai', 'chat_completion', model], ['gemini', 'chat_completion', 'claude-opus-4-5'], ['anthropic', 'chat_completion', model]] as const) {
    assert.equal(family.isNative(dialect, operation, name), false, `${dialect} ${operation} ${name}`)
  }
})

test('Claude is asked in Anthropic\'s words, under its own publisher', () => {
  const chat = createFamily({ project_id: 'p' }).chat('claude-opus-4-5') ?? assert.fail()
  for (const [stream, verb] of [[false, 'rawPredict'], [true, 'streamRawPredict']] as const) {
    const { url, body } = chat.toChatRequest({ model: 'x', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] }, { model: 'claude-opus-4-5', keyIndex: 0, stream, passExtraParams: false, drop: () => {} })
    assert.equal(url.pathname, `/v1beta1/projects/p/locations/global/publishers/anthropic/models/claude-opus-4-5:${verb}`)
    assert.deepEqual(body, { anthropic_version: 'vertex-2023-10-16', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }], ...stream && { stream: true } })
  }
})

test('bodies of Anthropic\'s clients go to Claude with the version in them and without the model', () => {
  const family = createFamily({ project_id: 'p' })
  const ask = (operation: 'chat_completion' | 'count_tokens', stream: boolean, body: string): [string, string] => {
    const bytes = Buffer.from(body)
    assert.equal(family.isNative('anthropic', operation, 'claude-opus-4-5', bytes), true)
    const { url, body: sent } = family.toNativeRequest(createJob(operation, { dialect: 'anthropic', model: 'claude-opus-4-5', stream, body: bytes }))
    return [url.pathname.slice(url.pathname.indexOf('/publishers')), Buffer.from(sent).toString()]
  }
  const path = '/publishers/anthropic/models'
  const added = '"anthropic_version":"vertex-2023-10-16"'
  assert.deepEqual(ask('chat_completion', false, '{ "model": "claude-opus-4-5", "max_tokens":5 }'), [`${path}/claude-opus-4-5:rawPredict`, `{${added},  "max_tokens":5 }`])
  assert.deepEqual(ask('chat_completion', true, '{"max_tokens":5,"stream":true,"model":"m"}'), [`${path}/claude-opus-4-5:streamRawPredict`, `{${added},"max_tokens":5,"stream":true}`])
  assert.deepEqual(ask('chat_completion', false, '{"model":"m"}'), [`${path}/claude-opus-4-5:rawPredict`, `{${added}}`])
  // Anthropic's SDK for Vertex AI says the version itself.
  assert.deepEqual(ask('chat_completion', false, '{"anthropic_version":"vertex-2024-01-01","messages":[]}'), [`${path}/claude-opus-4-5:rawPredict`, '{"anthropic_version":"vertex-2024-01-01","messages":[]}'])
  assert.deepEqual(ask('count_tokens', false, '{"model":"claude-opus-4-5","messages":[]}'), [`${path}/count-tokens:rawPredict`, `{${added},"model":"claude-opus-4-5","messages":[]}`])
})

test('an address in a body of Anthropic\'s clients has to be read: there Claude takes none', () => {
  const body = Buffer.from('{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}]}]}')
  assert.equal(createFamily({ project_id: 'p' }).isNative('anthropic', 'chat_completion', 'claude-opus-4-5', body), false)
})

test('tokens of Claude are counted where its models are', () => {
  const counter = createFamily({ project_id: 'p' }).tokenCounter('claude-opus-4-5') ?? assert.fail()
  const { url, body } = counter.toCountRequest({ model: 'claude-opus-4-5', messages: [{ role: 'user', content: 'Hi' }] }, { ...createContext(), model: 'claude-opus-4-5' })
  assert.ok(url.pathname.endsWith('/publishers/anthropic/models/count-tokens:rawPredict'))
  assert.deepEqual(body, { model: 'claude-opus-4-5', messages: [{ role: 'user', content: 'Hi' }] })
  assert.equal(counter.fromCountReply({ input_tokens: 9 }), 9)
})
