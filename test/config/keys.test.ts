import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, loadProvider, problemsOf, providerProblems } from './load-text.ts'

test('a key is taken over with its defaults', () => {
  assert.deepEqual(loadProvider('openai', { keys: [{ value: 'secret' }] }).keys, [
    { id: 'openai-0', name: 'openai-0', value: 'secret', models: ['*'], blacklistedModels: [], weight: 1, enabled: true, useForBatchApi: false, aliases: {} }
  ])
})

test('a key is taken over with every field', () => {
  const key = {
    id: 'id-1',
    name: 'main',
    value: 'secret',
    models: ['a', 'b'],
    blacklisted_models: ['b'],
    weight: 0.25,
    enabled: false,
    use_for_batch_api: true,
    aliases: { fast: 'a', slow: { model_id: 'b', model_family: 'x' } }
  }
  assert.deepEqual(loadProvider('openai', { keys: [key] }).keys, [
    { id: 'id-1', name: 'main', value: 'secret', models: ['a', 'b'], blacklistedModels: ['b'], weight: 0.25, enabled: false, useForBatchApi: true, aliases: { fast: 'a', slow: 'b' } }
  ])
})

test('the id of a key is its name when it has none', () => {
  const keys = loadProvider('openai', { keys: [{ name: 'main', value: 'a' }, { value: 'b' }] }).keys
  assert.deepEqual(keys.map(({ id, name }) => [id, name]), [['main', 'main'], ['openai-1', 'openai-1']])
})

test('an empty model list means none in version 2 and all in version 1', () => {
  const modelsOf = (more: object): readonly string[] | undefined => loadProvider('openai', { keys: [{ value: 'a', models: [] }] }, {}, more).keys[0]?.models
  assert.deepEqual(modelsOf({}), [])
  assert.deepEqual(modelsOf({ version: 2 }), [])
  assert.deepEqual(modelsOf({ version: 1 }), ['*'])
})

test('absent models mean all in both versions', () => {
  for (const version of [1, 2]) assert.deepEqual(loadProvider('openai', { keys: [{ value: 'a' }] }, {}, { version }).keys[0]?.models, ['*'])
})

test('weights stay as they are, 0 included', () => {
  const keys = loadProvider('openai', { keys: [{ value: 'a', weight: 0 }, { value: 'b', weight: 0 }] }).keys
  assert.deepEqual(keys.map((key) => key.weight), [0, 0])
})

test('env.NAME in a key value becomes the value of the variable', () => {
  const provider = loadProvider('openai', { keys: [{ value: 'env.MY_KEY' }] }, { MY_KEY: 'from-env' })
  assert.equal(provider.keys[0]?.value, 'from-env')
  assert.equal(provider.unavailableReason, null)
})

test('an unset or empty variable makes the provider unavailable and names it', () => {
  for (const environment of [{}, { MY_KEY: '' }]) {
    const provider = loadProvider('openai', { keys: [{ value: 'env.MY_KEY' }] }, environment)
    assert.equal(provider.unavailableReason, 'no key: set MY_KEY')
    assert.deepEqual(provider.keys.map(({ value, enabled }) => ({ value, enabled })), [{ value: '', enabled: false }])
  }
})

test('several unset variables are all named', () => {
  assert.equal(loadProvider('openai', { keys: [{ value: 'env.KEY_A' }, { value: 'env.KEY_B' }] }).unavailableReason, 'no key: set KEY_A or KEY_B')
})

test('one usable key is enough; the other one is warned about', () => {
  const { settings, warnings } = load({ providers: { openai: { keys: [{ value: 'env.KEY_A' }, { value: 'env.KEY_B' }] } } }, { KEY_B: 'b' })
  assert.equal(settings.providers[0]?.unavailableReason, null)
  assert.deepEqual(settings.providers[0]?.keys.map((key) => key.enabled), [false, true])
  assert.deepEqual(warnings, ['providers.openai.keys[0]: KEY_A is not set, this key is not used'])
})

test('a provider without keys uses its built-in variable', () => {
  for (const block of [{}, { keys: [] }]) {
    assert.equal(loadProvider('groq', block).unavailableReason, 'no key: set GROQ_API_KEY')
    const provider = loadProvider('groq', block, { GROQ_API_KEY: 'from-env' })
    assert.equal(provider.unavailableReason, null)
    assert.deepEqual(provider.keys.map(({ id, name, value }) => ({ id, name, value })), [{ id: 'groq-0', name: 'groq-0', value: 'from-env' }])
  }
})

test('other reasons for having no key are told apart', () => {
  assert.equal(loadProvider('openai', { keys: [{ value: 'a', enabled: false }] }).unavailableReason, 'no key: every key is disabled')
  assert.equal(loadProvider('openai', { keys: [{ name: 'x' }] }).unavailableReason, 'no key: give providers.openai.keys[0].value, for instance "env.OPENAI_API_KEY"')
})

test('a key-less provider sends a key that is given', () => {
  const provider = loadProvider('vllm', { keys: [{ value: 'secret' }] })
  assert.equal(provider.keyless, false)
  assert.deepEqual(provider.keys.map((key) => key.value), ['secret'])
})

test('a key-less provider keeps a key without value, but not one whose variable is unset', () => {
  const named = loadProvider('ollama', { keys: [{ name: 'local', models: ['llama3'] }] })
  assert.equal(named.keyless, true)
  assert.equal(named.unavailableReason, null)
  assert.deepEqual(named.keys.map(({ name, enabled, models }) => ({ name, enabled, models })), [{ name: 'local', enabled: true, models: ['llama3'] }])
  assert.equal(loadProvider('vllm', { keys: [{ value: 'env.VLLM_KEY' }] }).unavailableReason, 'no key: set VLLM_KEY')
})

test('key names and ids are unique within a provider', () => {
  assert.deepEqual(providerProblems('openai', { keys: [{ name: 'a', value: 'x' }, { name: 'a', value: 'y' }] }), [
    'providers.openai.keys[1].name = "a": is already taken by providers.openai.keys[0]; names are unique within a provider'
  ])
  assert.deepEqual(providerProblems('openai', { keys: [{ id: 'i', name: 'a' }, { id: 'i', name: 'b' }] }), [
    'providers.openai.keys[1].id = "i": is already taken by providers.openai.keys[0]; ids are unique within a provider'
  ])
  load({ providers: { openai: { keys: [{ name: 'a' }] }, groq: { keys: [{ name: 'a' }] } } })
})

test('a regex model matches nothing rather than being taken literally', () => {
  const { settings, warnings } = load({ providers: { openai: { keys: [{ value: 'x', models: ['a', 'regex:^gpt'] }] } } })
  assert.deepEqual(settings.providers[0]?.keys[0]?.models, ['a'])
  assert.deepEqual(warnings, [
    'providers.openai.keys[0].models[1]: "regex:" patterns are not supported yet, this one matches nothing; list the model names, or "*"'
  ])
})

test('a key with a regex in its blacklist is not used, for it would serve too much', () => {
  const { settings, warnings } = load({ providers: { openai: { keys: [{ value: 'x', blacklisted_models: ['regex:^gpt'] }, { value: 'y' }] } } })
  assert.deepEqual(settings.providers[0]?.keys.map(({ enabled }) => enabled), [false, true])
  assert.deepEqual(warnings, ['providers.openai.keys[0]: this key is not used: "regex:" patterns in blacklisted_models are not supported yet'])
  assert.equal(
    loadProvider('openai', { keys: [{ value: 'x', blacklisted_models: ['regex:^gpt'] }] }).unavailableReason,
    'no key: every key needs something that is not supported by this version yet'
  )
})

test('env.NAME works at other places, also for numbers and booleans', () => {
  const { settings } = load({
    server: { port: 'env.PORT' },
    client: { drop_excess_requests: 'env.DROP' },
    defaults: { threads: 'env.THREADS' },
    providers: { openai: { keys: [{ value: 'x' }], network_config: { base_url: 'env.URL', extra_headers: { 'X-Team': 'env.TEAM' } } } }
  }, { PORT: '9000', DROP: 'true', THREADS: '3', URL: 'https://proxy.example.com/', TEAM: 'search' })
  assert.equal(settings.server.port, 9000)
  assert.equal(settings.client.dropExcessRequests, true)
  assert.equal(settings.providers[0]?.threads, 3)
  assert.equal(settings.providers[0]?.baseUrl, 'https://proxy.example.com')
  assert.deepEqual(settings.providers[0]?.extraHeaders, { 'x-team': 'search' })
})

test('an unset variable elsewhere is a problem that names it', () => {
  assert.deepEqual(problemsOf({ server: { host: 'env.NO_SUCH' }, providers: { mock: {} } }), [
    'server.host = "env.NO_SUCH": the environment variable NO_SUCH is not set'
  ])
})

test('text that only resembles env.NAME stays as it is', () => {
  assert.equal(loadProvider('openai', { keys: [{ value: 'env.a b' }] }).keys[0]?.value, 'env.a b')
})

test('names that every object has are not variables', () => {
  assert.equal(loadProvider('openai', { keys: [{ value: 'env.toString' }] }).unavailableReason, 'no key: set toString')
})
