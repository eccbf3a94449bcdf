import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { load, loadProvider } from './load-text.ts'
import { openAiPaths } from './served-operations.ts'

const mockWithDefaults = {
  name: 'mock',
  kind: 'mock',
  baseUrl: '',
  keys: [{ id: 'keyless', name: 'keyless', value: '', models: ['*'], blacklistedModels: [], weight: 1, enabled: true, useForBatchApi: false, aliases: {} }],
  keyless: true,
  unavailableReason: null,
  takesDirectKeys: true,
  concurrency: 1000,
  bufferSize: 5000,
  threads: 1,
  ringBytes: 1048576,
  maxHeapMb: 256,
  connectionsPerOrigin: 1000,
  timeouts: { connectMs: 5000, responseHeaderMs: 30000, firstTokenMs: 120000, streamIdleMs: 60000, totalMs: 30000, streamTotalMs: 3600000 },
  retry: { maxRetries: 0, backoffInitialMs: 500, backoffMaxMs: 5000, budgetShare: 0.2 },
  fallbacks: { general: [], byModel: {}, contextLength: [], contentPolicy: [] },
  breaker: { windowMs: 10000, requestsMin: 20, failureShare: 0.5, slowMs: 0, slowShare: 0.8, openMs: 1000, openMaxMs: 3000, halfOpenRequests: 2, rampMs: 2000 },
  hedging: null,
  adaptiveConcurrency: null,
  singleFlight: null,
  streamRecovery: { enabled: false, prefill: false, textBytesMax: 262144 },
  responseBodyBytesMax: 67108864,
  sseEventBytesMax: 16777216,
  extraHeaders: {},
  proxy: null,
  mediaFetch: null,
  tls: { insecureSkipVerify: false, caCertPem: '' },
  sendBackRawRequest: false,
  sendBackRawResponse: false,
  operations: ['chat_completion', 'text_completion', 'embedding', 'responses'],
  nativeOperations: ['chat_completion', 'text_completion', 'embedding', 'responses'],
  paths: openAiPaths,
  modelsPath: null,
  injectStreamUsage: true,
  prices: {},
  mock: {
    text: '',
    latencyMs: 0,
    jitterMs: 0,
    tokensPerSecond: 0,
    tokens: 16,
    failureProbability: 0,
    failureStatus: 500,
    embeddingDimensions: 8,
    threadFaults: false
  }
}

test('the smallest file gives every default', () => {
  const { settings, warnings } = load('{"providers": {"mock": {}}}')
  assert.deepEqual(settings, {
    generation: 1,
    server: { host: '127.0.0.1', port: 8080, logLevel: 'info', preStopDelayMs: 0, shutdownTimeoutMs: 30000, adminKey: '', watchConfig: true },
    client: { initialPoolSize: 300, dropExcessRequests: false, requestBodyBytesMax: 104857600, allowDirectKeys: false, requestTimeoutMs: 300000, slowClientTimeoutMs: 60000, prometheusLabels: [], listUpstreamModels: true },
    providers: [mockWithDefaults]
  })
  assert.deepEqual(warnings, [])
})

test('without a file the mock provider runs alone', () => {
  const { settings, warnings } = loadConfig({ path: null, environment: {}, overrides: {}, generation: 7 })
  assert.deepEqual(settings.providers, [mockWithDefaults])
  assert.equal(settings.generation, 7)
  assert.deepEqual(warnings, ['no config file: serving the mock provider only'])
})

test('settings are frozen at every level', () => {
  const { settings } = load({ providers: { openai: { keys: [{ value: 'k', aliases: { fast: 'gpt' } }] }, mock: {} } })
  const open: string[] = []
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return
    if (!Object.isFrozen(value)) open.push(path)
    for (const [name, child] of Object.entries(value)) visit(child, `${path}.${name}`)
  }
  visit(settings, 'settings')
  assert.deepEqual(open, [])
})

test('a frozen load does not freeze the built-in table that the next load starts from', () => {
  assert.deepEqual(load({ providers: { mock: {} } }).settings.providers, load({ providers: { mock: {} } }).settings.providers)
})

test('flags win over the environment, which wins over the file', () => {
  const file = { server: { host: '10.0.0.1', port: 1001, log_level: 'warn' }, providers: { mock: {} } }
  const environment = { APP_HOST: '10.0.0.2', APP_PORT: '1002', LOG_LEVEL: 'ERROR' }
  const serverOf = (...args: Parameters<typeof load>): unknown => load(...args).settings.server
  assert.deepEqual(serverOf(file), { host: '10.0.0.1', port: 1001, logLevel: 'warn', preStopDelayMs: 0, shutdownTimeoutMs: 30000, adminKey: '', watchConfig: true })
  assert.deepEqual(serverOf(file, environment), { host: '10.0.0.2', port: 1002, logLevel: 'error', preStopDelayMs: 0, shutdownTimeoutMs: 30000, adminKey: '', watchConfig: true })
  assert.deepEqual(serverOf(file, environment, { host: '10.0.0.3', port: 0, logLevel: 'debug' }), { host: '10.0.0.3', port: 0, logLevel: 'debug', preStopDelayMs: 0, shutdownTimeoutMs: 30000, adminKey: '', watchConfig: true })
})

test('an empty APP_HOST, APP_PORT or LOG_LEVEL counts as not set', () => {
  const { server } = load({ server: { port: 1001 }, providers: { mock: {} } }, { APP_HOST: '', APP_PORT: '', LOG_LEVEL: '' }).settings
  assert.deepEqual(server, { host: '127.0.0.1', port: 1001, logLevel: 'info', preStopDelayMs: 0, shutdownTimeoutMs: 30000, adminKey: '', watchConfig: true })
})

test('providers inherit from defaults and may set their own', () => {
  const { providers } = load({
    defaults: { threads: 4, ring_bytes: 65536, max_heap_mb: 128, connections_per_origin: 20 },
    providers: { mock: {}, ollama: { threads: 2, connections_per_origin: 0 } }
  }).settings
  const sizes = providers.map(({ name, threads, ringBytes, maxHeapMb, connectionsPerOrigin }) => ({ name, threads, ringBytes, maxHeapMb, connectionsPerOrigin }))
  assert.deepEqual(sizes, [
    { name: 'mock', threads: 4, ringBytes: 65536, maxHeapMb: 128, connectionsPerOrigin: 20 },
    { name: 'ollama', threads: 2, ringBytes: 65536, maxHeapMb: 128, connectionsPerOrigin: 1000 }
  ])
})

test('providers stand in the order of the file', () => {
  const { providers } = load({ providers: { xai: {}, mock: {}, groq: {} } }).settings
  assert.deepEqual(providers.map((provider) => provider.name), ['xai', 'mock', 'groq'])
})

test('timeouts and sizes come in seconds and MiB and leave in milliseconds and bytes', () => {
  const provider = loadProvider('ollama', {
    network_config: {
      default_request_timeout_in_seconds: 12,
      connect_timeout_in_seconds: 0.25,
      first_token_timeout_in_seconds: 1.5,
      stream_idle_timeout_in_seconds: 7,
      stream_total_timeout_in_seconds: 90,
      max_response_body_size_mb: 2,
      max_stream_event_size_mb: 0.5
    }
  })
  assert.deepEqual(provider.timeouts, { connectMs: 250, responseHeaderMs: 12000, firstTokenMs: 1500, streamIdleMs: 7000, totalMs: 12000, streamTotalMs: 90000 })
  assert.equal(provider.responseBodyBytesMax, 2097152)
  assert.equal(provider.sseEventBytesMax, 524288)
})

test('a request or idle timeout of 0 means the default, as in the original', () => {
  const { timeouts } = loadProvider('ollama', { network_config: { default_request_timeout_in_seconds: 0, stream_idle_timeout_in_seconds: 0 } })
  assert.deepEqual(timeouts, { connectMs: 5000, responseHeaderMs: 30000, firstTokenMs: 120000, streamIdleMs: 60000, totalMs: 30000, streamTotalMs: 3600000 })
})

test('response_header_timeout_in_seconds stands on its own when given', () => {
  const { timeouts } = loadProvider('ollama', { network_config: { default_request_timeout_in_seconds: 12, response_header_timeout_in_seconds: 3 } })
  assert.equal(timeouts.responseHeaderMs, 3000)
  assert.equal(timeouts.totalMs, 12000)
})

test('connections follow concurrency, capped by max_conns_per_host, unless given', () => {
  const sizes = { concurrency_and_buffer_size: { concurrency: 50, buffer_size: 50 } }
  assert.equal(loadProvider('ollama', sizes).connectionsPerOrigin, 50)
  assert.equal(loadProvider('ollama', { ...sizes, network_config: { max_conns_per_host: 20 } }).connectionsPerOrigin, 20)
  assert.equal(loadProvider('ollama', { ...sizes, network_config: { max_conns_per_host: 5000 } }).connectionsPerOrigin, 50)
  assert.equal(loadProvider('ollama', { ...sizes, connections_per_origin: 9, network_config: { max_conns_per_host: 5 } }).connectionsPerOrigin, 9)
})

test('backoff is an integer or a duration', () => {
  for (const value of [0, 500, '500ms', '1.5s', '1m', '1h2m3s']) load({ providers: { mock: { network_config: { retry_backoff_initial: value } } } })
})

test('a byte order mark at the start of the file is skipped', () => {
  assert.equal(load('\uFEFF{"providers": {"mock": {}}}').settings.providers.length, 1)
})

test('the second load of a process takes less than 100 ms', () => {
  load({ providers: { mock: {} } })
  const started = performance.now()
  load({ providers: { mock: {} } })
  assert.ok(performance.now() - started < 100)
})
