import './transport/uws-verified.ts'
import type { ProviderSettings, Settings } from './api/settings.ts'
import { Booking } from './booking.ts'
import { Gateway } from './gateway.ts'
import type { Logger } from './log.ts'
import { Metrics } from './metrics/metrics.ts'
import { restartReasons, timeoutNames } from './metrics/provider-reading.ts'
import type { ProviderReading } from './metrics/provider-reading.ts'
import { ProviderPool } from './pool/provider-pool.ts'
import type { RequestHandle } from './request-record.ts'
import { Health } from './router/health.ts'
import { Identities } from './router/identity.ts'
import type { Exchange } from './transport/exchange.ts'
import { toModelList } from './transport/models.ts'
import { Transport } from './transport/server.ts'
import type { Page } from './transport/server.ts'

export interface RunningGateway {
  /** The port that is bound. */
  port: number
  /** Open exchanges and jobs in slots; both 0 when nothing is going on. */
  load: () => { exchanges: number, jobs: number }
  /** Stops accepting, lets answers end for at most `shutdownTimeoutMs`, then ends the threads. */
  close: () => Promise<void>
}

const json = 'application/json'
/** How long drained threads get to end. */
const threadsCloseMs = 1_000
/** Series per metric family: models come from clients, and every series costs some 30 KB of exposition. */
const metricSeriesMax = 500

/** Builds everything, wires it and starts listening: the one place that knows all parts. */
export async function startGateway (settings: Settings, logger: Logger, version: string): Promise<RunningGateway> {
  const nowMs = (): number => performance.now()
  const metrics = new Metrics({
    customLabels: settings.client.prometheusLabels,
    seriesMax: metricSeriesMax,
    version,
    onReadError: (error) => { logger.error({ err: error }, 'a metric could not be read') }
  })
  const health = new Health()
  const pools = new Map(settings.providers.map((provider) => [provider.name, createPool(provider, settings, health, metrics, logger, nowMs)]))
  const gateway = new Gateway({ settings, pools }, {
    health,
    identities: new Identities(),
    nowMs,
    nowEpochMs: Date.now,
    random: Math.random,
    setTimer: (run, waitMs) => {
      const timer = setTimeout(run, waitMs)
      return () => { clearTimeout(timer) }
    },
    onBreakerChange: ({ provider, requestedModel }, state) => {
      metrics.count('breakerTransitions', [provider.name, state])
      logger.warn({ provider: provider.name, model: requestedModel, state }, 'circuit breaker changed')
    },
    onFlightJoined: (provider) => { metrics.count('singleFlightJoins', [provider]) }
  })
  const booking = new Booking(metrics, logger, nowMs, settings.client.prometheusLabels)
  let draining = false

  const healthPage = (ok: boolean): Page => ({ status: ok ? 200 : 503, contentType: json, body: JSON.stringify({ status: ok ? 'ok' : 'draining', version }) })
  const transport = new Transport({
    host: settings.server.host,
    port: settings.server.port,
    requestBodyBytesMax: settings.client.requestBodyBytesMax,
    slowClientTimeoutMs: settings.client.slowClientTimeoutMs,
    nowMs,
    handle: (request, client) => {
      const run = gateway.handle(request, client)
      booking.started(run.record)
      return run
    },
    pages: {
      '/health': () => healthPage(!draining),
      '/health/live': () => healthPage(true),
      '/health/ready': () => healthPage(!draining),
      '/metrics': async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.text() }),
      '/v1/models': (query) => ({ status: 200, contentType: json, body: toModelList(settings, new URLSearchParams(query).get('provider')) })
    },
    onStreamGap: (exchange, gapMs) => { booking.streamGap(exchange, (exchange.watcher as RequestHandle).record, gapMs) },
    onFinished: (exchange: Exchange) => { booking.finished(exchange, (exchange.watcher as RequestHandle | null)?.record ?? null) }
  })
  const port = await transport.listen()

  const shutDown = async (): Promise<void> => {
    draining = true
    await withDeadline(transport.drain(), settings.server.shutdownTimeoutMs)
    transport.destroy()
    const all = [...pools.values()]
    // What is left are jobs whose clients have gone; their threads end by themselves, or are ended.
    await withDeadline(Promise.all(all.map((pool) => pool.close())), threadsCloseMs)
    await Promise.all(all.map((pool) => pool.destroy()))
    metrics.close()
  }
  let closing: Promise<void> | null = null
  return {
    port,
    load: () => ({ exchanges: transport.openCount, jobs: [...pools.values()].reduce((sum, pool) => sum + pool.jobSlots.used, 0) }),
    close: () => (closing ??= shutDown())
  }
}

function createPool (provider: ProviderSettings, settings: Settings, health: Health, metrics: Metrics, logger: Logger, nowMs: () => number): ProviderPool {
  const { queueWait } = metrics.provider(provider.name)
  const pool = new ProviderPool({
    settings: provider,
    dropExcess: settings.client.dropExcessRequests,
    initialPoolSize: settings.client.initialPoolSize,
    nowMs,
    onQueueWait: (seconds) => { queueWait.observe(seconds) },
    onThreadEnd: (name, thread, reason, error) => { logger.error({ provider: name, thread, reason, err: error }, 'worker thread ended, starting another') }
  })
  metrics.registerProvider(provider.name, () => readPool(pool, health))
  metrics.registerPool(`jobs_${provider.name}`, () => pool.jobSlots)
  return pool
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
    keys: settings.keys.map((key) => ({ id: key.id, name: key.name, up: key.enabled && (key.value !== '' || settings.keyless) }))
  }
}

/** Resolves with the promise or at the deadline, whichever comes first. */
async function withDeadline (promise: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => { timer = setTimeout(resolve, deadlineMs) })
  await Promise.race([promise, deadline])
  clearTimeout(timer)
}
