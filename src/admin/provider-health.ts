import type { KeySettings, ProviderSettings } from '../api/settings.ts'
import type { ProviderPool } from '../pool/provider-pool.ts'
import type { ProviderHealth } from '../router/health.ts'

/** How a provider does now, for `GET /api/health/providers`. Times are in milliseconds. */
export function toProviderHealth (settings: ProviderSettings, pool: ProviderPool, health: ProviderHealth, nowMs: number): object {
  const latency = health.latency()
  return {
    name: settings.name,
    status: settings.unavailableReason ?? 'ready',
    in_flight: pool.inFlight,
    concurrency: Math.min(settings.concurrency, settings.connectionsPerOrigin),
    queue: { depth: pool.queueDepth, blocked: pool.queueBlocked, buffer_size: settings.bufferSize },
    limits: pool.readLanes().map(({ model, limit, inFlight, waiting }) => ({ model, limit, in_flight: inFlight, waiting })),
    threads: pool.liveThreads().map((thread) => ({ index: thread.index, ready: thread.ready, in_flight: thread.inFlight })),
    first_byte_ms: latency === null ? null : { p50: Math.round(latency.p50), p95: Math.round(latency.p95) },
    breakers: health.openBreakers(),
    keys: settings.keys.map((key) => toKeyHealth(key, health, nowMs))
  }
}

function toKeyHealth ({ id, name, enabled, weight }: KeySettings, { keyRests }: ProviderHealth, nowMs: number): object {
  const untilMs = keyRests.restsUntilMs(id, false, nowMs)
  return { id, name, enabled, weight, rests_ms: untilMs === 0 ? 0 : Math.ceil(untilMs - nowMs) }
}
