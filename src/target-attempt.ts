import { spliceBody } from './api/body-splice.ts'
import { headerOf } from './api/client.ts'
import type { AnswerIdentity, GatewayRequest } from './api/client.ts'
import { directKey } from './api/direct-key.ts'
import { joinTexts } from './api/join-texts.ts'
import type { Operation } from './api/operations.ts'
import type { Reply } from './api/reply.ts'
import { noUsage } from './api/usage.ts'
import type { LateUsage, Usage } from './api/usage.ts'
import { GatewayError } from './errors.ts'
import type { LimitVerdict } from './pool/concurrency-limit.ts'
import { toUsdText } from './prices/price-table.ts'
import type { Job, JobListener, JobPool, JobTerms } from './pool/job.ts'
import type { BreakerState, Permit, Verdict } from './router/breaker.ts'
import { readDirectKey } from './router/direct-key.ts'
import { toForwardedHeaders } from './router/forwarded-headers.ts'
import type { Health } from './router/health.ts'
import { isOverload, outcomeTable, toOutcome } from './router/outcomes.ts'
import type { Outcome } from './router/outcomes.ts'
import type { Attempt, RoutePlan } from './router/plan.ts'
import { toUsedUpMs } from './router/retry-after.ts'
import type { Target } from './router/target.ts'
import type { TrailEntry } from './router/trail.ts'

/** Credit goes back to the worker in steps of this size, in bytes. */
const creditStepBytes = 32 * 1024
/** An attempt that outlives its worker's own deadlines by this much is given up, in milliseconds. */
const deadlineGraceMs = 5_000

/** Their streams end with usage where that is asked for. */
const usageOperations: ReadonlySet<Operation> = new Set(['chat_completion', 'text_completion'])

export interface AttemptContext {
  health: Health
  nowMs: () => number
  /** Wall clock, for dates in headers. */
  nowEpochMs: () => number
  onBreakerChange: (target: Target, state: BreakerState) => void
  /** What an answer cost; null when the price is not known. */
  costUsd: (target: Target, usage: Usage) => number | null
}

/** What the attempt tells the request it belongs to. Exactly one of `onReply`, `onEnd` and `onFailed`, once, as the last call. */
export interface AttemptOwner {
  onReply (attempt: RequestAttempt, reply: Reply): void
  onHead (attempt: RequestAttempt, status: number, headers: string, upstreamMicroseconds: number): void
  onChunk (attempt: RequestAttempt, bytes: Uint8Array): void
  onEnd (attempt: RequestAttempt, usage: Usage, upstreamMicroseconds: number): void
  onFailed (attempt: RequestAttempt, error: GatewayError, headers: string, usage: Usage, upstreamMicroseconds: number): void
}

/** An attempt as its request sees it: one try, or two at once of which the first to answer counts. */
export interface RequestAttempt {
  /** Who answers, or who failed. */
  readonly target: Target
  readonly queueMs: number
  /** Of a complete answer; null when the price is not known. */
  readonly costUsd: number | null
  /** A stream has begun. */
  readonly answered: boolean
  /** @returns why the pool refused it at once, and the attempt has ended; null when it is on its way */
  submit (request: GatewayRequest, identity: AnswerIdentity, terms: JobTerms): GatewayError | null
  credit (bytes: number): void
  /** The request has no more use for it. Of a stream that has begun, `late` is told what it used. */
  cancel (late?: LateUsage): void
  /** Looked at now and then. @returns why it has waited or run for too long, and the attempt is cancelled; null when it has not */
  expire (nowMs: number, stream: boolean): GatewayError | null
  /** After its failure: a line of the trail and the breaker's verdict. @returns what the failure means */
  conclude (plan: RoutePlan, error: GatewayError): Outcome
}

/**
 * One try on one target, on the front's side: from the provider's queue to its ending. It keeps the breaker's permit until then.
 * States: queued -> running -> answered (a stream has begun) -> ended. After its end, late calls mean nothing.
 */
export class TargetAttempt implements RequestAttempt, JobListener {
  readonly target: Target
  queueMs = 0
  costUsd: number | null = null
  answered = false
  /** Of a stream that broke. */
  private usage: Usage = noUsage
  /** Told when it leaves the queue. */
  onStarted: (() => void) | null = null
  private readonly owner: AttemptOwner
  private readonly step: Attempt
  private readonly pool: JobPool
  private readonly context: AttemptContext
  private readonly startedAtMs: number
  private dispatchedAtMs = 0
  private stream = false
  /** Taken by the client, but not yet credited. */
  private takenBytes = 0
  private job: Job | null = null
  private ended = false
  /** The stream was cancelled; its thread is still to say what it used. */
  private late: LateUsage | null = null
  private hasPermit = true

  constructor (owner: AttemptOwner, step: Attempt, pool: JobPool, context: AttemptContext) {
    this.owner = owner
    this.step = step
    this.target = step.target
    this.pool = pool
    this.context = context
    this.startedAtMs = context.nowMs()
  }

  /** @param prefill what a stream that broke has said so far; null for none */
  submit (request: GatewayRequest, identity: AnswerIdentity, terms: JobTerms, prefill: string | null = null): GatewayError | null {
    const { parsed, dialect, operation, jsonArray, body, headers } = request
    const isPassthrough = request.passthroughTo !== null
    this.stream = parsed.stream || parsed.relay
    const { provider, keyIndex, model } = this.target
    try {
      const usageInjected = parsed.stream && !isPassthrough && usageOperations.has(operation) && provider.injectStreamUsage && dialect === 'openai' && !parsed.hasStreamOptions
      const spliced = isPassthrough ? { segments: [body], totalBytes: body.length } : spliceBody(body, parsed, { name: model, json: identity.modelJson }, usageInjected, prefill)
      const job = this.pool.submit(this, provider, {
        keyIndex,
        dialect,
        operation,
        stream: this.stream,
        relay: parsed.relay,
        passthrough: isPassthrough,
        method: request.method,
        usageInjected,
        base64Embeddings: parsed.base64Embeddings,
        sendBackRawRequest: provider.sendBackRawRequest,
        sendBackRawResponse: provider.sendBackRawResponse,
        freshConnection: this.step.freshConnection,
        jsonArray,
        passExtraParams: headerOf(headers, 'x-bf-passthrough-extra-params') === 'true',
        model: isPassthrough ? this.target.requestedModel : model,
        resource: request.resource,
        contentType: parsed.contentType,
        extraFields: parsed.stream && !isPassthrough ? identity.chunkFields : '',
        forwardedHeaders: toForwardedHeaders(headers, dialect),
        directKey: this.isDirect ? readDirectKey(headers) : ''
      }, spliced.segments, spliced.totalBytes, terms)
      if (!this.ended) this.job = job
      return null
    } catch (error) {
      this.end('none')
      if (error instanceof GatewayError) return error
      throw error
    }
  }

  /** With the client's own key: what it may do says nothing about the others. */
  private get isDirect (): boolean { return this.target.key === directKey }

  /** Time on the thread and upstream so far. */
  get upstreamMs (): number {
    return this.dispatchedAtMs === 0 ? 0 : this.context.nowMs() - this.dispatchedAtMs
  }

  onDispatched (queueMs: number): void {
    this.queueMs = queueMs
    this.dispatchedAtMs = this.context.nowMs()
    if (this.onStarted !== null) this.onStarted()
  }

  onReply (reply: Reply): void {
    if (this.ended) return
    this.learnFrom(reply.headers)
    this.price(reply.usage)
    if (this.costUsd !== null) tellCost(reply, this.costUsd)
    this.end('success')
    this.owner.onReply(this, reply)
  }

  onHead (status: number, headers: string, upstreamMicroseconds: number): void {
    if (this.ended) return
    this.answered = true
    this.learnFrom(headers)
    // The first event says that the target works; a probe that streams for minutes must not hold the breaker half open.
    this.finishPermit('success')
    this.owner.onHead(this, status, headers, upstreamMicroseconds)
  }

  onChunk (bytes: Uint8Array): void {
    if (!this.ended) this.owner.onChunk(this, bytes)
  }

  onEnd (usage: Usage, upstreamMicroseconds: number): void {
    if (this.ended) return this.tellLate(usage, upstreamMicroseconds)
    this.price(usage)
    this.end('none')
    this.owner.onEnd(this, usage, upstreamMicroseconds)
  }

  onFailed (error: GatewayError, headers: string, usage: Usage, upstreamMicroseconds: number): void {
    if (this.ended) return this.tellLate(usage, upstreamMicroseconds)
    this.ended = true
    this.job = null
    if (this.answered) {
      this.usage = usage
      this.price(usage)
    }
    if (!this.answered && !this.isDirect && this.target.provider.adaptiveConcurrency !== null && isOverload(error)) this.observe('overloaded')
    this.owner.onFailed(this, error, headers, usage, upstreamMicroseconds)
  }

  conclude (plan: RoutePlan, error: GatewayError): Outcome {
    const outcome = toOutcome(error)
    this.judge(outcomeTable[outcome].isFailure && !plan.isForgiven(error))
    plan.note(this.toTrailEntry(error, outcome))
    return outcome
  }

  private judge (isFailure: boolean): void {
    if (this.answered && isFailure && this.step.breaker !== null) {
      // The permit is gone with the first event; a stream that broke later counts as one more, failed.
      this.finish('normal', 'failure')
    } else this.finishPermit(isFailure ? 'failure' : 'none')
  }

  toTrailEntry (error: GatewayError | null, outcome: Outcome): TrailEntry {
    const { target, queueMs, upstreamMs, usage, costUsd, step: { isHedge } } = this
    return { target, name: target.model, fallbackIndex: target.fallback?.index ?? 0, outcome, error, queueMs, upstreamMs, isHedge, usage, costUsd }
  }

  /** The client has taken this many bytes of a stream. */
  credit (bytes: number): void {
    this.takenBytes += bytes
    if (this.takenBytes < creditStepBytes || this.job === null) return
    this.pool.credit(this.job, this.takenBytes)
    this.takenBytes = 0
  }

  cancel (late: LateUsage | null = null): void {
    if (this.ended) return
    this.finishPermit('none')
    if (this.answered && late !== null) {
      this.late = late
      late.awaitUsage()
    }
    this.drop()
  }

  private tellLate (usage: Usage, upstreamMicroseconds: number): void {
    if (this.late === null) return
    this.price(usage)
    this.late.completeUsage(usage, this.costUsd, upstreamMicroseconds)
    this.late = null
  }

  private drop (): void {
    const { job } = this
    this.ended = true
    this.job = null
    if (this.dispatchedAtMs !== 0 && !this.answered && this.target.provider.adaptiveConcurrency !== null) this.observe('abandoned')
    if (job !== null) this.pool.cancel(job)
  }

  /** What it says is of no use to the request: it is cancelled, and has failed. */
  reject (error: GatewayError): void {
    if (this.ended) return
    const upstreamMicroseconds = Math.round(this.upstreamMs * 1_000)
    this.cancel()
    this.owner.onFailed(this, error, '', noUsage, upstreamMicroseconds)
  }

  expire (nowMs: number, stream: boolean): GatewayError | null {
    const { name, timeouts: { totalMs, streamTotalMs }, mediaFetch } = this.target.provider
    const isQueued = this.dispatchedAtMs === 0
    const limitMs = isQueued ? totalMs : (stream ? streamTotalMs : totalMs) + deadlineGraceMs + (mediaFetch?.timeoutMs ?? 0)
    if (nowMs - (isQueued ? this.startedAtMs : this.dispatchedAtMs) < limitMs) return null
    this.pool.countTimeout('BIFROST_TOTAL_TIMEOUT')
    // In the queue nothing was asked of the provider. A running one keeps its permit for the verdict on its failure.
    if (isQueued) this.finishPermit('none')
    this.drop()
    const message = isQueued ? `The request waited in the queue of ${name} for longer than network_config.default_request_timeout_in_seconds (${totalMs / 1000} s).` : undefined
    return new GatewayError('BIFROST_TOTAL_TIMEOUT', { message, provider: name })
  }

  private price (usage: Usage): void {
    this.costUsd = this.context.costUsd(this.target, usage)
  }

  private end (verdict: Verdict): void {
    this.ended = true
    this.job = null
    this.finishPermit(verdict)
  }

  /** A good answer, by its headers, where the provider's concurrency is adaptive. */
  private learnFrom (headers: string): void {
    const { target: { provider, key }, context } = this
    if (provider.adaptiveConcurrency === null || this.isDirect) return
    this.observe('success')
    const restMs = toUsedUpMs(headers, context.nowEpochMs())
    if (restMs === null) return
    const nowMs = context.nowMs()
    context.health.of(provider.name).keyRests.rest(key.id, nowMs + restMs, false, nowMs)
  }

  private observe (verdict: LimitVerdict): void {
    this.pool.observe(this.target.model, this.stream, this.upstreamMs, verdict)
  }

  private finishPermit (verdict: Verdict): void {
    if (!this.hasPermit) return
    this.hasPermit = false
    if (verdict !== 'success') return this.finish(this.step.permit, verdict)
    const { upstreamMs, target: { provider } } = this
    this.context.health.of(provider.name).observeLatency(upstreamMs)
    const slowMs = provider.breaker === null ? 0 : provider.breaker.slowMs
    this.finish(this.step.permit, slowMs > 0 && upstreamMs > slowMs ? 'slow' : 'success')
  }

  private finish (permit: Permit, verdict: Verdict): void {
    const { breaker, epoch } = this.step
    const settings = this.target.provider.breaker
    if (breaker === null || settings === null) return
    const state = breaker.finish(settings, permit, epoch, verdict, this.context.nowMs())
    if (state !== null) this.context.onBreakerChange(this.target, state)
  }
}

/** A header in every dialect, and a member of `extra_fields` where there are any. */
function tellCost (reply: Reply, costUsd: number): void {
  const text = toUsdText(costUsd)
  reply.headers = joinTexts(reply.headers, '\r\n', `x-bifrost-cost-usd: ${text}`)
  reply.raw = joinTexts(reply.raw, ',', `"cost":${text}`)
}
