import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './load-text.ts'
import { audio, batches, files, openAi, openAiPaths } from './served-operations.ts'

/** A file as the Go original takes it: its names, its blocks, its enterprise blocks. */
const originalFile = {
  $schema: 'https://www.getbifrost.ai/schema',
  version: 2,
  encryption_key: 'env.BIFROST_ENCRYPTION_KEY',
  source_of_truth: 'split',
  server: { read_buffer_size: 65536 },
  client: {
    initial_pool_size: 500,
    drop_excess_requests: true,
    enable_logging: true,
    disable_content_logging: false,
    log_retention_days: 30,
    enforce_auth_on_inference: true,
    allowed_origins: ['*'],
    max_request_body_size_mb: 50,
    prometheus_labels: ['team', 'environment'],
    header_filter_config: { allowlist: ['x-trace'], denylist: [] },
    compat: { convert_text_to_chat: true },
    mcp_agent_depth: 10,
    mcp_tool_execution_timeout: '30s'
  },
  providers: {
    openai: {
      keys: [
        { name: 'openai-main', value: 'env.OPENAI_API_KEY', models: ['*'], weight: 0.7, use_for_batch_api: true },
        { id: '7e5a', name: 'openai-mini', value: 'env.OPENAI_API_KEY_2', models: ['gpt-4o-mini'], blacklisted_models: [], weight: 0.3, enabled: true, aliases: { fast: 'gpt-4o-mini' } }
      ],
      network_config: {
        base_url: 'https://api.openai.com',
        extra_headers: { 'OpenAI-Organization': 'org' },
        default_request_timeout_in_seconds: 120,
        max_retries: 3,
        retry_backoff_initial: 500,
        retry_backoff_max: '5s',
        stream_idle_timeout_in_seconds: 90,
        max_conns_per_host: 5000,
        enforce_http2: false,
        insecure_skip_verify: false,
        stream_throughput_guard: { minimum_output_characters_per_second: 20, probe_window_in_seconds: 5 }
      },
      concurrency_and_buffer_size: { concurrency: 100, buffer_size: 1000 },
      proxy_config: { type: 'none' },
      send_back_raw_request: false,
      send_back_raw_response: true,
      store_raw_request_response: false,
      openai_config: { disable_store: true }
    },
    groq: { keys: [{ name: 'groq-1', value: 'env.GROQ_API_KEY', models: ['*'], weight: 1, azure_key_config: { endpoint: 'https://x.openai.azure.com', api_version: '2024-10-21' } }], network_config: { max_retries: 1 } },
    ollama: { keys: [{ name: 'local', value: '', models: ['*'], weight: 1, ollama_key_config: { url: 'http://localhost:11434' } }] },
    'my-openai': {
      keys: [{ name: 'k', value: 'env.OPENAI_API_KEY', models: ['*'], weight: 1 }],
      network_config: { base_url: 'https://llm.example.com' },
      custom_provider_config: { base_provider_type: 'openai', allowed_requests: { chat_completion: true, chat_completion_stream: true, list_models: true } }
    }
  },
  governance: { auth_config: { is_enabled: true, admin_password: 'env.ADMIN_PASSWORD' }, virtual_keys: [{ id: 'vk', name: 'vk', value: 'sk-bf-x' }] },
  auth_config: { is_enabled: false },
  config_store: { enabled: true, type: 'sqlite', config: { path: './config.db' } },
  logs_store: { enabled: true, type: 'postgres', config: { host: 'db', password: 'env.DB_PASSWORD' } },
  vector_store: { enabled: false, type: 'redis', config: { addr: 'redis:6379' } },
  plugins: [{ name: 'otel', enabled: true, config: {} }],
  framework: { pricing: { pricing_sync_interval: 86400 } },
  mcp: { client_configs: [] },
  websocket: { max_connections_per_user: 100 },
  webhooks: [],
  guardrails_config: {},
  alerting: {},
  access_profiles: [],
  cluster_config: { enabled: true },
  scim_config: {},
  audit_logs: {},
  load_balancer_config: {},
  large_payload_optimization: {}
}

const { settings, warnings } = load(originalFile, { OPENAI_API_KEY: 'key-a', OPENAI_API_KEY_2: 'key-b', GROQ_API_KEY: 'key-c' })

test('a file of the original loads unchanged: client and server', () => {
  assert.deepEqual(settings.server, { host: '127.0.0.1', port: 8080, logLevel: 'info', preStopDelayMs: 0, shutdownTimeoutMs: 30000, adminKey: '', watchConfig: true })
  assert.deepEqual(settings.client, {
    initialPoolSize: 500, dropExcessRequests: true, requestBodyBytesMax: 52428800, allowDirectKeys: false, requestTimeoutMs: 300000, slowClientTimeoutMs: 60000, prometheusLabels: ['team', 'environment'], listUpstreamModels: true
  })
})

test('a file of the original loads unchanged: a provider with every block', () => {
  assert.deepEqual(settings.providers[0], {
    name: 'openai',
    kind: 'openai',
    baseUrl: 'https://api.openai.com',
    keys: [
      { id: 'openai-main', name: 'openai-main', value: 'key-a', models: ['*'], blacklistedModels: [], weight: 0.7, enabled: true, useForBatchApi: true, aliases: {} },
      { id: '7e5a', name: 'openai-mini', value: 'key-b', models: ['gpt-4o-mini'], blacklistedModels: [], weight: 0.3, enabled: true, useForBatchApi: false, aliases: { fast: 'gpt-4o-mini' } }
    ],
    keyless: false,
    unavailableReason: null,
    takesDirectKeys: true,
    concurrency: 100,
    bufferSize: 1000,
    threads: 1,
    ringBytes: 1048576,
    maxHeapMb: 256,
    connectionsPerOrigin: 100,
    timeouts: { connectMs: 5000, responseHeaderMs: 120000, firstTokenMs: 120000, streamIdleMs: 90000, totalMs: 120000, streamTotalMs: 3600000 },
    retry: { maxRetries: 3, backoffInitialMs: 500, backoffMaxMs: 5000, budgetShare: 0.2 },
    fallbacks: { general: [], byModel: {}, contextLength: [], contentPolicy: [] },
    breaker: { windowMs: 10000, requestsMin: 20, failureShare: 0.5, slowMs: 0, slowShare: 0.8, openMs: 1000, openMaxMs: 3000, halfOpenRequests: 2, rampMs: 2000 },
    hedging: null,
    adaptiveConcurrency: null,
    singleFlight: null,
    streamRecovery: { enabled: false, prefill: false, textBytesMax: 262144 },
    responseBodyBytesMax: 67108864,
    sseEventBytesMax: 16777216,
    extraHeaders: { 'openai-organization': 'org' },
    proxy: null,
    mediaFetch: null,
    tls: { insecureSkipVerify: false, caCertPem: '' },
    sendBackRawRequest: false,
    sendBackRawResponse: true,
    operations: openAi,
    nativeOperations: openAi,
    paths: openAiPaths,
    modelsPath: '/v1/models',
    injectStreamUsage: true,
    prices: {},
    mock: null
  })
})

test('a file of the original loads unchanged: the other providers', () => {
  const brief = settings.providers.slice(1).map(({ name, baseUrl, keyless, unavailableReason, operations, keys }) => ({
    name, baseUrl, keyless, unavailableReason, operations, keys: keys.map((key) => [key.name, key.value])
  }))
  assert.deepEqual(brief, [
    { name: 'groq', baseUrl: 'https://api.groq.com/openai', keyless: false, unavailableReason: null, operations: ['chat_completion', 'responses', ...audio, ...files, ...batches, 'text_completion'], keys: [['groq-1', 'key-c']] },
    { name: 'ollama', baseUrl: 'http://localhost:11434', keyless: true, unavailableReason: null, operations: ['chat_completion', 'text_completion', 'embedding', 'responses'], keys: [['local', '']] },
    { name: 'my-openai', baseUrl: 'https://llm.example.com', keyless: false, unavailableReason: null, operations: ['chat_completion'], keys: [['k', 'key-a']] }
  ])
})

test('what has no effect gives one warning each', () => {
  const noEffect = (path: string): string => `${path}: accepted but has no effect in this version`
  const enterprise = (path: string): string => `${path}: enterprise feature, ignored`
  assert.deepEqual(warnings, [
    noEffect('encryption_key'),
    noEffect('source_of_truth'),
    noEffect('client.enable_logging'),
    noEffect('client.log_retention_days'),
    noEffect('client.enforce_auth_on_inference'),
    noEffect('client.header_filter_config'),
    noEffect('client.compat'),
    noEffect('client.mcp_tool_execution_timeout'),
    noEffect('providers.*.network_config.stream_throughput_guard'),
    noEffect('providers.*.openai_config'),
    noEffect('governance'),
    noEffect('auth_config'),
    noEffect('config_store'),
    noEffect('logs_store'),
    noEffect('vector_store'),
    noEffect('plugins'),
    noEffect('framework'),
    noEffect('mcp'),
    noEffect('websocket'),
    noEffect('webhooks'),
    enterprise('guardrails_config'),
    enterprise('alerting'),
    enterprise('access_profiles'),
    enterprise('cluster_config'),
    enterprise('scim_config'),
    enterprise('audit_logs'),
    enterprise('load_balancer_config'),
    enterprise('large_payload_optimization'),
    'providers.groq.keys[0].azure_key_config: is only for the provider azure and has no effect here'
  ])
})

test('fields without effect are still checked', () => {
  assert.throws(() => load({ client: { mcp_server_auth_mode: 'none' }, providers: { mock: {} } }), /client\.mcp_server_auth_mode = "none": must be one of: headers, both, oauth/)
  assert.throws(() => load({ client: { compat: { nope: true } }, providers: { mock: {} } }), /client\.compat\.nope = true: unknown key/)
})
