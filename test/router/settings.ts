import { builtInProvider } from '../../src/config/providers.ts'
import type { KeySettings, ProviderSettings, Settings } from '../../src/api/settings.ts'

export function createKey (extra: Partial<KeySettings> = {}): KeySettings {
  return { id: 'key-id', name: 'key-name', value: 'sk-secret', models: ['*'], blacklistedModels: [], weight: 1, enabled: true, useForBatchApi: false, aliases: {}, ...extra }
}

export function createProvider (name: string, extra: Partial<ProviderSettings> = {}): ProviderSettings {
  return {
    name,
    kind: 'openai',
    baseUrl: `https://${name}.example`,
    keys: [createKey({ id: `${name}-id`, name: `${name}-key` })],
    keyless: false,
    unavailableReason: null,
    takesDirectKeys: true,
    concurrency: 10,
    bufferSize: 10,
    threads: 1,
    ringBytes: 65_536,
    maxHeapMb: 128,
    connectionsPerOrigin: 8,
    timeouts: { connectMs: 1_000, responseHeaderMs: 1_000, firstTokenMs: 1_000, streamIdleMs: 1_000, totalMs: 1_000, streamTotalMs: 1_000 },
    retry: { maxRetries: 0, backoffInitialMs: 500, backoffMaxMs: 5_000, budgetShare: 0.2 },
    fallbacks: { general: [], byModel: {}, contextLength: [], contentPolicy: [] },
    breaker: null,
    hedging: null,
    adaptiveConcurrency: null,
    singleFlight: null,
    streamRecovery: { enabled: false, prefill: false, textBytesMax: 262_144 },
    responseBodyBytesMax: 1 << 20,
    sseEventBytesMax: 1 << 20,
    extraHeaders: {},
    proxy: null,
    mediaFetch: null,
    tls: { insecureSkipVerify: false, caCertPem: '' },
    sendBackRawRequest: false,
    sendBackRawResponse: false,
    operations: ['chat_completion', 'text_completion', 'embedding', 'responses'],
    nativeOperations: extra.operations ?? ['chat_completion', 'text_completion', 'embedding', 'responses'],
    paths: builtInProvider('openai')?.paths as ProviderSettings['paths'],
    prices: {},
    modelsPath: null,
    injectStreamUsage: true,
    mock: null,
    ...extra
  }
}

export function createSettings (providers: readonly ProviderSettings[]): Settings {
  return {
    generation: 1,
    server: { host: '127.0.0.1', port: 0, logLevel: 'silent', preStopDelayMs: 0, shutdownTimeoutMs: 1_000, adminKey: '', watchConfig: false },
    client: { initialPoolSize: 1, dropExcessRequests: true, requestBodyBytesMax: 1 << 20, allowDirectKeys: false, requestTimeoutMs: 60_000, slowClientTimeoutMs: 1_000, prometheusLabels: [], listUpstreamModels: true },
    providers
  }
}
