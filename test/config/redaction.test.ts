import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeSettings } from '../../src/config/describe.ts'
import { load, problemsOf } from './load-text.ts'

const canary = 'CANARY-5f3a'

/** Places where a secret may stand in a broken file, also by mistake. */
const broken: Array<[string, unknown, Record<string, string>?]> = [
  ['a key of the wrong type', { providers: { openai: { keys: [{ value: { a: canary } }] } } }],
  ['a key that is a list', { providers: { openai: { keys: [{ value: [canary] }] } } }],
  ['a key in place of its block', { providers: { openai: { keys: [canary] } } }],
  ['a key in place of the list', { providers: { openai: { keys: canary } } }],
  ['a key in place of the provider', { providers: { openai: canary } }],
  ['a misspelt field', { providers: { openai: { keys: [{ vaule: canary }] } } }],
  ['an unknown field', { providers: { openai: { api_key: canary } } }],
  ['an unknown top-level field', { openai: canary, providers: { mock: {} } }],
  ['a key in a number field', { providers: { openai: { keys: [{ value: 'x', weight: `sk-${canary}` }] } } }],
  ['a bearer token in a number field', { providers: { openai: { threads: `Bearer ${canary}` } } }],
  ['a header value', { providers: { openai: { network_config: { extra_headers: { authorization: `${canary}\n` } } } } }],
  ['a header that may not be given', { providers: { openai: { network_config: { extra_headers: { host: canary } } } } }],
  ['credentials in base_url', { providers: { openai: { network_config: { base_url: `https://user:${canary}@x.example.com` } } } }],
  ['a query in base_url', { providers: { openai: { network_config: { base_url: `https://x.example.com?key=${canary}` } } } }],
  ['credentials with @ in base_url', { providers: { openai: { network_config: { base_url: `https://user:p@${canary}@x.example.com` } } } }],
  ['a proxy password', { providers: { openai: { proxy_config: { type: 'http', url: `ftp://u:${canary}@p`, password: 5 } } } }],
  ['a variable in the wrong place', { server: { log_level: 'env.SECRET' }, providers: { mock: {} } }, { SECRET: canary }],
  ['a variable in base_url', { providers: { openai: { network_config: { base_url: 'env.SECRET' } } } }, { SECRET: canary }],
  ['a variable for a number', { defaults: { threads: 'env.SECRET' }, providers: { mock: {} } }, { SECRET: canary }],
  ['a variable for a proxy URL', { providers: { openai: { proxy_config: { type: 'http', url: 'env.SECRET' } } } }, { SECRET: canary }],
  ['a variable for a key name', { providers: { openai: { keys: [{ name: canary }, { name: 'env.SECRET' }] } } }, { SECRET: canary }],
  ['a variable for a base provider type', { providers: { x: { network_config: { base_url: 'https://x.example.com' }, custom_provider_config: { base_provider_type: 'env.SECRET' } } } }, { SECRET: canary }],
  ['a variable for a port', { providers: { mock: {} } }, { APP_PORT: canary }],
  ['a variable for a proxy', { providers: { openai: { proxy_config: { type: 'environment' } } } }, { HTTPS_PROXY: `ftp://u:${canary}@p` }],
  ['a syntax error next to a key', `{"providers": {"openai": {"keys": [{"value": "${canary}" x}]}}}`],
  ['a repeated key', `{"providers": {"openai": {"keys": [{"value": "${canary}", "value": "${canary}"}]}}}`]
]

for (const [name, content, environment] of broken) {
  test(`problems never show ${name}`, () => {
    const text = problemsOf(content, environment).join('\n')
    assert.ok(!text.includes('CANARY'), text)
    assert.notEqual(text, '')
  })
}

test('a value that cannot be secret is shown', () => {
  assert.deepEqual(problemsOf({ server: { host: '' }, providers: { mock: { threads: 'many', mock: { tokens: 0 } } } }), [
    'server.host = "": must be a string of 1 to 255 characters',
    'providers.mock.threads = "many": must be an integer from 1 to 64',
    'providers.mock.mock.tokens = 0: must be an integer from 1 to 1000000'
  ])
})

const loaded = load({
  encryption_key: canary,
  governance: { virtual_keys: [{ value: canary }] },
  providers: {
    openai: {
      keys: [{ name: 'main', value: canary, models: ['gpt-4o'], weight: 0.5 }, { name: 'second', value: 'env.SECRET', blacklisted_models: ['o1'] }, { name: 'third', value: 'env.UNSET' }, { name: 'off', value: canary, enabled: false }],
      network_config: { extra_headers: { authorization: canary }, ca_cert_pem: canary, insecure_skip_verify: true },
      proxy_config: { type: 'http', url: `http://${canary}:${canary}@proxy.example.com:3128`, password: canary }
    },
    mistral: {},
    mock: {}
  }
}, { SECRET: canary })

test('warnings and the description never show a secret', () => {
  assert.ok(!loaded.warnings.join('\n').includes('CANARY'))
  assert.ok(!describeSettings(loaded.settings).includes('CANARY'))
})

test('the description says what would run', () => {
  assert.equal(describeSettings(loaded.settings), `listens on http://127.0.0.1:8080, log level info
request bodies up to 104857600 bytes; a full queue lets requests wait
slow clients are cut off after 60000 ms; shutdown waits up to 30000 ms
providers: 3, ready: 2

openai: ready
  base URL https://api.openai.com, proxy http://proxy.example.com:3128 with credentials
  serves chat_completion, text_completion, embedding, responses, count_tokens, image_generation, image_edit, image_variation, speech, transcription, translation, moderation, files, batches
  concurrency 1000, buffer 5000, connections 1000
  threads 1, ring 1048576 bytes, heap 256 MiB each
  timeouts in ms: connect 5000, response header 30000, total 30000, stream idle 60000, stream total 3600000
  extra headers: authorization
  TLS certificates are NOT verified
  key main: weight 0.5, gpt-4o
  key second: weight 1, all models except o1
  key third: weight 1, all models, not used: no value
  key off: weight 1, all models, disabled

mistral: no key: set MISTRAL_API_KEY
  base URL https://api.mistral.ai
  serves chat_completion, embedding, speech, transcription, moderation, files, text_completion, responses
  concurrency 1000, buffer 5000, connections 1000
  threads 1, ring 1048576 bytes, heap 256 MiB each
  timeouts in ms: connect 5000, response header 30000, total 30000, stream idle 60000, stream total 3600000

mock: ready
  answers inside the worker thread
  serves chat_completion, text_completion, embedding, responses
  concurrency 1000, buffer 5000, connections 1000
  threads 1, ring 1048576 bytes, heap 256 MiB each
  timeouts in ms: connect 5000, response header 30000, total 30000, stream idle 60000, stream total 3600000
  key keyless: weight 1, all models
`)
})
