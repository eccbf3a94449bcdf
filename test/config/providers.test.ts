import assert from 'node:assert/strict'
import { test } from 'node:test'
import { audio, batches, files, openAi, openAiPaths } from './served-operations.ts'
import { load, loadProvider, providerProblems } from './load-text.ts'

const key = { keys: [{ value: 'x' }] }
const custom = (more: object = {}, network: object = {}): object => ({
  ...key,
  network_config: { base_url: 'https://llm.example.com', ...network },
  custom_provider_config: { base_provider_type: 'openai', ...more }
})

const chat = 'chat_completion'
const text = 'text_completion'
const responses = 'responses'
/** `native` is what the provider has itself, `emulated` what goes through chat. */
const builtIn: Array<{ name: string, baseUrl: string, native: string[], emulated: string[], injectStreamUsage: boolean, variable: string | null }> = [
  { name: 'openai', baseUrl: 'https://api.openai.com', native: openAi, emulated: [], injectStreamUsage: true, variable: 'OPENAI_API_KEY' },
  { name: 'groq', baseUrl: 'https://api.groq.com/openai', native: [chat, responses, ...audio, ...files, ...batches], emulated: [text], injectStreamUsage: true, variable: 'GROQ_API_KEY' },
  { name: 'cerebras', baseUrl: 'https://api.cerebras.ai', native: [chat, text], emulated: [responses], injectStreamUsage: true, variable: 'CEREBRAS_API_KEY' },
  { name: 'ollama', baseUrl: 'http://127.0.0.1:11434', native: [chat, text, 'embedding', responses], emulated: [], injectStreamUsage: true, variable: null },
  { name: 'vllm', baseUrl: 'http://127.0.0.1:8000', native: [chat, text, 'embedding', responses, 'transcription', 'translation'], emulated: [], injectStreamUsage: true, variable: null },
  { name: 'sgl', baseUrl: 'http://127.0.0.1:30000', native: [chat, text, 'embedding'], emulated: [responses], injectStreamUsage: true, variable: null },
  { name: 'perplexity', baseUrl: 'https://api.perplexity.ai', native: [chat], emulated: [text, responses], injectStreamUsage: false, variable: 'PERPLEXITY_API_KEY' },
  { name: 'nebius', baseUrl: 'https://api.studio.nebius.com', native: [chat, text, 'embedding', 'image_generation'], emulated: [responses], injectStreamUsage: true, variable: 'NEBIUS_API_KEY' },
  { name: 'openrouter', baseUrl: 'https://openrouter.ai/api', native: [chat, text, responses, 'speech'], emulated: [], injectStreamUsage: true, variable: 'OPENROUTER_API_KEY' },
  { name: 'xai', baseUrl: 'https://api.x.ai', native: [chat, text, responses, 'image_generation'], emulated: [], injectStreamUsage: true, variable: 'XAI_API_KEY' },
  { name: 'fireworks', baseUrl: 'https://api.fireworks.ai/inference', native: [chat, text, 'embedding', responses], emulated: [], injectStreamUsage: true, variable: 'FIREWORKS_API_KEY' },
  { name: 'deepseek', baseUrl: 'https://api.deepseek.com', native: [chat], emulated: [text, responses], injectStreamUsage: true, variable: 'DEEPSEEK_API_KEY' },
  { name: 'together', baseUrl: 'https://api.together.xyz', native: [chat, text, 'embedding', 'image_generation', ...audio], emulated: [responses], injectStreamUsage: true, variable: 'TOGETHER_API_KEY' },
  { name: 'parasail', baseUrl: 'https://api.parasail.io', native: [chat], emulated: [text, responses], injectStreamUsage: true, variable: 'PARASAIL_API_KEY' },
  { name: 'huggingface', baseUrl: 'https://router.huggingface.co', native: [chat], emulated: [text, responses], injectStreamUsage: true, variable: 'HUGGINGFACE_API_KEY' },
  { name: 'mistral', baseUrl: 'https://api.mistral.ai', native: [chat, 'embedding', 'speech', 'transcription', 'moderation', ...files], emulated: [text, responses], injectStreamUsage: false, variable: 'MISTRAL_API_KEY' }
]

for (const { name, baseUrl, native, emulated, injectStreamUsage, variable } of builtIn) {
  test(`${name} is known without configuration`, () => {
    const provider = loadProvider(name, {})
    assert.equal(provider.kind, name === 'mistral' ? 'mistral' : 'openai')
    assert.equal(provider.baseUrl, baseUrl)
    assert.deepEqual(provider.nativeOperations, native)
    assert.deepEqual(provider.operations, [...native, ...emulated])
    assert.equal(provider.injectStreamUsage, injectStreamUsage)
    assert.equal(provider.keyless, variable === null)
    assert.equal(provider.unavailableReason, variable === null ? null : `no key: set ${variable}`)
    assert.equal(provider.mock, null)
  })
}

test('anthropic is known without configuration, and every chat goes to its Messages API', () => {
  const { kind, baseUrl, operations, paths, injectStreamUsage, unavailableReason } = loadProvider('anthropic', {})
  assert.deepEqual({ kind, baseUrl, operations, injectStreamUsage, unavailableReason }, {
    kind: 'anthropic', baseUrl: 'https://api.anthropic.com', operations: [chat, 'count_tokens', ...files, ...batches, 'batch_results', 'batch_delete', text, responses], injectStreamUsage: false, unavailableReason: 'no key: set ANTHROPIC_API_KEY'
  })
  assert.deepEqual([paths.chat_completion, paths.responses, paths.count_tokens], ['/v1/messages', '/v1/messages', '/v1/messages/count_tokens'])
})

test('a custom provider may speak the API of Anthropic', () => {
  const block = { keys: [{ value: 'x' }], network_config: { base_url: 'https://claude.example.com' }, custom_provider_config: { base_provider_type: 'anthropic', allowed_requests: { chat_completion: true, chat_completion_stream: true } } }
  const { kind, baseUrl, operations, paths, unavailableReason } = loadProvider('my-claude', block)
  assert.deepEqual({ kind, baseUrl, operations, path: paths.chat_completion, unavailableReason }, {
    kind: 'anthropic', baseUrl: 'https://claude.example.com', operations: [chat], path: '/v1/messages', unavailableReason: null
  })
})

test('cohere has paths of its own, also as the base of a custom provider', () => {
  const custom = { ...key, network_config: { base_url: 'https://cohere.example.com' }, custom_provider_config: { base_provider_type: 'cohere' } }
  for (const provider of [loadProvider('cohere', {}), loadProvider('mine', custom)]) {
    const { chat_completion: chatPath, responses, embedding, rerank } = provider.paths
    assert.deepEqual([chatPath, responses, embedding, rerank], ['/v2/chat', '/v2/chat', '/v2/embed', '/v2/rerank'])
    assert.equal(provider.kind, 'cohere')
  }
  const mine = loadProvider('mine', { ...custom, custom_provider_config: { base_provider_type: 'cohere', allowed_requests: { rerank: true, chat_completion: false } } })
  assert.equal(mine.baseUrl, 'https://cohere.example.com')
  assert.deepEqual(mine.operations, ['rerank'])
  assert.equal(loadProvider('mine', { ...custom, keys: [] }).unavailableReason, 'no key: add providers.mine.keys or set custom_provider_config.is_key_less')
})

for (const [name, baseUrl, variable] of [['gemini', 'https://generativelanguage.googleapis.com', 'GEMINI_API_KEY'], ['vertex', 'https://aiplatform.googleapis.com', 'VERTEX_API_KEY']] as const) {
  test(`${name} is known without configuration, with an API of its own`, () => {
    const { kind, baseUrl: address, operations, keyless, unavailableReason } = loadProvider(name, {})
    assert.deepEqual({ kind, address, operations, keyless, unavailableReason }, { kind: name, address: baseUrl, operations: [chat, 'embedding', 'count_tokens', 'image_generation', 'image_edit', ...audio, text, responses], keyless: false, unavailableReason: `no key: set ${variable}` })
  })
}

test('a custom provider may speak the API of Gemini, at an address of its own and with its own operations', () => {
  const provider = loadProvider('my-gemini', custom({ base_provider_type: 'gemini', allowed_requests: { chat_completion: true, chat_completion_stream: true, count_tokens: true, responses: true } }))
  assert.equal(provider.kind, 'gemini')
  assert.equal(provider.baseUrl, 'https://llm.example.com')
  assert.deepEqual(provider.operations, ['chat_completion', 'count_tokens', 'responses'])
})

test('a custom provider may speak the API of Hugging Face, which only has chat', () => {
  const { kind, baseUrl, operations, nativeOperations } = loadProvider('my-faces', custom({ base_provider_type: 'huggingface' }))
  assert.deepEqual({ kind, baseUrl, operations, nativeOperations }, { kind: 'openai', baseUrl: 'https://llm.example.com', operations: [chat, text, responses], nativeOperations: [chat] })
  const some = loadProvider('my-faces', custom({ base_provider_type: 'huggingface', allowed_requests: { text_completion: true, text_completion_stream: true } }))
  assert.deepEqual([some.operations, some.nativeOperations], [[text], []])
})

test('a key of Vertex AI has its project, region and account', () => {
  const account = '{"type":"service_account","project_id":"p-1"}'
  const block = (config: object): object => ({ keys: [{ vertex_key_config: config }] })
  const vertexOf = (config: object): unknown => loadProvider('vertex', block(config)).keys[0]?.cloud
  assert.deepEqual(vertexOf({ project_id: 'p-2', region: 'europe-west4', auth_credentials: Buffer.from(account).toString('base64') }), { kind: 'vertex', projectId: 'p-2', region: 'europe-west4', authCredentials: account })
  assert.deepEqual(vertexOf({ project_number: '42', auth_credentials: account }), { kind: 'vertex', projectId: '42', region: '', authCredentials: account })
  const { unavailableReason, keys, kind, baseUrl } = loadProvider('vertex', block({}))
  assert.deepEqual({ unavailableReason, enabled: keys[0]?.enabled, kind, baseUrl }, { unavailableReason: null, enabled: true, kind: 'vertex', baseUrl: 'https://aiplatform.googleapis.com' })
})

test('perplexity has no /v1 in its chat path', () => {
  assert.equal(loadProvider('perplexity', {}).paths.chat_completion, '/chat/completions')
  assert.equal(loadProvider('openai', {}).paths.chat_completion, '/v1/chat/completions')
})

test('an unknown name without custom_provider_config lists the built-in names', () => {
  assert.deepEqual(providerProblems('constructor', {}), [
    'providers.constructor: is not a built-in provider and has no custom_provider_config; built in: openai, groq, cerebras, ollama, vllm, sgl, perplexity, nebius, openrouter, xai, fireworks, deepseek, together, parasail, azure, huggingface, mistral, anthropic, cohere, bedrock, gemini, vertex, mock'
  ])
})

test('a custom provider serves everything at its own address', () => {
  const provider = loadProvider('my-llm', custom())
  assert.equal(provider.kind, 'openai')
  assert.equal(provider.baseUrl, 'https://llm.example.com')
  assert.deepEqual(provider.operations, openAi)
  assert.deepEqual(provider.nativeOperations, provider.operations)
  assert.equal(provider.injectStreamUsage, true)
  assert.equal(provider.keyless, false)
})

test('a custom provider is restricted by allowed_requests', () => {
  const provider = loadProvider('my-llm', custom({ allowed_requests: { chat_completion: true, chat_completion_stream: true, embedding: true, responses: false, speech: true, file_list: true, video: true } }))
  assert.deepEqual(provider.operations, ['chat_completion', 'embedding', 'speech', 'file_list'])
  assert.deepEqual(provider.nativeOperations, provider.operations)
  assert.deepEqual(loadProvider('my-llm', custom({ allowed_requests: {} })).operations, [])
})

test('a custom provider may need no key, and without one says where to put it', () => {
  const block = { network_config: { base_url: 'https://llm.example.com' } }
  assert.equal(loadProvider('my-llm', { ...block, custom_provider_config: { base_provider_type: 'openai', is_key_less: true } }).unavailableReason, null)
  assert.equal(
    loadProvider('my-llm', { ...block, custom_provider_config: { base_provider_type: 'openai' } }).unavailableReason,
    'no key: add providers.my-llm.keys or set custom_provider_config.is_key_less'
  )
})

test('request_path_overrides replaces paths or whole URLs', () => {
  const provider = loadProvider('my-llm', custom({ request_path_overrides: { chat_completion: '/chat', embedding: 'https://embed.example.com/v1/embeddings' } }))
  assert.deepEqual(provider.paths, {
    ...openAiPaths,
    chat_completion: '/chat',
    embedding: 'https://embed.example.com/v1/embeddings'
  })
})

test('custom provider problems', () => {
  assert.deepEqual(providerProblems('my-llm', custom({ base_provider_type: 'groq' })), [
    'providers.my-llm.custom_provider_config.base_provider_type = "groq": must be one of: openai, anthropic, cohere, gemini, bedrock, huggingface, replicate (only openai, anthropic, cohere, gemini, bedrock, huggingface are served by this version)'
  ])
  assert.deepEqual(providerProblems('my-llm', { ...key, custom_provider_config: {} }), [
    'providers.my-llm.custom_provider_config.base_provider_type: is missing; allowed: a string'
  ])
  assert.deepEqual(providerProblems('my-llm', { ...key, custom_provider_config: { base_provider_type: 'openai' } }), [
    'providers.my-llm.network_config.base_url: is missing; a custom provider needs it, for instance "https://llm.example.com"'
  ])
  assert.deepEqual(providerProblems('openai', custom()), [
    'providers.openai.custom_provider_config = {...}: is not for built-in providers; choose another name than openai'
  ])
  assert.deepEqual(providerProblems('my-llm', custom({ request_path_overrides: { chat_completion: 'http://169.254.169.254/x', embedding: 'v1' } })), [
    'providers.my-llm.custom_provider_config.request_path_overrides.embedding = "v1": must be a path that starts with /, or a whole http(s) URL',
    'providers.my-llm.custom_provider_config.request_path_overrides.chat_completion = "http://169.254.169.254/x": is a link-local or unspecified address, which is never allowed'
  ])
})

const baseUrlOf = (url: string, more: object = {}): string => loadProvider('openai', { ...key, network_config: { base_url: url, ...more } }).baseUrl
const baseUrlProblem = (url: string, more: object = {}): string => {
  const lines = providerProblems('openai', { ...key, network_config: { base_url: url, ...more } })
  assert.equal(lines.length, 1)
  return String(lines[0]).replace(/^providers\.openai\.network_config\.base_url = "[^"]*": /, '')
}

test('base_url loses one trailing slash and keeps its path', () => {
  assert.equal(baseUrlOf('https://llm.example.com/'), 'https://llm.example.com')
  assert.equal(baseUrlOf('https://llm.example.com/api/'), 'https://llm.example.com/api')
  assert.equal(baseUrlOf('http://localhost:9999'), 'http://localhost:9999')
})

test('base_url problems', () => {
  const v1 = 'must stand without /v1, which is added to every request; remove it from the end'
  assert.equal(baseUrlProblem('https://llm.example.com/v1'), v1)
  assert.equal(baseUrlProblem('https://llm.example.com/api/v1/'), v1)
  for (const url of ['llm.example.com', 'ftp://llm.example.com', 'file:///etc/passwd', '/v1']) {
    assert.equal(baseUrlProblem(url), 'must be an http:// or https:// URL', url)
  }
  assert.equal(baseUrlProblem('https://user:pass@llm.example.com'), 'must not hold credentials; give them as a key')
  assert.equal(baseUrlProblem('https://llm.example.com?a=1'), 'must not have a query or a fragment')
})

test('link-local and unspecified addresses are refused, also with allow_private_network', () => {
  const urls = [
    'http://169.254.169.254', 'http://0xa9fea9fe', 'http://2852039166', 'http://[::ffff:169.254.169.254]',
    'http://[fe80::1]', 'http://0.0.0.0:8000', 'http://0', 'http://[::]:8000'
  ]
  for (const url of urls) {
    for (const allow of [false, true]) {
      assert.equal(baseUrlProblem(url, { allow_private_network: allow }), 'is a link-local or unspecified address, which is never allowed', url)
    }
  }
})

test('private networks need allow_private_network, loopback never does', () => {
  const urls = ['http://10.1.2.3', 'http://172.16.0.1', 'http://172.31.255.255', 'http://192.168.1.1:8000', 'http://[fd00::1]', 'http://[::ffff:10.0.0.1]', 'http://100.64.0.1']
  for (const url of urls) {
    assert.equal(baseUrlProblem(url), 'is in a private network; set network_config.allow_private_network to true to allow that', url)
    assert.ok(baseUrlOf(url, { allow_private_network: true }).startsWith('http://'), url)
  }
  for (const url of ['http://127.0.0.1:1', 'http://127.8.8.8', 'http://[::1]:1', 'http://172.32.0.1', 'http://8.8.8.8']) baseUrlOf(url)
})

test('a server URL in the key block wins over network_config', () => {
  for (const name of ['ollama', 'vllm', 'sgl']) {
    const block = { keys: [{ [`${name}_key_config`]: { url: 'http://127.0.0.1:4444/' } }], network_config: { base_url: 'http://127.0.0.1:5555' } }
    assert.equal(loadProvider(name, block).baseUrl, 'http://127.0.0.1:4444')
  }
})

test('an Ollama server is asked by its own API where an enabled key says so', () => {
  const keys = (native: boolean, enabled = true): object => ({ keys: [{ name: 'a' }, { name: 'b', enabled, ollama_key_config: { native } }] })
  for (const block of [{}, keys(false), keys(true, false)]) {
    const { kind, paths } = loadProvider('ollama', block)
    assert.deepEqual([kind, paths.chat_completion], ['openai', '/v1/chat/completions'])
  }
  const { kind, paths, injectStreamUsage, keyless } = loadProvider('ollama', keys(true))
  assert.deepEqual([kind, paths.chat_completion, paths.responses, paths.embedding, paths.text_completion], ['ollama', '/api/chat', '/api/chat', '/api/embed', '/v1/completions'])
  assert.deepEqual([injectStreamUsage, keyless], [false, true])
})

test('a provider has one URL: that of its first enabled key; keys with another are not used', () => {
  const keys = [1, 2, 3, 2].map((port) => ({ ollama_key_config: { url: `http://127.0.0.1:${port}` }, enabled: port !== 1 }))
  const { settings, warnings } = load({ providers: { ollama: { keys } } })
  assert.equal(settings.providers[0]?.baseUrl, 'http://127.0.0.1:2')
  assert.deepEqual(settings.providers[0]?.keys.map(({ enabled }) => enabled), [false, true, false, true])
  assert.deepEqual(warnings, ['providers.ollama.keys[2]: this key is not used: a provider has one URL in this version, and keys[1] has another; use a custom provider for this one'])
})

const proxyOf = (proxy: object, environment = {}, url = 'https://llm.example.com'): unknown =>
  loadProvider('openai', { ...key, network_config: { base_url: url }, proxy_config: proxy }, environment).proxy

const proxyAt = (url: string, username = '', password = '', caCertPem = ''): object => ({ url, username, password, caCertPem })

test('proxy none, http and socks5', () => {
  assert.equal(proxyOf({ type: 'none', url: 'http://proxy:1' }), null)
  assert.deepEqual(proxyOf({ type: 'http', url: 'http://proxy:3128', username: 'u', password: 'p' }), proxyAt('http://proxy:3128', 'u', 'p'))
  assert.deepEqual(proxyOf({ type: 'http', url: 'http://u%40x:p%3A@proxy:3128/' }), proxyAt('http://proxy:3128', 'u@x', 'p:'))
  assert.deepEqual(proxyOf({ type: 'http', url: 'https://proxy', ca_cert_pem: 'PEM' }), proxyAt('https://proxy', '', '', 'PEM'))
  assert.deepEqual(proxyOf({ type: 'socks5', url: 'socks5://u:p@proxy.example.com' }), proxyAt('socks5://proxy.example.com', 'u', 'p'))
  assert.deepEqual(proxyOf({ type: 'socks5', url: 'socks5h://[::1]:1081', username: 'u', password: 'p' }), proxyAt('socks5://[::1]:1081', 'u', 'p'))
})

test('proxy from the environment goes by scheme and honours NO_PROXY', () => {
  const environment = { HTTPS_PROXY: 'http://secure:1', http_proxy: 'plain:2', ALL_PROXY: 'http://all:3' }
  const type = { type: 'environment' }
  assert.deepEqual(proxyOf(type, environment), proxyAt('http://secure:1'))
  assert.deepEqual(proxyOf(type, environment, 'http://llm.example.com'), proxyAt('http://plain:2'))
  assert.deepEqual(proxyOf(type, { ALL_PROXY: 'http://all:3' }), proxyAt('http://all:3'))
  assert.deepEqual(proxyOf(type, { ALL_PROXY: 'SOCKS5h://u:p@all:1080' }), proxyAt('socks5://all:1080', 'u', 'p'))
  assert.equal(proxyOf(type, {}), null)
  assert.equal(proxyOf(type, environment, 'http://127.0.0.1:1'), null)
  for (const entry of ['*', 'llm.example.com', 'example.com', '.example.com', '*.example.com', 'other, LLM.example.com:443']) {
    assert.equal(proxyOf(type, { ...environment, NO_PROXY: entry }), null, entry)
  }
  for (const entry of ['', 'ample.com', 'llm.example.com:80', 'example.org', '10.0.0.0/8']) {
    assert.deepEqual(proxyOf(type, { ...environment, no_proxy: entry }), proxyAt('http://secure:1'), entry)
  }
  assert.equal(proxyOf(type, { HTTP_PROXY: 'http://p', NO_PROXY: '8.8.0.0/16' }, 'http://8.8.8.8'), null)
})

test('proxy problems', () => {
  const problem = (proxy: object, environment = {}): string[] => providerProblems('openai', { ...key, proxy_config: proxy })
    .concat(Object.keys(environment)).map((line) => line.replace('providers.openai.', ''))
  assert.deepEqual(problem({ type: 'http' }), ['proxy_config.url = "": must be the http:// or https:// URL of the proxy'])
  assert.deepEqual(problem({ type: 'http', url: 'socks5://p' }), ['proxy_config.url = "socks5://p": must be the http:// or https:// URL of the proxy'])
  assert.deepEqual(problem({ type: 'socks5', url: 'http://p:1' }), ['proxy_config.url = "http://p:1": must be the socks5:// URL of the proxy'])
  assert.deepEqual(problem({ type: 'socks5', url: 'socks5://' }), ['proxy_config.url = "socks5://": must be the socks5:// URL of the proxy'])
  assert.deepEqual(problem({ type: 'ftp' }), ['proxy_config.type = "ftp": must be one of: none, http, socks5, environment'])
  // Never a direct connection instead: the provider would see an address that it should not see.
  for (const url of ['ftp://CANARY:1', 'socks4://CANARY:1', 'socks://CANARY:1', 'http://']) {
    assert.deepEqual(providerProblems('openai', { ...key, proxy_config: { type: 'environment' } }, { HTTPS_PROXY: url }), [
      'providers.openai.proxy_config.type = "environment": the environment variable HTTPS_PROXY must be an http://, https:// or socks5:// URL'
    ])
  }
})

test('extra headers are lower-cased; framing headers and repetitions are refused', () => {
  assert.deepEqual(loadProvider('openai', { ...key, network_config: { extra_headers: { 'X-Team': 'a' } } }).extraHeaders, { 'x-team': 'a' })
  assert.deepEqual(providerProblems('openai', { ...key, network_config: { extra_headers: { Host: 'a', 'x-a': '1', 'X-A': '2', 'x-b': 'a\r\nb', 'x c': 'd' } } }), [
    'providers.openai.network_config.extra_headers["x c"]: is not a header name',
    'providers.openai.network_config.extra_headers.x-b = <redacted>: must be a header value: a string without line breaks',
    'providers.openai.network_config.extra_headers.Host = <redacted>: is set by the gateway itself and cannot be given',
    'providers.openai.network_config.extra_headers.X-A = <redacted>: stands twice; header names do not depend on case'
  ])
})

test('the mock block configures the mock and nothing else', () => {
  const mock = { text: 'hi', latency_ms: 1, jitter_ms: 2, tokens_per_second: 3, tokens: 4, failure_probability: 0.5, failure_status: 429, embedding_dimensions: 6, thread_faults: true }
  assert.deepEqual(loadProvider('mock', { mock }).mock, {
    text: 'hi', latencyMs: 1, jitterMs: 2, tokensPerSecond: 3, tokens: 4, failureProbability: 0.5, failureStatus: 429, embeddingDimensions: 6, threadFaults: true
  })
  assert.deepEqual(providerProblems('openai', { ...key, mock: {} }), ['providers.openai.mock = {...}: is only for the provider mock'])
})
