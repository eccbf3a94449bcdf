import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Registry as PromRegistry } from 'prom-client'
import { AttemptIndex } from './attempt-index.ts'
import type { UpstreamLabels } from './attempt-index.ts'
import { EventLoopDelayMonitor } from './event-loop-delay.ts'
import { EventCounters } from './event-counters.ts'
import { bucketBounds, Histogram } from './histogram.ts'
import { HttpSeries } from './http-series.ts'
import { checkCustomLabels, cleanLabel, otherLabel } from './labels.ts'
import type { Labels } from './labels.ts'
import { httpLabels, metricList, upstreamLabels } from './list.ts'
import type { MetricRow } from './list.ts'
import type { PoolReading, ProviderReading } from './provider-reading.ts'
import { collectDefaultMetrics, Registry } from './prom-client.ts'
import { expose, Readings } from './readings.ts'
import { SeriesMetric } from './series-metric.ts'
import type { Sample } from './series-metric.ts'
import { keySeparator, SeriesTable } from './series-table.ts'
import { UpstreamSeries } from './upstream-series.ts'

export interface MetricsOptions {
  /** Extra labels of the HTTP and upstream metrics: `client.prometheus_labels`. */
  customLabels: readonly string[]
  /** Series per family; 2,000 when not given. */
  seriesMax?: number
  /** For `bifrost_build_info`. */
  version?: string
  /** Told when a registered reader throws at a scrape. */
  onReadError?: (error: unknown) => void
}

/** What happens seldom enough for prom-client's own counters. */
const rareEvents = ['retries', 'keyRotations', 'fallbacks', 'hedges', 'breakerTransitions', 'singleFlightJoins', 'unpriced', 'configReloads'] as const
export type RareEvent = (typeof rareEvents)[number]

const seriesMaxDefault = 2000
/** Distinct request types; their names come from the code, so this is a guard and no more. */
const methodsMax = 100

/** Where the values of an upstream key go in `upstreamLabels`. */
const upstreamKeyLabels = ['provider', 'model', 'alias', 'method', 'selected_key_id', 'selected_key_name', 'fallback_index'] as const

/**
 * Every metric of the process. The request path finds a series object and adds numbers to it; the
 * prom-client registry reads them when somebody scrapes. prom-client's own `inc` with these labels
 * costs more than the rest of booking a request together (`bench/micro/metrics.ts`).
 */
export class Metrics {
  readonly contentType: string
  readonly #registry = new Registry()
  readonly #eventLoopDelay = new EventLoopDelayMonitor()
  readonly #readings: Readings
  readonly #customLabels: readonly string[]
  readonly #upstream: SeriesTable<UpstreamSeries>
  readonly #attempts: AttemptIndex
  readonly #events: EventCounters
  readonly #requestRetries = new Histogram(bucketBounds.retries)
  /** The series that was asked for last, without custom labels. */
  #lastHttp: { path: string, method: string, status: number, series: HttpSeries } | null = null
  readonly #http: SeriesTable<HttpSeries>
  /** The metrics that are printed page by page. */
  readonly #seriesMetrics = new Map<string, { pages: (registry: PromRegistry) => AsyncIterable<string> }>()
  readonly #active = new Map<string, { count: number }>()
  readonly #queueWaits = new Map<string, Histogram>()
  #hasProcessMetrics = false
  /** The scrape in progress; others that come meanwhile get the same text. */
  #scrape: Promise<string> | null = null

  constructor (options: MetricsOptions) {
    checkCustomLabels(options.customLabels)
    const seriesMax = options.seriesMax ?? seriesMaxDefault
    const custom = this.#customLabels = options.customLabels
    const errorBudget = { pairsLeft: seriesMax }
    // Clients choose the model, its alias and the custom values, and the HTTP method of a bad request;
    // the rest comes from the config and from us.
    this.#upstream = new SeriesTable(seriesMax, (index) => index === 1 || index === 2 || index >= upstreamKeyLabels.length,
      (values) => new UpstreamSeries(labelsOf(upstreamLabels, upstreamKeyLabels, custom, values), errorBudget))
    this.#attempts = new AttemptIndex(seriesMax)
    this.#http = new SeriesTable(seriesMax, (index) => index !== 2,
      (values) => new HttpSeries(labelsOf(httpLabels, httpLabels, custom, values)))
    this.contentType = this.#registry.contentType
    this.#events = new EventCounters(this.#registry, rareEvents.map((event) => metricList[event]))
    this.#exposeSeries()
    this.#readings = new Readings(this.#registry, this.#eventLoopDelay, options.onReadError ?? (() => {}))
    expose(this.#registry, metricList.buildInfo, (put) => put({ version: options.version ?? 'unknown', node: process.version }, 1))
  }

  /** The metrics of the process, too. Takes tens of milliseconds: a start does without, the first scrape does not. */
  loadProcessMetrics (): void {
    if (this.#hasProcessMetrics) return
    this.#hasProcessMetrics = true
    collectDefaultMetrics(this.#registry)
  }

  /** Beyond `seriesMax` series `model`, `alias` and custom values become `other`, at the very end all do. */
  upstream (labels: UpstreamLabels): UpstreamSeries {
    return this.#attempts.find(labels) ?? this.#findUpstream(labels)
  }

  /** `path` is the route's template, never the client's own path. */
  http (path: string, method: string, status: number, custom?: readonly string[]): HttpSeries {
    // One request after the other is usually of the same kind.
    const last = this.#lastHttp
    if (custom === undefined && last !== null && last.path === path && last.method === method && last.status === status) return last.series
    const key = `${cleanLabel(path)}\n${cleanLabel(method)}\n${status}${this.#customKey(custom)}`
    const series = this.#http.find(key) ?? this.#http.add(key.split(keySeparator))
    if (custom === undefined) this.#lastHttp = { path, method, status, series }
    return series
  }

  /** @param event a row that counts what happens seldom; `values` in the order of its labels */
  count (event: RareEvent, values: readonly string[]): void {
    this.#events.count(metricList[event], values)
  }

  /** @param count attempts of one request after its first */
  retries (count: number): void {
    this.#requestRetries.observe(count)
  }

  activeStart (method: string): void {
    this.#activeOf(method).count++
  }

  activeEnd (method: string): void {
    this.#activeOf(method).count--
  }

  /** Series of a provider that are written to rather than read. */
  provider (name: string): { readonly queueWait: Histogram } {
    const label = cleanLabel(name)
    let queueWait = this.#queueWaits.get(label)
    if (queueWait === undefined) this.#queueWaits.set(label, queueWait = new Histogram(bucketBounds.queueWaitSeconds))
    return { queueWait }
  }

  /** Reads the provider's state at every scrape; a second call for the same name replaces the first. */
  registerProvider (name: string, read: () => ProviderReading): void {
    this.#readings.setProvider(name, read)
  }

  /** Forgets the provider, its queue wait histogram included. */
  unregisterProvider (name: string): void {
    this.#readings.deleteProvider(name)
    this.#queueWaits.delete(cleanLabel(name))
  }

  registerPool (name: string, read: () => PoolReading): void {
    this.#readings.setPool(name, read)
  }

  unregisterPool (name: string): void {
    this.#readings.deletePool(name)
  }

  registerConnections (connections: { readonly open: number, readonly refused: number }): void {
    expose(this.#registry, metricList.clientConnections, (put) => { put({}, connections.open) })
    expose(this.#registry, metricList.clientConnectionsRefused, (put) => { put({}, connections.refused) })
  }

  /** The exposition in Prometheus text format. */
  text (): Promise<string> {
    this.#scrape ??= this.#read().finally(() => { this.#scrape = null })
    return this.#scrape
  }

  close (): void {
    this.#eventLoopDelay.close()
    this.#registry.clear()
  }

  async #read (): Promise<string> {
    this.loadProcessMetrics()
    this.#readings.refresh()
    const parts: string[] = []
    for (const metric of this.#registry.getMetricsAsArray()) {
      const pages = this.#seriesMetrics.get(metric.name)?.pages(this.#registry) ?? [this.#registry.getSingleMetricAsString(metric.name)]
      for await (const page of pages) {
        if (page !== '') parts.push(page)
        // Thousands of series take hundreds of milliseconds to print; requests go on between two pages.
        await nextTurn()
      }
    }
    return `${parts.join('\n')}\n`
  }

  #findUpstream (labels: UpstreamLabels): UpstreamSeries {
    const { provider, model, alias, method, selectedKeyId, selectedKeyName, fallbackIndex } = labels
    const names = [provider, model, alias, method, selectedKeyId, selectedKeyName].map(cleanLabel).join(keySeparator)
    const key = `${names}\n${fallbackIndex}${this.#customKey(labels.custom)}`
    const series = this.#upstream.find(key) ?? this.#upstream.add(key.split(keySeparator))
    this.#attempts.add(labels, series)
    return series
  }

  #customKey (custom: readonly string[] = []): string {
    let key = ''
    for (let index = 0; index < this.#customLabels.length; index++) key += keySeparator + cleanLabel(custom[index] ?? '')
    return key
  }

  #activeOf (method: string): { count: number } {
    let active = this.#active.get(method)
    if (active === undefined) {
      if (this.#active.size >= methodsMax && method !== otherLabel) return this.#activeOf(otherLabel)
      this.#active.set(method, active = { count: 0 })
    }
    return active
  }

  #exposeSeries (): void {
    for (const [id, collect] of Object.entries(HttpSeries.collectors)) {
      this.#exposeTable(metricList[id as keyof typeof HttpSeries.collectors], this.#http, collect)
    }
    for (const [id, collect] of Object.entries(UpstreamSeries.collectors)) {
      this.#exposeTable(metricList[id as keyof typeof UpstreamSeries.collectors], this.#upstream, collect)
    }
    expose(this.#registry, metricList.activeRequests, (put) => {
      for (const [method, { count }] of this.#active) put({ method: cleanLabel(method) }, count)
    })
    new SeriesMetric(metricList.requestRetries, () => [this.#requestRetries], (histogram, into) => {
      histogram.collect(metricList.requestRetries.name, {}, into)
    }).register(this.#registry)
    new SeriesMetric(metricList.queueWait, () => this.#queueWaits, ([provider, queueWait], into) => {
      queueWait.collect(metricList.queueWait.name, { provider }, into)
    }).register(this.#registry)
  }

  #exposeTable<Series> (row: MetricRow, table: SeriesTable<Series>, collect: (series: Series, into: Sample[]) => void): void {
    const metric = new SeriesMetric(row, () => table.values(), collect)
    metric.register(this.#registry)
    this.#seriesMetrics.set(row.name, metric)
  }
}

/** `values` belong to `keyLabels`, then to the custom labels; labels without a value are empty. */
function labelsOf (all: readonly string[], keyLabels: readonly string[], custom: readonly string[], values: readonly string[]): Labels {
  const given = new Map([...keyLabels, ...custom].map((name, index) => [name, values[index] ?? '']))
  return Object.fromEntries([...all, ...custom].map((name) => [name, given.get(name) ?? '']))
}
