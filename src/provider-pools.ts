import type { ProviderSettings, Settings } from './api/settings.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics/metrics.ts'
import { restartReasons, timeoutNames } from './metrics/provider-reading.ts'
import type { ProviderReading } from './metrics/provider-reading.ts'
import type { NextThread } from './pool/next-thread.ts'
import { ProviderPool } from './pool/provider-pool.ts'
import type { Health } from './router/health.ts'

export interface PoolContext {
  health: Health
  metrics: Metrics
  logger: Logger
  nowMs: () => number
  nextThread: NextThread
}

/** A provider's pool, with its metrics. */
export function createPool (provider: ProviderSettings, { client }: Settings, { health, metrics, logger, nowMs, nextThread }: PoolContext): ProviderPool {
  const { name } = provider
  const { queueWait } = metrics.provider(name)
  const pool = new ProviderPool({
    settings: provider,
    dropExcess: client.dropExcessRequests,
    initialPoolSize: client.initialPoolSize,
    nowMs,
    onQueueWait: (seconds) => { queueWait.observe(seconds) },
    onSent: (thread) => { nextThread.had(thread) },
    onThreadEnd: (_, thread, reason, error) => { logger.error({ provider: name, thread, reason, err: error }, 'worker thread ended, starting another') }
  })
  metrics.registerProvider(name, () => readPool(pool, health))
  metrics.registerPool(`jobs_${name}`, () => pool.jobSlots)
  return pool
}

/** A provider that is gone: nothing of it is told any more. */
export function forgetPool (name: string, { health, metrics, logger }: PoolContext): void {
  health.forget(name)
  metrics.unregisterProvider(name)
  metrics.unregisterPool(`jobs_${name}`)
  logger.info({ provider: name }, 'provider drained and removed')
}

function readPool (pool: ProviderPool, health: Health): ProviderReading {
  const { settings } = pool
  const counts = <Name extends string>(names: readonly Name[], map: ReadonlyMap<string, number>): Record<Name, number> =>
    Object.fromEntries(names.map((name) => [name, map.get(name) ?? 0])) as Record<Name, number>
  return {
    queueDepth: pool.queueDepth,
    queueBlocked: pool.queueBlocked,
    inFlight: pool.inFlight,
    dropped: pool.droppedCount,
    sheds: pool.sheds,
    limits: pool.readLanes(),
    threads: pool.liveThreads().map((thread) => {
      const delay = thread.loopDelay()
      return {
        index: thread.index,
        ringUsedBytes: thread.ringUsedBytes,
        ringCapacityBytes: thread.ringCapacityBytes,
        inFlight: thread.inFlight,
        eventLoopDelayP50Seconds: delay.p50,
        eventLoopDelayP99Seconds: delay.p99,
        eventLoopDelayMaxSeconds: delay.max
      }
    }),
    restarts: counts(restartReasons, pool.restarts),
    timeouts: counts(timeoutNames, pool.timeouts),
    breakersOpen: health.of(settings.name).openBreakers().length,
    keys: settings.keys.map((key) => ({ id: key.id, name: key.name, up: key.enabled && (key.value !== '' || settings.keyless || key.cloud !== undefined) }))
  }
}
