import { bucketBounds, Histogram } from './histogram.ts'
import type { Labels } from './labels.ts'
import { metricList } from './list.ts'
import type { Sample } from './series-metric.ts'

export interface HttpExchange {
  durationSeconds: number
  requestBytes: number
  responseBytes: number
}

/** The totals of one path, method and status. */
export class HttpSeries {
  readonly labels: Labels
  #requests = 0
  readonly #duration = new Histogram(bucketBounds.latencySeconds)
  readonly #requestSize = new Histogram(bucketBounds.sizeBytes)
  readonly #responseSize = new Histogram(bucketBounds.sizeBytes)

  constructor (labels: Labels) {
    this.labels = labels
  }

  observe (exchange: HttpExchange): void {
    this.#requests++
    this.#duration.observe(exchange.durationSeconds)
    this.#requestSize.observe(exchange.requestBytes)
    this.#responseSize.observe(exchange.responseBytes)
  }

  static readonly collectors = {
    httpRequests: (series, into) => { into.push({ value: series.#requests, labels: {}, sharedLabels: series.labels }) },
    httpDuration: (series, into) => series.#duration.collect(metricList.httpDuration.name, series.labels, into),
    httpRequestSize: (series, into) => series.#requestSize.collect(metricList.httpRequestSize.name, series.labels, into),
    httpResponseSize: (series, into) => series.#responseSize.collect(metricList.httpResponseSize.name, series.labels, into)
  } as const satisfies Partial<Record<keyof typeof metricList, (series: HttpSeries, into: Sample[]) => void>>
}
