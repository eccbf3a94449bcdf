import type { AnswerIdentity, Client, ClientWatcher, GatewayRequest } from './api/client.ts'
import type { Reply } from './api/reply.ts'
import type { Settings } from './api/settings.ts'
import type { Usage } from './api/usage.ts'
import { GatewayError } from './errors.ts'
import type { JobPool } from './pool/job.ts'
import type { Identities } from './router/identity.ts'
import { outcomeTable, toOutcome } from './router/outcomes.ts'
import { RoutePlan } from './router/plan.ts'
import type { Attempt, Failure, PlanContext, Step } from './router/plan.ts'
import { parseRoutingHeaders } from './router/request-headers.ts'
import type { Target } from './router/target.ts'
import { joinTexts, RequestRecord } from './request-record.ts'
import { TargetAttempt } from './target-attempt.ts'
import type { AttemptContext, AttemptOwner } from './target-attempt.ts'

/** Credit goes back to the worker in steps of this size, in bytes. */
const creditStepBytes = 32 * 1024

/** One load of the configuration with what runs for it. A request keeps the one it began with. */
export interface Generation {
  settings: Settings
  pools: ReadonlyMap<string, JobPool>
}

/** What all requests share beside the configuration. */
export interface GatewayContext extends PlanContext, AttemptContext {
  identities: Identities
  /** Calls back once, later; the returned function calls it off. */
  setTimer: (run: () => void, waitMs: number) => () => void
}

/**
 * One request from its targets to its single ending. States: trying (an attempt runs) or pausing (before a retry) -> streaming (the
 * client has seen the head) -> settled. What it learned is in its record, which is booked when the exchange ends.
 */
export class RequestRun implements AttemptOwner, ClientWatcher {
  readonly record: RequestRecord
  private readonly generation: Generation
  private readonly context: GatewayContext
  private readonly request: GatewayRequest
  private readonly client: Client
  private attempt: TargetAttempt | null = null
  private endPause: (() => void) | null = null
  private deadlineMs = Infinity
  private takenBytes = 0

  constructor (generation: Generation, context: GatewayContext, request: GatewayRequest, client: Client) {
    this.record = new RequestRecord(request)
    this.generation = generation
    this.context = context
    this.request = request
    this.client = client
  }

  start (): void {
    this.proceed(() => {
      const { parsed, operation, headers, receivedAtMs } = this.request
      const { pin, timeoutMs } = parseRoutingHeaders(headers)
      this.deadlineMs = receivedAtMs + Math.min(timeoutMs, this.generation.settings.client.requestTimeoutMs)
      const plan = this.record.plan = new RoutePlan(this.generation.settings, this.context, { model: parsed.model, operation, pin, fallbacks: parsed.fallbacks, deadlineMs: this.deadlineMs })
      return plan.start()
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
        step = this.afterFailure(this.attempt as TargetAttempt, { error: refusal, target: step.target, headers: '' })
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
    this.record.attempts++
    this.attempt = new TargetAttempt(this, step, this.generation.pools.get(step.target.provider.name) as JobPool, this.context)
    return this.attempt.submit(this.request, identity)
  }

  onReply (attempt: TargetAttempt, reply: Reply): void {
    const { record } = this
    this.settle(attempt, reply.usage, reply.upstreamMicroseconds)
    reply.upstreamMicroseconds = record.upstreamMicroseconds
    if (record.wantsTrail) reply.raw = joinTexts(reply.raw, ',', `"attempt_trail":${record.trailText}`)
    this.client.answer(record.identity as AnswerIdentity, reply)
  }

  onHead (_attempt: TargetAttempt, status: number, headers: string, upstreamMicroseconds: number): void {
    const { record } = this
    record.firstByteMs = this.context.nowMs() - this.request.receivedAtMs
    const lines = record.wantsTrail ? joinTexts(headers, '\r\n', `x-bifrost-attempt-trail: ${record.trailText}`) : headers
    this.client.openStream(record.identity as AnswerIdentity, status, lines, record.upstreamMicroseconds + upstreamMicroseconds)
  }

  onChunk (_attempt: TargetAttempt, bytes: Uint8Array): void {
    this.client.write(bytes)
  }

  onEnd (attempt: TargetAttempt, usage: Usage, upstreamMicroseconds: number): void {
    this.settle(attempt, usage, upstreamMicroseconds)
    this.client.closeStream()
  }

  onFailed (attempt: TargetAttempt, error: GatewayError, headers: string, usage: Usage, upstreamMicroseconds: number): void {
    this.record.upstreamMicroseconds += upstreamMicroseconds
    this.record.usage = usage
    this.proceed(() => this.afterFailure(attempt, { error, target: attempt.target, headers }))
  }

  /** Notes a failed attempt in the trail and asks the plan what follows; once the client has seen a byte, nothing does. */
  private afterFailure (attempt: TargetAttempt, failure: Failure): Step {
    const plan = this.record.plan as RoutePlan
    const outcome = toOutcome(failure.error)
    attempt.judge(outcomeTable[outcome].isFailure && !plan.isForgiven(failure.error))
    this.record.queueMs += attempt.queueMs
    plan.note(attempt.toTrailEntry(failure.error, outcome))
    this.attempt = null
    return attempt.answered ? { kind: 'fail', failure } : plan.next(attempt.target, failure, outcome)
  }

  onTaken (bytes: number): void {
    this.takenBytes += bytes
    if (this.takenBytes < creditStepBytes || this.attempt === null) return
    this.attempt.credit(this.takenBytes)
    this.takenBytes = 0
  }

  onGone (error: GatewayError): void {
    if (this.record.settled) return
    this.abandon()
    this.record.settle(error.code, this.record.usage, 0)
  }

  onTick (nowMs: number): void {
    const { attempt, record } = this
    if (record.settled) return
    if (record.firstByteMs < 0 && nowMs >= this.deadlineMs) {
      this.abandon()
      return this.giveUp({ error: record.toDeadlineError(this.deadlineMs), target: record.target, headers: '' })
    }
    const error = attempt === null ? null : attempt.expire(nowMs, this.request.parsed.stream)
    if (error !== null) this.onFailed(attempt as TargetAttempt, error, '', record.usage, 0)
  }

  private giveUp ({ error, target, headers }: Failure): void {
    if (target !== null) this.turnTo(target)
    // The error is of a target that was passed over: the answer must not name the one that was tried last.
    else if (error.provider !== null && error.provider !== this.record.target?.provider.name) this.record.identity = null
    this.record.settle(error.code, this.record.usage, 0)
    this.client.fail(error, this.record.toFailureContext(headers))
  }

  private settle (attempt: TargetAttempt, usage: Usage, upstreamMicroseconds: number): void {
    this.attempt = null
    this.record.queueMs += attempt.queueMs
    this.record.settle('ok', usage, upstreamMicroseconds)
  }

  /** Drops what is under way. */
  private abandon (): void {
    this.endPause?.()
    this.attempt?.cancel()
    this.attempt = null
  }

  private turnTo (target: Target): AnswerIdentity {
    const identity = this.context.identities.of(target, this.request.operation, this.request.parsed.stream)
    this.record.turnTo(target, identity)
    return identity
  }
}
