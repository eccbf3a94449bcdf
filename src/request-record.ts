import { joinTexts } from './api/join-texts.ts'
import { headerOf } from './api/client.ts'
import type { AnswerIdentity, ClientWatcher, FailureContext, GatewayRequest } from './api/client.ts'
import { requestTypeOf } from './api/operations.ts'
import { noUsage } from './api/usage.ts'
import type { LateUsage, Usage } from './api/usage.ts'
import { GatewayError } from './errors.ts'
import type { ErrorCode } from './errors.ts'
import type { RoutePlan } from './router/plan.ts'
import type { Target } from './router/target.ts'
import { toTrailText } from './router/trail.ts'

/** An attempt that joined a slow one on `provider`. Lost: it was cancelled. */
export interface HedgeRecord {
  provider: string
  hedgeProvider: string
  result: 'won' | 'lost' | 'failed'
}

/** A request that is being served: what the transport starts and tells about the client. */
export interface RequestHandle extends ClientWatcher {
  /** What is booked when the exchange is over; which record that is may change before. */
  readonly record: RequestRecord
  start (): void
}

/** What a request learned on its way. Its answers, the log line and the metrics are made from it. */
export class RequestRecord implements LateUsage {
  readonly request: GatewayRequest
  readonly requestType: string
  /** Who serves it, or served it last. */
  target: Target | null = null
  identity: AnswerIdentity | null = null
  /** Null until the request was understood. */
  plan: RoutePlan | null = null
  /** Of two at once, one that was outpaced does not count. */
  attempts = 0
  /** Null, the usual case, for none. */
  hedges: HedgeRecord[] | null = null
  outcome: 'ok' | ErrorCode = 'ok'
  settled = false
  /** Another request got the same answer; what it cost is booked there. */
  isShared = false
  /** Of the last attempt. */
  usage: Usage = noUsage
  /** Null when it is not known. */
  costUsd: number | null = null
  /** The client has left in mid-stream; the thread is still to say what the stream had used by then. */
  awaitsUsage = false
  /** Told when it has said so. */
  onUsage: (() => void) | null = null
  /** Over all attempts. */
  queueMs = 0
  /** Over all attempts. */
  upstreamMicroseconds = 0
  /** From the client's request to the first byte of a stream; -1 for none. */
  firstByteMs = -1

  constructor (request: GatewayRequest) {
    this.request = request
    this.requestType = requestTypeOf(request.operation, request.parsed.stream, request.passthroughTo !== null)
  }

  /** What came of the one before stands in the trail. */
  beginAttempt (): void {
    this.attempts++
    this.usage = noUsage
    this.costUsd = null
  }

  turnTo (target: Target, identity: AnswerIdentity): void {
    this.target = target
    this.identity = identity
  }

  settle (outcome: 'ok' | ErrorCode, usage: Usage, upstreamMicroseconds: number): void {
    this.settled = true
    this.outcome = outcome
    this.usage = usage
    this.upstreamMicroseconds += upstreamMicroseconds
  }

  awaitUsage (): void {
    this.awaitsUsage = true
  }

  completeUsage (usage: Usage, costUsd: number | null, upstreamMicroseconds: number): void {
    this.awaitsUsage = false
    this.usage = usage
    this.costUsd = costUsd
    this.upstreamMicroseconds += upstreamMicroseconds
    this.onUsage?.()
  }

  /** Whose answer it is. */
  takeFrom ({ queueMs, costUsd }: { queueMs: number, costUsd: number | null }): void {
    this.queueMs += queueMs
    this.costUsd = costUsd
  }

  /** The attempt trail as JSON text; empty when nothing went wrong. */
  get trailText (): string {
    const trail = this.plan?.trail ?? null
    return trail === null ? '' : toTrailText(trail)
  }

  /** There is a trail, and the client asks for it. */
  get wantsTrail (): boolean {
    return (this.plan?.trail ?? null) !== null && this.asksForTrail
  }

  /** @param members of `extra_fields` as JSON text */
  withTrail (members: string): string {
    return this.wantsTrail ? joinTexts(members, ',', `"attempt_trail":${this.trailText}`) : members
  }

  withTrailHeader (lines: string): string {
    return this.wantsTrail ? joinTexts(lines, '\r\n', `x-bifrost-attempt-trail: ${this.trailText}`) : lines
  }

  get asksForTrail (): boolean {
    return headerOf(this.request.headers, 'x-bf-attempt-trail') === 'true'
  }

  toDeadlineError (deadlineMs: number): GatewayError {
    const seconds = Math.round(deadlineMs - this.request.receivedAtMs) / 1000
    return new GatewayError('BIFROST_DEADLINE_EXCEEDED', { message: `The request was not answered within ${seconds} s (client.request_timeout_in_seconds, or less where the client asks for it).` })
  }

  /** @param headers of the failure, as lines joined by CR LF, or empty */
  toFailureContext (headers: string): FailureContext {
    // What there was has been tried here; an SDK that starts over would only multiply it.
    const hasTried = this.attempts > 1 || (this.plan?.trail ?? []).some((entry) => entry.fallbackIndex > 0)
    return {
      identity: this.identity,
      headers: hasTried ? joinTexts(headers, '\r\n', 'x-should-retry: false') : headers,
      upstreamMicroseconds: this.upstreamMicroseconds,
      trail: hasTried || this.wantsTrail ? this.trailText : ''
    }
  }
}
