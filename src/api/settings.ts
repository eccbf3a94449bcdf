import type { Operation } from './operations.ts'

/**
 * The configuration as the program uses it: units in the names, defaults filled in, secrets resolved.
 * `src/config/` makes one frozen `Settings` per load (a generation); nothing else reads the file or
 * the environment.
 */
export interface Settings {
  /** Counts up from 1 with every successful load. */
  readonly generation: number
  readonly server: ServerSettings
  readonly client: ClientSettings
  /** In the order of the config file. */
  readonly providers: readonly ProviderSettings[]
}

export interface ServerSettings {
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  /** How long SIGTERM only makes readiness fail. */
  readonly preStopDelayMs: number
  /** How long SIGTERM lets answers in progress end, after that. */
  readonly shutdownTimeoutMs: number
  /** Opens the management API; empty means that there is none. */
  readonly adminKey: string
  readonly watchConfig: boolean
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface ClientSettings {
  /** Objects that each kept pool holds from the start. */
  readonly initialPoolSize: number
  /** Full admission queue: true answers 503 `request_dropped`, false lets the request wait. */
  readonly dropExcessRequests: boolean
  readonly requestBodyBytesMax: number
  /** Clients may bring a provider's key of their own (`x-bf-direct-key`). */
  readonly allowDirectKeys: boolean
  /** Until a unary answer is complete or a stream has begun, over queue, retries and fallbacks. */
  readonly requestTimeoutMs: number
  /** A reader that takes nothing for this long is cut off. */
  readonly slowClientTimeoutMs: number
  /** `GET /v1/models` asks providers what they have, for keys that take any model. */
  readonly listUpstreamModels: boolean
  /** Names of extra metric labels, filled from `x-bf-dim-*` headers. */
  readonly prometheusLabels: readonly string[]
}

export interface ProviderSettings {
  readonly name: string
  /** `mock` answers inside the worker thread; every other kind speaks HTTP. */
  readonly kind: 'openai' | 'azure' | 'anthropic' | 'bedrock' | 'gemini' | 'vertex' | 'cohere' | 'mistral' | 'ollama' | 'mock'
  /** Origin and optional path prefix without `/v1`, for instance `https://api.openai.com`. */
  readonly baseUrl: string
  readonly keys: readonly KeySettings[]
  /** True for upstreams that take no credentials (Ollama, vLLM, mock, custom key-less ones). */
  readonly keyless: boolean
  /** Why this provider cannot serve yet, for instance `no key: set OPENAI_API_KEY`; null when it can. */
  readonly unavailableReason: string | null
  /** A client's own key would do: the credentials are a key and nothing else, and nothing but a key can be missing. */
  readonly takesDirectKeys: boolean
  readonly concurrency: number
  readonly bufferSize: number
  readonly threads: number
  readonly ringBytes: number
  readonly maxHeapMb: number
  readonly connectionsPerOrigin: number
  readonly timeouts: TimeoutSettings
  readonly retry: RetrySettings
  readonly fallbacks: FallbackSettings
  /** Null when the breaker is off. */
  readonly breaker: BreakerSettings | null
  /** Null when off. */
  readonly hedging: HedgingSettings | null
  /** Null when off. */
  readonly adaptiveConcurrency: AdaptiveConcurrencySettings | null
  /** Null when off. */
  readonly singleFlight: SingleFlightSettings | null
  readonly streamRecovery: StreamRecoverySettings
  readonly responseBodyBytesMax: number
  readonly sseEventBytesMax: number
  /** Sent with every upstream request, names in lower case. */
  readonly extraHeaders: Readonly<Record<string, string>>
  readonly proxy: ProxySettings | null
  /** Null when it is off, and for providers that take addresses of media themselves. */
  readonly mediaFetch: MediaFetchSettings | null
  readonly tls: TlsSettings
  readonly sendBackRawRequest: boolean
  readonly sendBackRawResponse: boolean
  /** Operations that this provider serves. */
  readonly operations: readonly Operation[]
  /** Those of them that the provider itself has, at `paths`; the others are put into the words of chat. */
  readonly nativeOperations: readonly Operation[]
  /** Upstream path per operation, appended to `baseUrl`; or a whole URL. */
  readonly paths: Readonly<Record<Operation, string>>
  /** Where the provider says which models it has, appended to `baseUrl`; null: nowhere, or it is not to be asked. */
  readonly modelsPath: string | null
  /** Ask for usage in streams when the client did not (`stream_options.include_usage`). */
  readonly injectStreamUsage: boolean
  /** By model, before what the price data says. */
  readonly prices: Readonly<Record<string, ModelPriceSettings>>
  /** How the mock behaves; null for every other kind. */
  readonly mock: MockSettings | null
}

export interface KeySettings {
  /** Stable identity for metrics, logs and `x-bf-api-key-id`. */
  readonly id: string
  readonly name: string
  /** The secret; never leaves the config slice and the worker thread. */
  readonly value: string
  /** Models that this key may serve; `['*']` means all. */
  readonly models: readonly string[]
  /** Wins over `models`. */
  readonly blacklistedModels: readonly string[]
  readonly weight: number
  readonly enabled: boolean
  /** Files and batches use it. */
  readonly useForBatchApi: boolean
  /** Model name that the client asks for -> name that goes upstream. */
  readonly aliases: Readonly<Record<string, string>>
  /** What a cloud needs beside or instead of `value`; absent for everybody else. */
  readonly cloud?: CloudSettings
}

/** Empty strings stand for what the config does not say. */
export type CloudSettings = AzureSettings | BedrockSettings | VertexSettings

/** `azure_key_config`. Entra ID when client, secret and tenant are there, else `value` as api-key. */
export interface AzureSettings {
  readonly kind: 'azure'
  /** Of the resource, without `/openai`; empty: the provider's base URL. */
  readonly endpoint: string
  /** Empty: the v1 API, which has no versions. */
  readonly apiVersion: string
  readonly clientId: string
  readonly clientSecret: string
  readonly tenantId: string
  readonly scopes: readonly string[]
  /** Where Entra ID is, without a slash at the end. */
  readonly authority: string
}

/** `bedrock_key_config`. `value` as bearer key, else these keys, which are the environment's where the config has none. */
export interface BedrockSettings {
  readonly kind: 'bedrock'
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  readonly sessionToken: string
  /** Prefix of model ids that are no ARN themselves: of inference profiles. */
  readonly arn: string
  readonly roleArn: string
  readonly externalId: string
  readonly sessionName: string
  /** Who gives the credentials of `roleArn`; empty: STS of the region. */
  readonly stsEndpoint: string
}

/** `vertex_key_config`. Application default credentials when `authCredentials` is empty. */
export interface VertexSettings {
  readonly kind: 'vertex'
  readonly projectId: string
  readonly region: string
  /** Service account as JSON text. */
  readonly authCredentials: string
}

/** Every deadline of an attempt and the config name that its error message quotes. */
export interface TimeoutSettings {
  /** `network_config.connect_timeout_in_seconds` */
  readonly connectMs: number
  /** `network_config.response_header_timeout_in_seconds` */
  readonly responseHeaderMs: number
  /** `network_config.first_token_timeout_in_seconds`, streams */
  readonly firstTokenMs: number
  /** `network_config.stream_idle_timeout_in_seconds` */
  readonly streamIdleMs: number
  /** `network_config.default_request_timeout_in_seconds`, unary answers */
  readonly totalMs: number
  /** `network_config.stream_total_timeout_in_seconds` */
  readonly streamTotalMs: number
}

export interface RetrySettings {
  /** Attempts after the first one. */
  readonly maxRetries: number
  readonly backoffInitialMs: number
  readonly backoffMaxMs: number
  /** Retries per request that are allowed over time, 0 to 1. */
  readonly budgetShare: number
}

/** A provider and a model of it, as a fallback names them. */
export interface ModelReference {
  readonly provider: string
  readonly model: string
}

export interface FallbackSettings {
  /** For every model without an entry in `byModel`. */
  readonly general: readonly ModelReference[]
  readonly byModel: Readonly<Record<string, readonly ModelReference[]>>
  /** In place of the others when the request does not fit the context; empty means the others serve. */
  readonly contextLength: readonly ModelReference[]
  /** In place of the others when a content policy refuses; empty means the others serve. */
  readonly contentPolicy: readonly ModelReference[]
}

/** USD per million tokens, and per request. Undefined: as plain input. */
export interface ModelPriceSettings {
  readonly inputUsd: number
  readonly outputUsd: number
  readonly cachedInputUsd: number | undefined
  readonly cacheWriteUsd: number | undefined
  readonly requestUsd: number
}

/** When a circuit breaker opens and how it closes; shares are 0 to 1. */
export interface BreakerSettings {
  readonly windowMs: number
  readonly requestsMin: number
  readonly failureShare: number
  /** 0: latency is not judged. */
  readonly slowMs: number
  readonly slowShare: number
  readonly openMs: number
  readonly openMaxMs: number
  readonly halfOpenRequests: number
  readonly rampMs: number
}

/** When a second attempt joins a slow one. */
export interface HedgingSettings {
  readonly delayMinMs: number
  /** Answers seen before a percentile of their latency means anything. */
  readonly requestsMin: number
  /** Second attempts per request that are allowed over time, 0 to 1. */
  readonly budgetShare: number
}

export interface AdaptiveConcurrencySettings {
  readonly concurrencyMin: number
  /** Latency over usual latency from which on the limit goes down, from 1. */
  readonly latencyTolerance: number
}

export interface SingleFlightSettings {
  readonly replayBytesMax: number
}

export interface StreamRecoverySettings {
  readonly enabled: boolean
  /** The provider continues a last message of the assistant. */
  readonly prefill: boolean
  readonly textBytesMax: number
}

export interface ProxySettings {
  /** Protocol (http, https or socks5), host and port. */
  readonly url: string
  readonly username: string
  readonly password: string
  /** Of an https proxy's own certificate; empty means the system's authorities. */
  readonly caCertPem: string
}

/** How the gateway fetches media that a chat names by their address and the provider takes only as bytes. */
export interface MediaFetchSettings {
  /** Why nothing is fetched for this provider; null when it is. */
  readonly refusedReason: string | null
  /** `host` or `host:port` as the URL standard writes them; for them the rules about addresses and ports do not hold. */
  readonly allowedHosts: readonly string[]
  readonly fileBytesMax: number
  /** For all files of one request. */
  readonly timeoutMs: number
}

export interface TlsSettings {
  readonly insecureSkipVerify: boolean
  readonly caCertPem: string
}

export interface MockSettings {
  /** Answer text; empty means an echo of what was asked. */
  readonly text: string
  readonly latencyMs: number
  readonly jitterMs: number
  /** Pace of streamed tokens; 0 means as fast as possible. */
  readonly tokensPerSecond: number
  /** Tokens per answer. */
  readonly tokens: number
  /** 0 to 1: share of requests that fail with `failureStatus`. */
  readonly failureProbability: number
  readonly failureStatus: number
  readonly embeddingDimensions: number
  /** Lets the model names `exit-thread`, `throw-thread`, `spin-thread` and `exhaust-heap` do that to the worker thread, for fault drills. */
  readonly threadFaults: boolean
}
