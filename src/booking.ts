import { headerOf } from './api/client.ts'
import type { AnswerIdentity } from './api/client.ts'
import { noUsage } from './api/usage.ts'
import { errorTable } from './errors.ts'
import { logRequest, toRequestKindText } from './log.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { AttemptEnd, UpstreamSeries } from './metrics/upstream-series.ts'
import type { RequestRecord } from './request-record.ts'
import type { TrailEntry } from './router/trail.ts'
import type { Target } from './router/target.ts'
import type { Exchange } from './transport/exchange.ts'

/** Paths beside the routes of clients that appear in metrics as they are; everything else that is asked for is one series. */
const knownPath = /^\/((openai\/|anthropic\/|api\/)?v1\/models|(genai\/)?v1beta\/models|openai\/models|api\/(tags|version)|health(\/live|\/ready)?|metrics|api\/health\/providers)$/

/** What all requests of one target and type share; it goes when their identity goes. */
interface Kind {
  logText: string
  series: UpstreamSeries
}

/** Books every exchange once, whatever its ending: HTTP metrics, the attempt's metrics and one log line. */
export class Booking {
  private readonly metrics: Metrics
  private readonly logger: Logger
  private readonly nowMs: () => number
  private readonly customLabels: readonly string[]
  private readonly kinds = new WeakMap<AnswerIdentity, Kind>()
  /** Exchanges that are over, but whose streams' usage is still to come: as many as jobs that are being cancelled. */
  private readonly late = new Set<() => void>()

  /** @param customLabels `client.prometheus_labels`; their values come from `x-bf-dim-*` headers */
  constructor (metrics: Metrics, logger: Logger, nowMs: () => number, customLabels: readonly string[]) {
    this.customLabels = customLabels
    this.metrics = metrics
    this.logger = logger
    this.nowMs = nowMs
  }

  started (run: RequestRecord): void {
    this.metrics.activeStart(run.requestType)
  }

  /** Another chunk of a stream has been written, this long after the one before. */
  streamGap (exchange: Exchange, run: RequestRecord, gapMs: number): void {
    if (run.identity !== null && !run.isShared) this.kindOf(exchange, run, run.identity)?.series.interToken(gapMs / 1000)
  }

  /** @param run null for exchanges that never became a request: pages, refusals, bad bodies */
  finished (exchange: Exchange, run: RequestRecord | null): void {
    const durationMs = this.nowMs() - exchange.receivedAtMs
    // The client left before it saw a status: 499, as in the log.
    const status = exchange.status === 0 ? errorTable.BIFROST_CLIENT_CLOSED.status : exchange.status
    const known = exchange.template !== '' || knownPath.test(exchange.path)
    const custom = this.customValues(run)
    this.metrics.http(exchange.template !== '' ? exchange.template : known ? exchange.path : 'unknown', exchange.method, status, custom).observe({
      durationSeconds: durationMs / 1000, requestBytes: exchange.requestBytes, responseBytes: exchange.responseBytes
    })
    if (run !== null) this.metrics.activeEnd(run.requestType)
    // The client was told nothing but the request id; here is what happened.
    if (exchange.failure?.code === 'BIFROST_INTERNAL') this.logger.error({ err: exchange.failure.cause ?? exchange.failure, requestId: exchange.requestId }, 'internal error')
    // Probes and scrapes would be most of the log.
    if (run === null && exchange.template === '' && known && !exchange.path.startsWith('/v1/')) return
    if (run?.awaitsUsage !== true) return this.book(exchange, run, custom, status, durationMs)
    const book = run.onUsage = (): void => {
      this.late.delete(book)
      this.book(exchange, run, custom, status, durationMs)
    }
    this.late.add(book)
  }

  /** Books what still waits for its usage without it. */
  close (): void {
    for (const book of this.late) book()
  }

  private book (exchange: Exchange, run: RequestRecord | null, custom: readonly string[] | undefined, status: number, durationMs: number): void {
    const kind = run === null || run.identity === null ? null : this.kindOf(exchange, run, run.identity)
    if (run !== null && !run.isShared) this.bookAttempts(run, kind, custom, status, durationMs)
    const trailText = run === null ? '' : run.trailText
    const hedgesText = run === null || run.hedges === null ? '' : `,"hedges":${JSON.stringify(run.hedges.map(({ result }) => result))}`
    logRequest(this.logger, {
      requestId: exchange.requestId,
      kindText: kind?.logText ?? toRequestKindText({
        method: exchange.method, path: exchange.path, requestType: run?.requestType ?? '', provider: '', model: run?.request.parsed.model ?? '', resolvedModel: '', keyName: '', stream: run?.request.parsed.stream ?? false
      }),
      status,
      // An answer that was complete may still not have reached its client.
      outcome: run === null || run.outcome === 'ok' ? exchange.failure?.code ?? 'ok' : run.outcome,
      durationMs,
      upstreamMs: run === null ? 0 : run.upstreamMicroseconds / 1000,
      queueMs: run === null ? 0 : run.queueMs,
      inputTokens: run === null ? 0 : run.usage.inputTokens,
      outputTokens: run === null ? 0 : run.usage.outputTokens,
      estimatedTokens: run === null ? 0 : run.usage.estimatedTokens,
      costUsd: run === null ? null : run.costUsd,
      requestBytes: exchange.requestBytes,
      responseBytes: exchange.responseBytes,
      trailText: run?.isShared === true ? ',"shared":true' : run === null || trailText === '' ? hedgesText : `${hedgesText},"attempts":${run.attempts},"trail":${trailText}`
    })
  }

  /** Every attempt counts for the target that it was made on; the last one is the request's own ending. */
  private bookAttempts (run: RequestRecord, kind: Kind | null, custom: readonly string[] | undefined, status: number, durationMs: number): void {
    const trail = run.plan?.trail ?? null
    let failed = 0
    for (const [index, entry] of trail?.entries() ?? []) {
      // A fallback that was passed over is on the way of a move that is counted already.
      if (isStation(entry) && (entry.target !== null || index === 0)) this.countMove(entry, trail?.slice(index + 1).find((later) => later.target !== null && isStation(later)) ?? run)
      if (entry.target === null || entry.error === null) continue
      failed++
      this.seriesOf(entry.target, run.requestType, custom).attemptEnded({ ...failedAttempt, statusCode: entry.error.status, errorType: entry.error.type, latencySeconds: entry.upstreamMs / 1_000, ...usedBy(entry) })
    }
    for (const { provider, hedgeProvider, result } of run.hedges ?? []) this.metrics.count('hedges', [provider, hedgeProvider, result])
    if (run.attempts > 0) this.metrics.retries(run.attempts - 1)
    // What was cut short, by the client or its deadline, is in no trail; nor is the attempt that succeeded.
    if (kind === null || run.target === null || (trail !== null && failed === run.attempts)) return
    if (run.outcome === 'ok' && run.costUsd === null && run.target.model !== '') this.metrics.count('unpriced', [run.target.provider.name])
    bookEnding(custom === undefined ? kind.series : this.seriesOf(run.target, run.requestType, custom), run, status, durationMs)
  }

  /** What a failure led to: the same key again, another key, another target. */
  private countMove ({ target, outcome, fallbackIndex, error }: TrailEntry, next: { target: Target | null }): void {
    if (next.target === null || next.target === target) return
    const provider = target?.provider.name ?? error?.provider ?? ''
    if ((next.target.fallback?.index ?? 0) !== fallbackIndex) this.metrics.count('fallbacks', [provider, next.target.provider.name, outcome])
    // A target that was passed over first and tried in the end was not tried again.
    else if (target !== null && next.target.key.id === target.key.id) this.metrics.count('retries', [provider, outcome])
    else if (target !== null) this.metrics.count('keyRotations', [provider, target.requestedModel, target.key.id, target.key.name, outcome])
  }

  private kindOf (exchange: Exchange, run: RequestRecord, identity: AnswerIdentity): Kind | null {
    let kind = this.kinds.get(identity)
    const { target, requestType } = run
    if (kind !== undefined || target === null) return kind ?? null
    const { provider, key, model, requestedModel } = target
    kind = {
      logText: toRequestKindText({
        method: exchange.method, path: exchange.path, requestType, provider: provider.name, model: requestedModel, resolvedModel: model, keyName: key.name, stream: run.request.parsed.stream
      }),
      series: this.seriesOf(target, requestType, this.customLabels.length === 0 ? undefined : this.customLabels.map(() => ''))
    }
    this.kinds.set(identity, kind)
    return kind
  }

  private seriesOf ({ provider, key, model, requestedModel, fallback }: Target, method: string, custom: readonly string[] | undefined): UpstreamSeries {
    return this.metrics.upstream({
      provider: provider.name, model, alias: model === requestedModel ? '' : requestedModel, method, selectedKeyId: key.id, selectedKeyName: key.name, fallbackIndex: fallback?.index ?? 0, custom
    })
  }

  /** Undefined, the usual case, when no custom labels are configured. `x-bf-prom-*` is the older spelling. */
  private customValues (run: RequestRecord | null): string[] | undefined {
    if (this.customLabels.length === 0) return undefined
    return this.customLabels.map((label) => run === null ? '' : headerOf(run.request.headers, `x-bf-dim-${label.toLowerCase()}`) ?? headerOf(run.request.headers, `x-bf-prom-${label.toLowerCase()}`) ?? '')
  }
}

/** The request was there and moved on; hedges run beside it and are counted apart. */
function isStation ({ error, isHedge }: TrailEntry): boolean {
  return error !== null && isHedge !== true
}

function bookEnding (series: UpstreamSeries, run: RequestRecord, status: number, durationMs: number): void {
  const error = run.outcome === 'ok' ? null : errorTable[run.outcome]
  series.attemptEnded({
    success: error === null,
    statusCode: error === null ? status : Math.max(status, error.status),
    errorType: error === null ? '' : error.type,
    latencySeconds: run.upstreamMicroseconds / 1e6,
    overheadMicroseconds: Math.max(0, durationMs * 1000 - run.upstreamMicroseconds),
    inputTokens: run.usage.inputTokens,
    outputTokens: run.usage.outputTokens,
    estimatedTokens: run.usage.estimatedTokens,
    costUsd: run.costUsd ?? 0,
    firstTokenSeconds: run.firstByteMs < 0 ? -1 : run.firstByteMs / 1000
  })
}

/** An attempt that another one followed: its share of the gateway's own time is counted with the last one. */
const failedAttempt = { success: false, overheadMicroseconds: -1, firstTokenSeconds: -1 }

/** A stream that broke was paid for up to there. */
function usedBy ({ usage = noUsage, costUsd }: TrailEntry): Pick<AttemptEnd, 'inputTokens' | 'outputTokens' | 'estimatedTokens' | 'costUsd'> {
  const { inputTokens, outputTokens, estimatedTokens } = usage
  return { inputTokens, outputTokens, estimatedTokens, costUsd: costUsd ?? 0 }
}
