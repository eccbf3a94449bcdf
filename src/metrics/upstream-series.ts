import { bucketBounds, Histogram, toAmount } from './histogram.ts'
import { cleanLabel, otherLabel } from './labels.ts'
import type { Labels } from './labels.ts'
import { metricList } from './list.ts'
import type { Sample } from './series-metric.ts'

/** How one attempt on a provider ended. */
export interface AttemptEnd {
  success: boolean
  statusCode: number
  /** Read only when `success` is false. */
  errorType: string
  latencySeconds: number
  /** Below 0 when it is counted elsewhere. */
  overheadMicroseconds: number
  inputTokens: number
  outputTokens: number
  /** Of them. */
  estimatedTokens: number
  /** 0 when it is not known. */
  costUsd: number
  /** Below 0 when there was no stream or no first token. */
  firstTokenSeconds: number
}

interface ErrorCount {
  readonly labels: Labels
  count: number
}

/** Status and error type pairs over all series, shared by them: upstreams choose these values. */
export interface ErrorBudget {
  pairsLeft: number
}

/** The totals of one set of upstream labels. The request path adds numbers here and does nothing else. */
export class UpstreamSeries {
  readonly labels: Labels
  readonly #errorBudget: ErrorBudget
  readonly #errors = new Map<string, ErrorCount>()
  #requests = 0
  #successes = 0
  #inputTokens = 0
  #outputTokens = 0
  #estimatedTokens = 0
  #costUsd = 0
  readonly #overhead = new Histogram(bucketBounds.overheadMicroseconds)
  // Most series never fail or never stream, so these are made on first use.
  #successLatency: Histogram | null = null
  #errorLatency: Histogram | null = null
  #firstToken: Histogram | null = null
  #interToken: Histogram | null = null

  constructor (labels: Labels, errorBudget: ErrorBudget) {
    this.labels = labels
    this.#errorBudget = errorBudget
  }

  attemptEnded (end: AttemptEnd): void {
    this.#requests++
    if (end.success) {
      this.#successes++
      this.#successLatency ??= new Histogram(bucketBounds.latencySeconds)
      this.#successLatency.observe(end.latencySeconds)
    } else {
      this.#countError(end.statusCode, end.errorType)
      this.#errorLatency ??= new Histogram(bucketBounds.latencySeconds)
      this.#errorLatency.observe(end.latencySeconds)
    }
    if (end.overheadMicroseconds >= 0) this.#overhead.observe(end.overheadMicroseconds)
    this.#inputTokens += toAmount(end.inputTokens)
    this.#outputTokens += toAmount(end.outputTokens)
    this.#estimatedTokens += toAmount(end.estimatedTokens)
    this.#costUsd += toAmount(end.costUsd)
    if (end.firstTokenSeconds >= 0) {
      this.#firstToken ??= new Histogram(bucketBounds.latencySeconds)
      this.#firstToken.observe(end.firstTokenSeconds)
    }
  }

  /** Time between two chunks of a stream. */
  interToken (seconds: number): void {
    this.#interToken ??= new Histogram(bucketBounds.interTokenSeconds)
    this.#interToken.observe(seconds)
  }

  #countError (statusCode: number, errorType: string): void {
    const type = cleanLabel(errorType)
    const found = this.#errors.get(`${statusCode} ${type}`)
    if (found !== undefined) {
      found.count++
    } else if (this.#errorBudget.pairsLeft > 0) {
      this.#errorBudget.pairsLeft--
      this.#errors.set(`${statusCode} ${type}`, { labels: { status_code: statusCode, error_type: type }, count: 1 })
    } else {
      const other = this.#errors.get(otherLabel)
      if (other !== undefined) other.count++
      else this.#errors.set(otherLabel, { labels: { status_code: otherLabel, error_type: otherLabel }, count: 1 })
    }
  }

  /** Lines of this series per metric; a histogram that nothing was put into has none. */
  static readonly collectors = {
    upstreamRequests: (series, into) => series.#push(series.#requests, into),
    upstreamSuccesses: (series, into) => series.#push(series.#successes, into),
    upstreamErrors: (series, into) => {
      for (const error of series.#errors.values()) series.#push(error.count, into, error.labels)
    },
    upstreamLatency: (series, into) => {
      const name = metricList.upstreamLatency.name
      series.#successLatency?.collect(name, series.labels, into, { is_success: 'true' })
      series.#errorLatency?.collect(name, series.labels, into, { is_success: 'false' })
    },
    overhead: (series, into) => series.#overhead.collect(metricList.overhead.name, series.labels, into),
    inputTokens: (series, into) => series.#push(series.#inputTokens, into),
    outputTokens: (series, into) => series.#push(series.#outputTokens, into),
    estimatedTokens: (series, into) => { if (series.#estimatedTokens > 0) series.#push(series.#estimatedTokens, into) },
    cost: (series, into) => series.#push(series.#costUsd, into),
    firstToken: (series, into) => series.#firstToken?.collect(metricList.firstToken.name, series.labels, into),
    interToken: (series, into) => series.#interToken?.collect(metricList.interToken.name, series.labels, into)
  } as const satisfies Partial<Record<keyof typeof metricList, (series: UpstreamSeries, into: Sample[]) => void>>

  #push (value: number, into: Sample[], labels: Labels = {}): void {
    into.push({ value, labels, sharedLabels: this.labels })
  }
}
