import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '../../src/config/config-error.ts'
import { loadConfig } from '../../src/config/load.ts'
import { problemsOf, providerProblems } from './load-text.ts'

test('every problem of a file is reported at once, with path, value and what is allowed', () => {
  const lines = problemsOf({
    version: 3,
    sever: { port: 1 },
    server: { port: 70000, log_level: 'loud' },
    client: { max_request_body_size_mb: '100', prometheus_labels: ['a-b'], drop_exces_requests: true },
    defaults: { threads: 65 },
    providers: {
      openai: {
        keys: [{ weight: -1 }, 'not-a-key', { models: 'gpt' }],
        concurrency_and_buffer_size: { concurrency: 10, buffer_size: 5 },
        network_config: { connect_timeout_in_seconds: 0, retry_backoff_initial: 'soon', base_url: 'https://x.example.com/v1' },
        threads: 0,
        ring_bytes: 100000
      },
      mock: { mock: { failure_probability: 2, failure_status: 200 } },
      nosuch: {},
      'a/b': {}
    }
  }, { APP_PORT: 'abc' })
  assert.deepEqual(lines.map(withoutLists).sort(), [
    'APP_PORT = <redacted>: must be an integer from 0 to 65535',
    'client.drop_exces_requests = true: unknown key; did you mean drop_excess_requests? Allowed: ...',
    'client.max_request_body_size_mb = "100": must be an integer from 1 to 1024',
    'client.prometheus_labels[0] = "a-b": must be a label name: letters, digits and _, not starting with a digit',
    'defaults.threads = 65: must be an integer from 1 to 64',
    'providers.mock.mock.failure_probability = 2: must be a number from 0 to 1',
    'providers.mock.mock.failure_status = 200: must be an integer from 400 to 599',
    'providers.nosuch: is not a built-in provider and has no custom_provider_config; built in: ...',
    'providers.openai.concurrency_and_buffer_size.concurrency = 10: concurrency must not be above buffer_size, which is 5',
    'providers.openai.keys[0].weight = -1: must be a number from 0 to 1000000',
    'providers.openai.keys[1] = <redacted>: must be an object',
    'providers.openai.keys[2].models = <redacted>: must be an array of strings',
    'providers.openai.network_config.base_url = "https://x.example.com/v1": must stand without /v1, which is added to every request; remove it from the end',
    'providers.openai.network_config.connect_timeout_in_seconds = 0: must be a number above 0, at most 86400',
    'providers.openai.network_config.retry_backoff_initial = "soon": must be an integer >= 0, or a duration like "500ms", "1.5s", "1m"',
    'providers.openai.ring_bytes = 100000: must be a power of two from 65536 to 67108864',
    'providers.openai.threads = 0: must be an integer from 1 to 64',
    'providers["a/b"]: is not a provider name: letters, digits, ".", "_" and "-" are allowed, at most 64',
    'server.log_level = "loud": must be one of: trace, debug, info, warn, error, fatal, silent',
    'server.port = 70000: must be an integer from 0 to 65535',
    'sever = {...}: unknown key; did you mean server? Allowed: ...',
    'version = 3: must be one of: 1, 2'
  ])
})

function withoutLists (line: string): string {
  return line.replace(/(Allowed|built in): .*/, '$1: ...')
}

test('an unknown key lists all keys of its block', () => {
  assert.deepEqual(providerProblems('openai', { concurrency_and_buffer_size: { zzzzzzzz: 1 } }), [
    'providers.openai.concurrency_and_buffer_size.zzzzzzzz = 1: unknown key. Allowed: concurrency, buffer_size'
  ])
})

test('a wrong size does not lead to a complaint about the other one', () => {
  assert.deepEqual(providerProblems('openai', { concurrency_and_buffer_size: { concurrency: 6000, buffer_size: 'x' } }), [
    'providers.openai.concurrency_and_buffer_size.buffer_size = "x": must be an integer from 1 to 1000000'
  ])
})

test('the default concurrency is held against a smaller buffer', () => {
  assert.deepEqual(providerProblems('openai', { concurrency_and_buffer_size: { buffer_size: 500 } }), [
    'providers.openai.concurrency_and_buffer_size.concurrency = 1000: concurrency must not be above buffer_size, which is 500'
  ])
})

test('a wrong type at the top', () => {
  assert.deepEqual(problemsOf('[]'), ['(top level) = [...]: must be an object'])
  assert.deepEqual(problemsOf('null'), ['(top level) = null: must be an object'])
})

test('a file without providers is refused', () => {
  const allowed = 'an object with at least one provider, for instance {"mock": {}}'
  assert.deepEqual(problemsOf({}), [`providers: is missing; allowed: ${allowed}`])
  assert.deepEqual(problemsOf({ providers: {} }), [`providers = {...}: must be ${allowed}`])
  assert.deepEqual(problemsOf({ providers: null }), [`providers = null: must be ${allowed}`])
})

test('flags and variables are checked like the file', () => {
  const file = { providers: { mock: {} } }
  const level = 'must be one of: trace, debug, info, warn, error, fatal, silent'
  assert.deepEqual(problemsOf(file, { APP_PORT: '65536', LOG_LEVEL: 'loud' }), [
    'APP_PORT = <redacted>: must be an integer from 0 to 65535', `LOG_LEVEL = <redacted>: ${level}`
  ])
  assert.deepEqual(problemsOf(file, {}, { port: 1.5, logLevel: 'loud' }), [
    '--port = "1.5": must be an integer from 0 to 65535', `--log-level = "loud": ${level}`
  ])
})

const syntax: Array<[string, string]> = [
  ['', 'line 1, column 1: unexpected end of the file'],
  ['{\n  "providers": {\n    "mock": {},\n  }\n}', 'line 4, column 3: expected a key in double quotes'],
  ['{"a": 1', 'line 1, column 8: expected "," or "}"'],
  ['{"a" 1}', 'line 1, column 6: expected ":" after the key'],
  ['{"a": [1 2]}', 'line 1, column 10: expected "," or "]"'],
  ['{"a": tru}', 'line 1, column 7: expected a JSON value'],
  ['{"a": 01}', 'line 1, column 7: expected a JSON value'],
  ['{"a": "b\n"}', 'line 1, column 7: a string that does not end on its line, or with a wrong escape'],
  ['{"a": "\\x"}', 'line 1, column 7: a string that does not end on its line, or with a wrong escape'],
  ['{} // done', 'line 1, column 4: unexpected text after the end of the JSON value'],
  ['{"a": {"__proto__": {}}}', 'line 1, column 8: the key "__proto__" is refused'],
  ['{"\\u005f_proto__": 1}', 'line 1, column 2: the key "__proto__" is refused'],
  ['{"providers": {"mock": {},\n "mock": {}}}', 'line 2, column 2: the key stands twice: providers.mock'],
  ['{"a":'.repeat(70) + '1' + '}'.repeat(70), 'line 1, column 326: nested deeper than 64 levels']
]

for (const [text, place] of syntax) {
  test(`JSON syntax: ${place}`, () => {
    const lines = problemsOf(text)
    assert.equal(lines.length, 1)
    assert.equal(String(lines[0]).replace(/^.*bifrost\.config\.json: /, ''), `not valid JSON: ${place}`)
  })
}

test('a file that is not there or cannot be read is named', () => {
  const loadAt = (path: string) => (): unknown => loadConfig({ path, environment: {}, overrides: {}, generation: 1 })
  assert.throws(loadAt('/no/such/file.json'), { name: 'ConfigError', message: '/no/such/file.json: the config file does not exist' })
  assert.throws(loadAt('/'), { name: 'ConfigError', message: '/: the config file cannot be read (EISDIR)' })
})

test('a ConfigError carries its problems as records', () => {
  assert.throws(() => loadConfig({ path: '/no/such/file.json', environment: {}, overrides: {}, generation: 1 }), (error) => {
    assert.ok(error instanceof ConfigError)
    assert.deepEqual(error.problems, [{ path: '/no/such/file.json', value: '', message: 'the config file does not exist' }])
    return true
  })
})
