import type { AnswerIdentity, Client, ClientWatcher, GatewayRequest } from './api/client.ts'
import type { Priority } from './api/job.ts'
import type { Reply } from './api/reply.ts'
import type { Usage } from './api/usage.ts'
import { GatewayError } from './errors.ts'
import type { ErrorCode } from './errors.ts'
import type { GatewayContext } from './gateway-context.ts'
import { HedgedAttempt } from './hedged-attempt.ts'
import type { JobPool, JobTerms } from './pool/job.ts'
import type { Generation } from './reload/generation.ts'
import { RoutePlan } from './router/plan.ts'
import type { Attempt, Failure, Step } from './router/plan.ts'
import { parseRoutingHeaders } from './router/request-headers.ts'
import { qualifyModel } from './router/resolve-target.ts'
import type { Target } from './router/target.ts'
import { RequestRecord } from './request-record.ts'
import { createRecovery } from './stream-recovery.ts'
import type { RecoverableStream } from './stream-recovery.ts'
import { TargetAttempt } from './target-attempt.ts'
import type { AttemptOwner, RequestAttempt } from './target-attempt.ts'

/**
 * One request from its targets to its single ending. States: trying (an attempt runs) or pausing (before a retry) -> streaming (the
 * client has seen the head) -> settled; from streaming it goes back to trying where a stream that broke may be continued. What it learned is in its record, which is booked when the exchange ends.
 */
export class RequestRun implements AttemptOwner, ClientWatcher, JobTerms {
  readonly record: RequestRecord
  priority: Priority = 'normal'
  deadlineMs = Infinity
  private readonly generation: Generation
  private readonly context: GatewayContext
  private readonly request: GatewayRequest
  private client: Client
  private attempt: RequestAttempt | null = null
  private endPause: (() => void) | null = null
  /** Null unless the stream may be continued when it breaks; then it is the client. */
  private recovery: RecoverableStream | null = null

  constructor (generation: Generation, context: GatewayContext, request: GatewayRequest, client: Client) {
    this.record = new RequestRecord(request)
    this.generation = generation
    this.context = context
    this.request = request
    this.client = client
  }

  start (): void {
    this.generation.enter()
    this.proceed(() => {
      const { parsed, operation, headers, receivedAtMs } = this.request
      const { pin, isDirect, timeoutMs, priority, provider } = parseRoutingHeaders(headers, this.generation.settings.client.allowDirectKeys)
      this.priority = priority
      this.deadlineMs = receivedAtMs + Math.min(timeoutMs, this.generation.settings.client.requestTimeoutMs)
      return (this.record.plan = new RoutePlan(this.generation.settings, this.context, { model: qualifyModel(this.generation.settings, this.request, provider), operation, pin, isDirect, fallbacks: parsed.fallbacks, isBound: this.request.passthroughTo !== null || parsed.model === '', deadlineMs: this.deadlineMs })).start()
    })
  }

  /** Somebody else waits for the same answer, until then. */
  extendDeadline (deadlineMs: number): void {
    this.deadlineMs = Math.max(this.deadlineMs, deadlineMs)
    this.record.plan?.extendDeadline(this.deadlineMs)
  }

  /** Carries a step of the plan out. An attempt that is refused at once leads to the next step. */
  private proceed (decide: () => Step): void {
    let failure: Failure
    try {
      let step = decide()
      while (step.kind !== 'fail') {
        if (step.kind === 'wait') return this.pauseFor(step.waitMs)
        const refusal = this.tryTarget(step)
        if (refusal === null) return
        step = this.afterFailure(this.attempt as RequestAttempt, { error: refusal, target: step.target, headers: refusal.headers })
      }
      failure = step.failure
    } catch (error) {
      failure = { error: error instanceof GatewayError ? error : new GatewayError('BIFROST_INTERNAL', { cause: error }), target: null, headers: '' }
    }
    this.giveUp(failure)
  }

  private pauseFor (waitMs: number): void {
    this.endPause = this.context.setTimer(() => { this.proceed(() => (this.record.plan as RoutePlan).resume()) }, waitMs)
  }

  /** @returns why the provider's pool refused it at once, null when the attempt is on its way */
  private tryTarget (step: Attempt): GatewayError | null {
    const identity = this.turnTo(step.target)
    this.record.beginAttempt()
    const { pools } = this.generation
    // A stream that goes on is compared with what was said: two at once would be two to compare. What is about no model is not for doing twice.
    if (step.target.provider.hedging !== null && this.recovery === null && step.target.model !== '') {
      this.attempt = new HedgedAttempt(this, step, pools, this.record, this.context)
      return this.attempt.submit(this.request, identity, this)
    }
    const attempt = this.attempt = new TargetAttempt(this, step, pools.get(step.target.provider.name) as JobPool, this.context)
    return attempt.submit(this.request, identity, this, this.recovery?.continueOn(attempt) ?? null)
  }

  onReply (attempt: RequestAttempt, reply: Reply): void {
    const { record } = this
    this.settle(attempt, reply.usage, reply.upstreamMicroseconds)
    reply.upstreamMicroseconds = record.upstreamMicroseconds
    reply.raw = record.withTrail(reply.raw)
    this.client.answer(record.identity as AnswerIdentity, reply)
  }

  onHead (attempt: RequestAttempt, status: number, headers: string, upstreamMicroseconds: number): void {
    const { record } = this
    if (record.firstByteMs < 0) {
      record.firstByteMs = this.context.nowMs() - this.request.receivedAtMs
      this.recovery = createRecovery(this.request, attempt.target.provider, this.client)
      this.client = this.recovery ?? this.client
    }
    const lines = record.withTrailHeader(headers)
    this.client.openStream(record.identity as AnswerIdentity, status, lines, record.upstreamMicroseconds + upstreamMicroseconds)
  }

  onChunk (_attempt: RequestAttempt, bytes: Uint8Array): void {
    this.client.write(bytes)
  }

  onEnd (attempt: RequestAttempt, usage: Usage, upstreamMicroseconds: number): void {
    this.settle(attempt, usage, upstreamMicroseconds)
    this.client.closeStream()
  }

  onFailed (attempt: RequestAttempt, error: GatewayError, headers: string, usage: Usage, upstreamMicroseconds: number): void {
    this.record.completeUsage(usage, attempt.costUsd, upstreamMicroseconds)
    this.proceed(() => this.afterFailure(attempt, { error, target: attempt.target, headers }))
  }

  /** Notes a failed attempt in the trail and asks the plan what follows; once the client has seen a byte, only a continuation does. */
  private afterFailure (attempt: RequestAttempt, failure: Failure): Step {
    const plan = this.record.plan as RoutePlan
    const outcome = attempt.conclude(plan, failure.error)
    this.record.queueMs += attempt.queueMs
    this.attempt = null
    const mayGoOn = this.recovery === null ? !attempt.answered : this.recovery.mayContinue(attempt.target, failure, outcome)
    return mayGoOn ? plan.next(attempt.target, failure, outcome) : { kind: 'fail', failure }
  }

  onTaken (bytes: number): void {
    const ownBytes = this.recovery === null ? bytes : this.recovery.toCredit(bytes)
    this.attempt?.credit(ownBytes)
  }

  onGone (error: GatewayError): void {
    if (this.record.settled) return
    this.abandon()
    this.finish(error.code, this.record.usage, 0)
  }

  onTick (nowMs: number): void {
    const { attempt, record } = this
    if (record.settled) return
    if (attempt?.answered !== true && nowMs >= this.deadlineMs) {
      this.abandon()
      return this.giveUp({ error: record.toDeadlineError(this.deadlineMs), target: record.target, headers: '' })
    }
    const error = attempt === null ? null : attempt.expire(nowMs, this.request.parsed.stream || this.request.parsed.relay)
    if (error !== null) this.onFailed(attempt as RequestAttempt, error, '', record.usage, 0)
  }

  private giveUp (last: Failure): void {
    const { error, target, headers } = this.recovery === null ? last : this.recovery.toFailure(last)
    if (target !== null) this.turnTo(target)
    // The error is of a target that was passed over: the answer must not name the one that was tried last.
    else if (error.provider !== null && error.provider !== this.record.target?.provider.name) this.record.identity = null
    this.finish(error.code, this.record.usage, 0)
    this.client.fail(error, this.record.toFailureContext(headers))
  }

  private settle (attempt: RequestAttempt, usage: Usage, upstreamMicroseconds: number): void {
    this.attempt = null
    this.record.takeFrom(attempt)
    this.finish('ok', usage, upstreamMicroseconds)
  }

  /** The single ending. */
  private finish (outcome: 'ok' | ErrorCode, usage: Usage, upstreamMicroseconds: number): void {
    this.record.settle(outcome, usage, upstreamMicroseconds)
    this.generation.leave()
  }

  /** Drops what is under way. */
  private abandon (): void {
    this.endPause?.()
    this.attempt?.cancel(this.record)
    this.attempt = null
  }

  private turnTo (target: Target): AnswerIdentity {
    const identity = this.context.identities.of(target, this.record.requestType)
    this.record.turnTo(target, identity)
    return identity
  }
}
