import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { describeSettings } from '../../src/config/describe.ts'
import { load, loadProvider, problemsOf, providerProblems } from './load-text.ts'
import { openAi } from './served-operations.ts'

/** A file of the original as people run it; the runner starts in the root of the repository. */
const originalText = readFileSync(join(process.cwd(), 'test/config/original-config.json'), 'utf8')
const { settings, warnings } = load(originalText, { OPENAI_API_KEY: 'CANARY-a', OPENAI_OVERFLOW_KEY: 'CANARY-b', GROQ_API_KEY: 'CANARY-c', MISTRAL_API_KEY: 'CANARY-d', PROXY_PASSWORD: 'CANARY-e', ANTHROPIC_API_KEY: 'CANARY-f', CLAUDE_PROXY_KEY: 'CANARY-g', COHERE_API_KEY: 'CANARY-h', GEMINI_API_KEY: 'CANARY-i', VERTEX_PROJECT: 'p', VERTEX_CREDENTIALS: '{"private_key":"CANARY-j"}' })
const reason = (what: string): string => `not supported by this version yet: ${what}`

test('a file of the original with every kind of provider loads; what cannot be served says why', () => {
  assert.deepEqual(settings.providers.map((provider) => [provider.name, provider.unavailableReason]), [
    ['openai', null],
    ['anthropic', null],
    ['azure', 'no endpoint: give providers.azure.keys[0].azure_key_config.endpoint'],
    ['bedrock', 'no key: set AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY'],
    ['vertex', null],
    ['gemini', null],
    ['cohere', null],
    ['huggingface', 'no key: set HF_TOKEN'],
    ['replicate', reason('provider replicate')],
    ['elevenlabs', reason('provider elevenlabs')],
    ['groq', null],
    ['mistral', null],
    ['vllm', null],
    ['claude-proxy', null],
    ['openai-proxy', null]
  ])
})

test('each unsupported provider gives one warning, and its fields give none', () => {
  for (const { name, unavailableReason } of settings.providers) {
    const own = warnings.filter((warning) => warning.startsWith(`providers.${name}:`))
    assert.deepEqual(own, unavailableReason?.startsWith('not supported') === true ? [`providers.${name}: ${unavailableReason}`] : [])
  }
  assert.ok(!warnings.some((warning) => /bedrock_key_config\.(?!batch_s3_config)|vertex_key_config|AZURE|ANTHROPIC/.test(warning)), warnings.join('\n'))
  assert.ok(!warnings.join('\n').includes('CANARY'))
})

test('a supported provider next to unsupported ones is taken over in full', () => {
  const openai = settings.providers[0]
  assert.deepEqual(openai?.keys.map(({ name, value, models, aliases, enabled }) => ({ name, value, models, aliases, enabled })), [
    { name: 'openai-primary', value: 'CANARY-a', models: ['*'], aliases: {}, enabled: true },
    { name: 'openai-overflow', value: 'CANARY-b', models: ['gpt-4o-mini'], aliases: { fast: 'gpt-4o-mini' }, enabled: true }
  ])
  assert.deepEqual(openai.extraHeaders, { 'openai-organization': 'org-plain' })
  assert.deepEqual(openai.proxy, { url: 'http://proxy.example.com:3128', username: 'gateway', password: 'CANARY-e', caCertPem: '' })
  const vllm = settings.providers.find(({ name }) => name === 'vllm')
  assert.equal(vllm?.baseUrl, 'http://127.0.0.1:8000')
  assert.deepEqual(vllm.keys.map(({ name, enabled }) => [name, enabled]), [['llama', true], ['qwen', false]])
})

test('the description names unsupported providers in one line', () => {
  const text = describeSettings(settings)
  assert.match(text, /providers: 15, ready: 10\n/)
  assert.match(text, /\nreplicate: not supported by this version yet: provider replicate\n\nelevenlabs: /)
  assert.ok(!text.includes('CANARY'))
})

test('a request to an unsupported provider passes the check of the operation, so that it gets the reason', () => {
  const { operations, keys, keyless, baseUrl, proxy, kind } = loadProvider('replicate', { keys: [{ value: 'x' }] })
  assert.deepEqual({ operations, keys, keyless, baseUrl, proxy, kind }, {
    operations: openAi, keys: [], keyless: false, baseUrl: '', proxy: null, kind: 'openai'
  })
})

test('nothing inside an unsupported provider can refuse the file, but it must be a block', () => {
  assert.equal(loadProvider('replicate', { keys: 5, nonsense: 'env.NOT_SET', threads: 0 }).unavailableReason, reason('provider replicate'))
  assert.deepEqual(providerProblems('replicate', 5), ['providers.replicate = 5: must be an object'])
})

test('a name of the original with a custom_provider_config is a custom provider', () => {
  const block = { keys: [{ value: 'x' }], network_config: { base_url: 'https://llm.example.com' }, custom_provider_config: { base_provider_type: 'openai' } }
  assert.equal(loadProvider('deepgram', block).unavailableReason, null)
})

test('base types of the original are accepted, other words are not', () => {
  assert.equal(loadProvider('mine', { custom_provider_config: { base_provider_type: 'replicate' } }).unavailableReason, reason('base_provider_type replicate'))
  assert.equal(providerProblems('mine', { custom_provider_config: { base_provider_type: 'antropic' }, network_config: { base_url: 'https://a.example.com' } }).length, 1)
})

const objectForms: Array<[string, unknown, string]> = [
  ['from_env with env_var', { value: '', env_var: 'env.SECRET', from_env: true }, 'from-env'],
  ['env_var without env.', { env_var: 'SECRET', from_env: true }, 'from-env'],
  ['env_var alone', { env_var: 'env.SECRET' }, 'from-env'],
  ['env_var with a redacted value', { value: 'sk-1****abcd', env_var: 'env.SECRET', from_env: true }, 'from-env'],
  ['value alone', { value: 'plain' }, 'plain'],
  ['value with from_env false', { value: 'plain', env_var: 'env.SECRET', from_env: false }, 'plain'],
  ['value with from_env and no variable', { value: 'plain', env_var: '', from_env: true }, 'plain'],
  ['value that is a reference', { value: 'env.SECRET', env_var: '', from_env: false }, 'from-env']
]

for (const [name, value, expected] of objectForms) {
  test(`the object form of a secret: ${name}`, () => {
    assert.equal(loadProvider('openai', { keys: [{ value }] }, { SECRET: 'from-env' }).keys[0]?.value, expected)
  })
}

test('the object form works wherever a string is, and an unset variable is named', () => {
  const network = { base_url: { env_var: 'env.URL', from_env: true }, ca_cert_pem: { value: 'pem' }, extra_headers: { authorization: { env_var: 'env.SECRET' } } }
  const provider = loadProvider('openai', { keys: [{ value: { env_var: 'env.UNSET' } }], network_config: network }, { URL: 'https://a.example.com', SECRET: 's' })
  assert.equal(provider.baseUrl, 'https://a.example.com')
  assert.equal(provider.tls.caCertPem, 'pem')
  assert.deepEqual(provider.extraHeaders, { authorization: 's' })
  assert.equal(provider.unavailableReason, 'no key: set UNSET')
  assert.deepEqual(providerProblems('openai', { network_config: { base_url: { env_var: 'env.UNSET' } } }), [
    'providers.openai.network_config.base_url = "env.UNSET": the environment variable UNSET is not set'
  ])
})

test('other objects in place of a string are refused without showing them', () => {
  for (const value of [{}, { value: 5 }, { value: 'CANARY', more: 1 }, { env_var: ['CANARY'] }, { value: 'CANARY', from_env: 'yes' }]) {
    assert.deepEqual(providerProblems('openai', { keys: [{ value }] }), ['providers.openai.keys[0].value = {...}: must be a string'])
  }
})

test('a variable that is not set does not matter in a field without effect', () => {
  const block = { keys: [{ value: 'x', azure_key_config: { endpoint: 'env.UNSET', scopes: ['env.UNSET'] }, replicate_key_config: { use_deployments_endpoint: 'env.UNSET' } }], network_config: { keep_alive_timeout_in_seconds: 'env.UNSET' } }
  assert.equal(loadProvider('openai', block).unavailableReason, null)
  for (const name of ['base_url', 'max_retries', 'retry_backoff_initial', 'retry_backoff_max']) {
    assert.deepEqual(problemsOf({ providers: { openai: { network_config: { [name]: 'env.UNSET' } } } }), [`providers.openai.network_config.${name} = "env.UNSET": the environment variable UNSET is not set`])
  }
})
