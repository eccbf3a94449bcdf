import type { ProviderSettings } from '../api/settings.ts'
import { parseBaseUrl } from './base-url.ts'
import type { Key, NetworkConfig, Provider } from './config-types.ts'
import { resolveCustomProvider } from './custom-provider.ts'
import { resolveKeys, servedUrl } from './keys.ts'
import { mediaFetchOf } from './media-fetch.ts'
import type { ProviderContext } from './provider-context.ts'
import { builtInNames, builtInProvider, nativeOllama, unsupportedProvider } from './providers.ts'
import type { BuiltInProvider } from './providers.ts'
import { resolveProxy } from './proxy.ts'
import { resolveBreaker, resolveFallbacks, resolveOptIns, resolveRetry } from './resilience.ts'
import { secondsToMs } from './seconds.ts'
import { unsupportedText } from './unsupported.ts'

const bytesPerMib = 1024 * 1024

/** Defaults of the two limits for which the original lets 0 mean "default". In seconds. */
const requestTimeoutDefault = 30
const streamIdleTimeoutDefault = 60

/** Their credentials are more than a key. */
const cloudKinds: ReadonlySet<ProviderSettings['kind']> = new Set(['azure', 'bedrock', 'vertex'])

/** Null when the provider cannot be told; problems say why. */
export function resolveProvider (config: Provider, context: ProviderContext): ProviderSettings | null {
  const network = config.network_config
  const builtIn = findProvider(config, context)
  if (builtIn === null) return null
  checkSizes(config, context)
  if (config.mock !== undefined && builtIn.kind !== 'mock') {
    context.problems.add({ path: `${context.path}.mock`, value: '{...}', message: 'is only for the provider mock' })
  }
  const keys = config.keys ?? []
  const baseUrl = resolveBaseUrl(keys, network, builtIn, context)
  const proxy = resolveProxy(config.proxy_config, baseUrl, context)
  const { unsupported } = context
  if (unsupported !== null) context.warnings.push(`${context.path}: ${unsupportedText(unsupported)}`)
  const { concurrency, buffer_size: bufferSize } = config.concurrency_and_buffer_size
  return {
    name: context.name,
    kind: builtIn.kind,
    baseUrl,
    ...unsupported === null ? resolveKeys(keys, builtIn, network, context) : { keys: [], keyless: false, unavailableReason: unsupportedText(unsupported) },
    takesDirectKeys: unsupported === null && !cloudKinds.has(builtIn.kind),
    concurrency,
    bufferSize,
    threads: config.threads,
    ringBytes: config.ring_bytes,
    maxHeapMb: config.max_heap_mb,
    connectionsPerOrigin: config.connections_per_origin || Math.min(concurrency, network.max_conns_per_host ?? concurrency),
    timeouts: resolveTimeouts(network),
    retry: resolveRetry(network),
    fallbacks: resolveFallbacks(config, context),
    breaker: resolveBreaker(config.circuit_breaker),
    ...resolveOptIns(config),
    responseBodyBytesMax: Math.floor(network.max_response_body_size_mb * bytesPerMib),
    sseEventBytesMax: Math.floor(network.max_stream_event_size_mb * bytesPerMib),
    extraHeaders: resolveHeaders(network, context),
    proxy,
    mediaFetch: mediaFetchOf(builtIn.kind, config.proxy_config, context),
    tls: { insecureSkipVerify: network.insecure_skip_verify, caCertPem: network.ca_cert_pem },
    sendBackRawRequest: config.send_back_raw_request,
    sendBackRawResponse: config.send_back_raw_response,
    operations: builtIn.operations,
    nativeOperations: builtIn.nativeOperations,
    paths: builtIn.paths,
    modelsPath: builtIn.modelsPath,
    injectStreamUsage: builtIn.injectStreamUsage,
    prices: resolvePrices(config),
    mock: resolveMock(config, builtIn)
  }
}

function findProvider (config: Provider, context: ProviderContext): BuiltInProvider | null {
  const { name, path, problems } = context
  if (context.unsupported !== null) return unsupportedProvider
  const builtIn = builtInProvider(name)
  const custom = config.custom_provider_config
  if (builtIn !== null) {
    // A provider has one address in this version, so one enabled key speaks for all of them.
    const isNative = name === 'ollama' && (config.keys ?? []).some((key) => key.enabled && key.ollama_key_config?.native === true)
    if (custom === undefined) return isNative ? nativeOllama(builtIn) : builtIn
    problems.add({ path: `${path}.custom_provider_config`, value: '{...}', message: `is not for built-in providers; choose another name than ${name}` })
    return null
  }
  if (custom !== undefined) return resolveCustomProvider(custom, config.network_config.allow_private_network, context)
  if (problems.hasUnder(`${path}.custom_provider_config`)) return null
  problems.add({ path, value: '', message: `is not a built-in provider and has no custom_provider_config; built in: ${builtInNames.join(', ')}` })
  return null
}

function checkSizes (config: Provider, context: ProviderContext): void {
  const { concurrency, buffer_size: bufferSize } = config.concurrency_and_buffer_size
  const path = `${context.path}.concurrency_and_buffer_size`
  if (concurrency <= bufferSize || context.problems.hasUnder(path)) return
  context.problems.add({
    path: `${path}.concurrency`,
    value: context.show(`${path}.concurrency`, concurrency),
    message: `concurrency must not be above buffer_size, which is ${context.show(`${path}.buffer_size`, bufferSize)}`
  })
}

/**
 * A URL in a key's own block wins over `network_config.base_url`, which wins over the built-in address.
 * The first one counts: a provider has one URL in this version, and `resolveKeys` switches the other
 * keys off.
 */
function resolveBaseUrl (keys: readonly Key[], network: NetworkConfig, builtIn: BuiltInProvider, context: ProviderContext): string {
  if (builtIn.kind === 'mock' || context.unsupported !== null) return ''
  const inKey = servedUrl(keys, builtIn)
  const networkPath = `${context.path}.network_config.base_url`
  // Stands for its keys' own addresses where one is needed: for the choice of a proxy, and in what people read.
  if (builtIn.kind === 'azure' && network.base_url === undefined) return keys.find((key) => key.enabled && URL.canParse(key.azure_key_config?.endpoint ?? ''))?.azure_key_config?.endpoint ?? ''
  const chosen = inKey !== null ? { url: inKey.url, path: `${context.path}.keys[${inKey.index}].${String(builtIn.urlBlock)}.url` } : { url: network.base_url ?? builtIn.baseUrl, path: networkPath }
  if (context.problems.has(chosen.path)) return builtIn.baseUrl
  if (chosen.url === '') {
    context.problems.add({ path: networkPath, value: '', message: 'is missing; a custom provider needs it, for instance "https://llm.example.com"' })
    return ''
  }
  const check = parseBaseUrl(chosen.url, network.allow_private_network)
  if ('url' in check) return check.url
  context.problems.add({ path: chosen.path, value: context.show(chosen.path, chosen.url), message: check.problem })
  return builtIn.baseUrl
}

function resolveTimeouts (network: NetworkConfig): ProviderSettings['timeouts'] {
  const request = network.default_request_timeout_in_seconds || requestTimeoutDefault
  return {
    connectMs: secondsToMs(network.connect_timeout_in_seconds),
    responseHeaderMs: secondsToMs(network.response_header_timeout_in_seconds ?? request),
    firstTokenMs: secondsToMs(network.first_token_timeout_in_seconds),
    streamIdleMs: secondsToMs(network.stream_idle_timeout_in_seconds || streamIdleTimeoutDefault),
    totalMs: secondsToMs(request),
    streamTotalMs: secondsToMs(network.stream_total_timeout_in_seconds)
  }
}

/** Headers that frame the request; another value would desynchronise it. */
const framingHeaders = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'keep-alive', 'te', 'trailer', 'expect'])

function resolveHeaders (network: NetworkConfig, context: ProviderContext): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(network.extra_headers)) {
    const lower = name.toLowerCase()
    const path = `${context.path}.network_config.extra_headers.${name}`
    if (framingHeaders.has(lower)) context.problems.add({ path, value: context.show(path, value), message: 'is set by the gateway itself and cannot be given' })
    if (Object.hasOwn(headers, lower)) context.problems.add({ path, value: context.show(path, value), message: 'stands twice; header names do not depend on case' })
    headers[lower] = value
  }
  return headers
}

function resolvePrices (config: Provider): ProviderSettings['prices'] {
  return Object.fromEntries(Object.entries(config.prices).map(([model, price]) => [model, {
    inputUsd: price.input_usd_per_million_tokens,
    outputUsd: price.output_usd_per_million_tokens,
    cachedInputUsd: price.cached_input_usd_per_million_tokens,
    cacheWriteUsd: price.cache_write_usd_per_million_tokens,
    requestUsd: price.usd_per_request
  }]))
}

function resolveMock (config: Provider, builtIn: BuiltInProvider): ProviderSettings['mock'] {
  const mock = config.mock
  if (builtIn.kind !== 'mock' || mock === undefined) return null
  return {
    text: mock.text,
    latencyMs: mock.latency_ms,
    jitterMs: mock.jitter_ms,
    tokensPerSecond: mock.tokens_per_second,
    tokens: mock.tokens,
    failureProbability: mock.failure_probability,
    failureStatus: mock.failure_status,
    embeddingDimensions: mock.embedding_dimensions,
    threadFaults: mock.thread_faults
  }
}
