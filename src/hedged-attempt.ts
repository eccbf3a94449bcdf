import type { AnswerIdentity, GatewayRequest } from './api/client.ts'
import type { Reply } from './api/reply.ts'
import type { HedgingSettings } from './api/settings.ts'
import { noUsage } from './api/usage.ts'
import type { LateUsage, Usage } from './api/usage.ts'
import type { GatewayError } from './errors.ts'
import type { JobPool, JobTerms } from './pool/job.ts'
import type { Identities } from './router/identity.ts'
import type { Outcome } from './router/outcomes.ts'
import type { Attempt, RoutePlan } from './router/plan.ts'
import type { Target } from './router/target.ts'
import type { HedgeRecord, RequestRecord } from './request-record.ts'
import { TargetAttempt } from './target-attempt.ts'
import type { AttemptContext, AttemptOwner, RequestAttempt } from './target-attempt.ts'

export interface HedgeContext extends AttemptContext {
  identities: Identities
  /** Calls back once, later; the returned function calls it off. */
  setTimer: (run: () => void, waitMs: number) => () => void
}

interface OriginalFailure {
  error: GatewayError
  headers: string
  usage: Usage
  outcome: Outcome
}

/**
 * An attempt on a provider with hedging: the original and, when it is slower than nearly all before it, a second one beside it, the hedge.
 *
 *   alone     the original is queued or runs; a timer runs from its dispatch on
 *   paired    both are under way; the one that fails leaves the other alone, now without a timer
 *   answered  the first reply or head decides, the other is cancelled in the same turn; what follows is passed on
 *   ended     answered in full, failed with nobody left, or cancelled
 *
 * Its owner hears of one attempt. When both failed it hears of the original's failure, with both in the trail.
 */
export class HedgedAttempt implements RequestAttempt, AttemptOwner {
  private readonly owner: AttemptOwner
  private readonly original: TargetAttempt
  private readonly pools: ReadonlyMap<string, JobPool>
  private readonly record: RequestRecord
  private readonly context: HedgeContext
  /** Under way and without an answer yet. */
  private hedge: TargetAttempt | null = null
  /** Who began to answer. */
  private winner: TargetAttempt | null = null
  /** While the hedge goes on. */
  private originalFailure: OriginalFailure | null = null
  private stopTimer: (() => void) | null = null
  private terms: JobTerms | null = null

  /** @param record of the request; its plan names the second target */
  constructor (owner: AttemptOwner, step: Attempt, pools: ReadonlyMap<string, JobPool>, record: RequestRecord, context: HedgeContext) {
    this.owner = owner
    this.pools = pools
    this.record = record
    this.context = context
    this.original = new TargetAttempt(this, step, pools.get(step.target.provider.name) as JobPool, context)
    // Time in the queue says nothing about the provider, and a second place in the same queue would help nobody.
    this.original.onStarted = () => { this.startTimer() }
  }

  get target (): Target { return (this.winner ?? this.original).target }
  get costUsd (): number | null { return (this.winner ?? this.original).costUsd }
  get answered (): boolean { return this.winner !== null && this.winner.answered }
  /** A hedge's time in the queue is time of the original upstream. */
  get queueMs (): number { return this.original.queueMs }

  submit (request: GatewayRequest, identity: AnswerIdentity, terms: JobTerms): GatewayError | null {
    this.terms = terms
    return this.original.submit(request, identity, terms)
  }

  credit (bytes: number): void {
    this.winner?.credit(bytes)
  }

  cancel (late?: LateUsage): void {
    this.endTimer()
    if (this.hedge !== null) {
      const { hedge } = this
      this.endHedge('lost')
      hedge.cancel()
    }
    this.winner?.cancel(late)
    this.original.cancel()
  }

  /** Its failures are told by `onFailed`, since one of two may go on. */
  expire (nowMs: number, stream: boolean): null {
    const { winner, hedge } = this
    if (winner !== null) this.expireOne(winner, nowMs, stream)
    else {
      if (this.originalFailure === null) this.expireOne(this.original, nowMs, stream)
      if (hedge !== null) this.expireOne(hedge, nowMs, stream)
    }
    return null
  }

  conclude (plan: RoutePlan, error: GatewayError): Outcome {
    return this.winner === null && this.originalFailure !== null ? this.originalFailure.outcome : (this.winner ?? this.original).conclude(plan, error)
  }

  onReply (attempt: RequestAttempt, reply: Reply): void {
    this.decideFor(attempt)
    reply.upstreamMicroseconds = this.spanMicroseconds(reply.upstreamMicroseconds)
    this.owner.onReply(this, reply)
  }

  onHead (attempt: RequestAttempt, status: number, headers: string, upstreamMicroseconds: number): void {
    this.decideFor(attempt)
    this.owner.onHead(this, status, headers, this.spanMicroseconds(upstreamMicroseconds))
  }

  onChunk (_attempt: RequestAttempt, bytes: Uint8Array): void {
    this.owner.onChunk(this, bytes)
  }

  onEnd (attempt: RequestAttempt, usage: Usage, upstreamMicroseconds: number): void {
    this.decideFor(attempt)
    this.owner.onEnd(this, usage, this.spanMicroseconds(upstreamMicroseconds))
  }

  onFailed (attempt: RequestAttempt, error: GatewayError, headers: string, usage: Usage, upstreamMicroseconds: number): void {
    if (this.winner === null && attempt === this.hedge) return this.onHedgeFailed(this.hedge, error, headers)
    if (this.winner !== null || this.hedge === null) {
      this.endTimer()
      return this.owner.onFailed(this, error, headers, usage, this.spanMicroseconds(upstreamMicroseconds))
    }
    this.record.attempts++
    this.originalFailure = { error, headers, usage, outcome: this.setAside(this.original, error, headers, false) }
    this.turnTo(this.hedge.target)
  }

  private onHedgeFailed (hedge: TargetAttempt, error: GatewayError, headers: string): void {
    this.endHedge('failed')
    this.setAside(hedge, error, headers, true)
    if (this.originalFailure === null) {
      this.record.attempts++
      return
    }
    const { originalFailure: failure } = this
    this.owner.onFailed(this, failure.error, failure.headers, failure.usage, this.spanMicroseconds(0))
  }

  private setAside (attempt: TargetAttempt, error: GatewayError, headers: string, isHedge: boolean): Outcome {
    const plan = this.record.plan as RoutePlan
    const outcome = attempt.conclude(plan, error)
    plan.setAside(attempt.target, { error, target: attempt.target, headers }, outcome, isHedge)
    return outcome
  }

  private startTimer (): void {
    const { provider } = this.original.target
    const { delayMinMs, requestsMin } = provider.hedging as HedgingSettings
    const slowMs = this.context.health.of(provider.name).slowLatencyMs(requestsMin)
    if (slowMs !== null) this.stopTimer = this.context.setTimer(() => { this.startHedge() }, Math.max(delayMinMs, slowMs))
  }

  private endTimer (): void {
    this.stopTimer?.()
    this.stopTimer = null
  }

  /** The original is late. Nothing happens when the budget is used up, when nobody else may be asked, or when the pool refuses. */
  private startHedge (): void {
    this.stopTimer = null
    const { record, context, original: { target: { provider } } } = this
    const { hedgeBudget } = context.health.of(provider.name)
    // A stream that another target goes on with has begun already.
    if (!hedgeBudget.allowsOne || record.firstByteMs >= 0) return
    const step = (record.plan as RoutePlan).hedge(this.original.target)
    if (step === null) return
    const hedge = new TargetAttempt(this, step, this.pools.get(step.target.provider.name) as JobPool, context)
    // Before `submit`, which may already tell of its end.
    this.hedge = hedge
    if (!this.trySubmit(hedge)) this.hedge = null
    else hedgeBudget.take()
  }

  private trySubmit (hedge: TargetAttempt): boolean {
    try {
      return hedge.submit(this.record.request, this.identityOf(hedge.target), this.terms as JobTerms) === null
    } catch {
      // The request has its original: whatever keeps a hedge from starting is no harm to it.
      return false
    }
  }

  /** Called for every first event, and only then of use. */
  private decideFor (attempt: RequestAttempt): void {
    if (this.winner !== null) return
    this.endTimer()
    const { hedge, original } = this
    this.winner = attempt === hedge ? hedge : original
    if (hedge === null) return
    const hedgeWon = this.winner === hedge
    this.endHedge(hedgeWon ? 'won' : 'lost')
    if (hedgeWon) this.turnTo(hedge.target)
    if (this.originalFailure !== null) return
    const loser = hedgeWon ? original : hedge
    // How long it would have taken nobody knows; left out, it would make the provider look faster than it is, and hedges begin ever earlier.
    if (hedgeWon) this.context.health.of(original.target.provider.name).observeLatency(original.upstreamMs)
    if (this.record.asksForTrail) (this.record.plan as RoutePlan).note(loser.toTrailEntry(null, 'outpaced'))
    loser.cancel()
  }

  private endHedge (result: HedgeRecord['result']): void {
    const { hedge, record, original } = this
    this.hedge = null
    ;(record.hedges ??= []).push({ provider: original.target.provider.name, hedgeProvider: (hedge as TargetAttempt).target.provider.name, result })
  }

  private expireOne (attempt: TargetAttempt, nowMs: number, stream: boolean): void {
    const error = attempt.expire(nowMs, stream)
    if (error !== null) this.onFailed(attempt, error, '', noUsage, 0)
  }

  private turnTo (target: Target): void {
    this.record.turnTo(target, this.identityOf(target))
  }

  private identityOf (target: Target): AnswerIdentity {
    return this.context.identities.of(target, this.record.requestType)
  }

  /** The request was upstream since the original left the queue, whoever ends it. */
  private spanMicroseconds (upstreamMicroseconds: number): number {
    const isOwn = this.winner === null ? this.originalFailure === null : this.winner === this.original
    return isOwn ? upstreamMicroseconds : Math.max(upstreamMicroseconds, Math.round(this.original.upstreamMs * 1_000))
  }
}
