import type { BreakerSettings, FallbackSettings, ModelReference, ProviderSettings, RetrySettings } from '../api/settings.ts'
import type { CircuitBreaker, NetworkConfig, Provider } from './config-types.ts'
import { durationToMs } from './duration.ts'
import type { ProviderContext } from './provider-context.ts'
import { secondsToMs } from './seconds.ts'

export function resolveRetry (network: NetworkConfig): RetrySettings {
  const backoffInitialMs = durationToMs(network.retry_backoff_initial)
  return {
    maxRetries: network.max_retries,
    backoffInitialMs,
    backoffMaxMs: Math.max(backoffInitialMs, durationToMs(network.retry_backoff_max)),
    budgetShare: network.retry_budget_percent / 100
  }
}

export function resolveBreaker (breaker: CircuitBreaker): BreakerSettings | null {
  if (!breaker.enabled) return null
  const openMs = secondsToMs(breaker.open_in_seconds)
  return {
    windowMs: secondsToMs(breaker.window_in_seconds),
    requestsMin: breaker.minimum_requests,
    failureShare: breaker.failure_rate_percent / 100,
    slowMs: breaker.slow_answer_in_seconds * 1_000,
    slowShare: breaker.slow_rate_percent / 100,
    openMs,
    openMaxMs: Math.max(openMs, secondsToMs(breaker.open_max_in_seconds)),
    halfOpenRequests: breaker.half_open_requests,
    rampMs: breaker.ramp_in_seconds * 1_000
  }
}

const bytesPerKib = 1024
const bytesPerMib = 1024 * 1024

type OptIns = Pick<ProviderSettings, 'hedging' | 'adaptiveConcurrency' | 'singleFlight' | 'streamRecovery'>

/** What is off unless the file switches it on. */
export function resolveOptIns ({ hedging, adaptive_concurrency: adaptive, single_flight: flight, stream_recovery: recovery }: Provider): OptIns {
  return {
    hedging: hedging.enabled ? { delayMinMs: hedging.delay_min_in_seconds * 1_000, requestsMin: hedging.minimum_requests, budgetShare: hedging.budget_percent / 100 } : null,
    adaptiveConcurrency: adaptive.enabled ? { concurrencyMin: adaptive.minimum_concurrency, latencyTolerance: adaptive.latency_tolerance_percent / 100 } : null,
    singleFlight: flight.enabled ? { replayBytesMax: Math.floor(flight.replay_max_size_mb * bytesPerMib) } : null,
    streamRecovery: { enabled: recovery.enabled, prefill: recovery.prefill, textBytesMax: recovery.max_text_size_kb * bytesPerKib }
  }
}

export function resolveFallbacks (config: Provider, context: ProviderContext): FallbackSettings {
  const read = (items: readonly FallbackItem[], field: string): ModelReference[] => items.map((item, index) => toReference(item, `${context.path}.${field}[${index}]`, context))
  return {
    general: read(config.fallbacks, 'fallbacks'),
    byModel: Object.fromEntries(Object.entries(config.model_fallbacks).map(([model, items]) => [model, read(items, `model_fallbacks.${model}`)])),
    contextLength: read(config.context_length_fallbacks, 'context_length_fallbacks'),
    contentPolicy: read(config.content_policy_fallbacks, 'content_policy_fallbacks')
  }
}

type FallbackItem = Provider['fallbacks'][number]

function toReference (item: FallbackItem, path: string, context: ProviderContext): ModelReference {
  const slash = typeof item === 'string' ? item.indexOf('/') : 0
  const reference = typeof item === 'string' ? { provider: item.slice(0, slash), model: item.slice(slash + 1) } : item
  if (!context.providerNames.includes(reference.provider) && !context.problems.has(path)) {
    context.problems.add({ path, value: context.show(path, item), message: `names no configured provider; configured: ${context.providerNames.join(', ')}` })
  }
  return reference
}
