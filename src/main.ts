import { availableParallelism } from 'node:os'
import './transport/uws-verified.ts'
import { AdminApi } from './admin/admin-api.ts'
import { toProviderHealth } from './admin/provider-health.ts'
import type { Settings } from './api/settings.ts'
import { Booking } from './booking.ts'
import type { LoadedConfig } from './config/load.ts'
import { Gateway } from './gateway.ts'
import type { Logger } from './log.ts'
import { Metrics } from './metrics/metrics.ts'
import { loadDefaultMetrics } from './metrics/prom-client.ts'
import { NextThread } from './pool/next-thread.ts'
import type { ProviderPool } from './pool/provider-pool.ts'
import { startAhead } from './pool/start-ahead.ts'
import { createPool, forgetPool } from './provider-pools.ts'
import { Generations } from './reload/generations.ts'
import { loadPrices, PriceTable } from './prices/price-table.ts'
import { Reloader } from './reload/reloader.ts'
import type { ReloadReport } from './reload/reloader.ts'
import { watchConfigFile } from './reload/watch-file.ts'
import type { RequestHandle } from './request-record.ts'
import { Health } from './router/health.ts'
import { Identities } from './router/identity.ts'
import type { Exchange } from './transport/exchange.ts'
import { ModelCatalog } from './models/model-catalog.ts'
import { connectionsMaxOf, readDescriptorLimit } from './transport/descriptor-limit.ts'
import { findModel, modelListPaths, toModelList } from './transport/models.ts'
import { Transport } from './transport/server.ts'
import type { Page } from './transport/server.ts'

export interface RunningGateway {
  /** The port that is bound. */
  port: number
  /** Open exchanges and jobs in slots; both 0 when nothing is going on. */
  load: () => { exchanges: number, jobs: number }
  /** Reads the config file again and takes over what has changed. */
  reload: (cause: string) => ReloadReport
  /** Fails readiness for `preStopDelayMs`, stops accepting, lets answers end for at most `shutdownTimeoutMs`, then ends the threads. */
  close: () => Promise<void>
}

export interface GatewayOptions {
  loaded: LoadedConfig
  /**
   * Loads the configuration again.
   * @param data in place of the file's content
   * @throws ConfigError
   */
  load: (generation: number, data?: unknown) => LoadedConfig
  /** Null when there is no file. */
  configPath: string | null
  logger: Logger
  version: string
}

const json = 'application/json'
/** How long drained threads get to end. */
const threadsCloseMs = 1_000
/** Series per metric family: models come from clients, and every series costs some 30 KB of exposition. */
const metricSeriesMax = 500

interface Core {
  metrics: Metrics
  generations: Generations<ProviderPool>
  gateway: Gateway
  reloader: Reloader
  health: Health
  nowMs: () => number
  nextThread: NextThread
  /** Starts the threads that the current providers may need at once. */
  startThreads: () => void
}

/** Builds everything, wires it and starts listening: the one place that knows all parts. */
export async function startGateway (options: GatewayOptions): Promise<RunningGateway> {
  const { configPath, logger, version, loaded: { settings } } = options
  const { metrics, generations, gateway, reloader, health, nowMs, nextThread, startThreads } = createCore(options)
  const client = (): Settings['client'] => generations.current.settings.client
  const booking = new Booking(metrics, logger, nowMs, settings.client.prometheusLabels)
  const admin = new AdminApi({
    configPath,
    adminKey: () => generations.current.settings.server.adminKey,
    reloader,
    readHealth: () => generations.current.settings.providers.map((provider) => toProviderHealth(provider, generations.current.pools.get(provider.name) as ProviderPool, health.of(provider.name), nowMs()))
  })
  const catalog = new ModelCatalog(() => generations.current, nowMs)
  const descriptorLimit = readDescriptorLimit()
  let draining = false

  const healthPage = (ok: boolean): Page => ({ status: ok ? 200 : 503, contentType: json, body: JSON.stringify({ status: ok ? 'ok' : 'draining', version }) })
  const transport = new Transport({
    host: settings.server.host,
    port: settings.server.port,
    get requestBodyBytesMax () { return client().requestBodyBytesMax },
    get slowClientTimeoutMs () { return client().slowClientTimeoutMs },
    get connectionsMax () { return connectionsMaxOf(descriptorLimit, generations.current.settings.providers) },
    onConnectionsFull: (connectionsMax) => { logger.warn({ connectionsMax, descriptorLimit }, 'new client connections are refused: the rest of the file descriptors is for providers') },
    nowMs,
    onLonePost: () => { nextThread.wake() },
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
      '/api/version': () => ({ status: 200, contentType: json, body: JSON.stringify({ version }) }),
      ...Object.fromEntries(modelListPaths.map((path) => [path, async (query: string, headers: readonly string[]) => ({ status: 200, contentType: json, body: toModelList(generations.current.settings, await catalog.names(), path, query, headers) })]))
    },
    findModel: (path, headers) => findModel(generations.current.settings, path, headers),
    api: (request) => admin.handle(request),
    onStreamGap: (exchange, gapMs) => { booking.streamGap(exchange, (exchange.watcher as RequestHandle).record, gapMs) },
    onFinished: (exchange: Exchange) => { booking.finished(exchange, (exchange.watcher as RequestHandle | null)?.record ?? null) }
  })
  metrics.registerConnections(transport.connections)
  const port = await transport.listen()
  // Once whoever waits for the port has been told.
  setImmediate(() => {
    startThreads()
    loadRest()
    metrics.loadProcessMetrics()
  })

  const endWatch = configPath === null || !settings.server.watchConfig ? () => {} : watchConfigFile(configPath, () => { reloader.reload('file changed') })

  const shutDown = async (): Promise<void> => {
    draining = true
    endWatch()
    const { preStopDelayMs, shutdownTimeoutMs } = generations.current.settings.server
    if (preStopDelayMs > 0) await new Promise((resolve) => { setTimeout(resolve, preStopDelayMs) })
    await withDeadline(transport.drain(), shutdownTimeoutMs)
    transport.destroy()
    // What is left are jobs whose clients have gone; their threads end by themselves, or are ended.
    await withDeadline(generations.close(), threadsCloseMs)
    await generations.destroy()
    booking.close()
    metrics.close()
  }
  let closing: Promise<void> | null = null
  return {
    port,
    load: () => ({ exchanges: transport.openCount, jobs: generations.all.reduce((sum, pool) => sum + pool.jobSlots.used, 0) }),
    reload: (cause) => reloader.reload(cause),
    close: () => (closing ??= shutDown())
  }
}

/** Loads what a start does not wait for, and requests soon need; a start loads it afterwards unless it is there. */
export function loadRest (): void {
  loadPrices()
  loadDefaultMetrics()
}

/** What decides and what runs, without a socket. */
function createCore ({ loaded, load, logger, version }: GatewayOptions): Core {
  const { settings } = loaded
  const nowMs = (): number => performance.now()
  const metrics = new Metrics({
    customLabels: settings.client.prometheusLabels,
    seriesMax: metricSeriesMax,
    version,
    onReadError: (error) => { logger.error({ err: error }, 'a metric could not be read') }
  })
  const coreCount = availableParallelism()
  const poolContext = { health: new Health(), metrics, logger, nowMs, nextThread: new NextThread(coreCount) }
  const generations = new Generations<ProviderPool>(settings, {
    createPool: (provider, all) => createPool(provider, all, poolContext),
    onPoolGone: (name) => { forgetPool(name, poolContext) },
    onPublished: (generation) => { gateway.generation = generation }
  })
  const startThreads = (): void => { startAhead(generations.all, coreCount) }
  const prices = new PriceTable(nowMs)
  const gateway = new Gateway(generations.current, {
    health: poolContext.health,
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
    costUsd: ({ provider, model }, usage) => prices.costUsd(provider, model, usage),
    onFlightJoined: (provider) => { metrics.count('singleFlightJoins', [provider]) }
  })
  const reloader = new Reloader({
    loaded,
    load,
    whyNot: () => generations.hasRoom ? null : 'requests of too many earlier configurations are in progress; try again when some have ended',
    publish: (next) => {
      if (next.server.logLevel !== generations.current.settings.server.logLevel) logger.level = next.server.logLevel
      generations.publish(next)
      startThreads()
    },
    onReload: (cause, report) => { logReload(cause, report, metrics, logger) }
  })
  return { metrics, generations, gateway, reloader, health: poolContext.health, nowMs, nextThread: poolContext.nextThread, startThreads }
}

/** One line per reload that changed something or failed. Values of secret fields are redacted in the report already. */
function logReload (cause: string, report: ReloadReport, metrics: Metrics, logger: Logger): void {
  metrics.count('configReloads', [!report.ok ? 'refused' : report.changes.length === 0 ? 'unchanged' : 'applied'])
  if (!report.ok) logger.error({ cause, problems: report.problems }, 'config not taken over, nothing has changed')
  else if (report.changes.length > 0) logger.info({ cause, ...report }, 'config taken over')
}

/** Resolves with the promise or at the deadline, whichever comes first. */
async function withDeadline (promise: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => { timer = setTimeout(resolve, deadlineMs) })
  await Promise.race([promise, deadline])
  clearTimeout(timer)
}
