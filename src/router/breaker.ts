import type { BreakerSettings } from '../api/settings.ts'

export type BreakerState = 'closed' | 'open' | 'half_open'

/** Leave to make an attempt; `finish` gives it back. */
export type Permit = 'refused' | 'normal' | 'probe'

export type Verdict = 'success' | 'failure' | 'slow' | 'none'

/** The window is counted in this many parts; the oldest part is forgotten at once. */
const windowParts = 10
/** Share of the requests that a breaker lets through right after it closed. */
const rampStartShare = 0.25

/**
 * Circuit breaker of one provider and model. It takes clock and random numbers from its caller.
 *
 *   closed     counts attempts over a sliding window; too large a share of failed or slow ones, or `requestsMin` failures in a row -> open
 *   open       refuses everything until `openUntilMs` -> half_open with the next request
 *   half_open  lets at most `halfOpenRequests` probes run at a time; that many good ones -> closed, a bad one -> open for twice as long
 *
 * After half_open it takes `rampMs` until every request is let through again.
 */
export class Breaker {
  state: BreakerState = 'closed'
  /** When the next probe may go; valid while open. */
  openUntilMs = 0
  private readonly total = new Float64Array(windowParts)
  private readonly failed = new Float64Array(windowParts)
  private readonly slow = new Float64Array(windowParts)
  /** Failures since the last good attempt: a window full of good answers must not hide that all of them fail now. */
  private failuresInARow = 0
  private part = 0
  private partStartedAtMs = -Infinity
  private openMs = 0
  private probes = 0
  private goodProbes = 0
  /** When it closed last; -Infinity when it never opened. */
  private closedAtMs = -Infinity
  /** Counts openings, so that attempts from before are not taken for probes. */
  private epoch = 0

  /** @param random 0 <= random < 1, for the ramp */
  tryAcquire (settings: BreakerSettings, nowMs: number, random: number): Permit {
    if (this.state === 'open') {
      if (nowMs < this.openUntilMs) return 'refused'
      this.state = 'half_open'
      this.probes = 0
      this.goodProbes = 0
    }
    if (this.state === 'half_open') {
      if (this.probes >= settings.halfOpenRequests) return 'refused'
      this.probes++
      return 'probe'
    }
    const sinceClosedMs = nowMs - this.closedAtMs
    if (sinceClosedMs < settings.rampMs && random >= rampStartShare + (1 - rampStartShare) * sinceClosedMs / settings.rampMs) return 'refused'
    return 'normal'
  }

  /** How long to wait before asking again is worth it, in milliseconds. */
  waitMs (nowMs: number): number {
    return this.state === 'open' ? Math.max(0, this.openUntilMs - nowMs) : 0
  }

  /**
   * Once for every permit that was given.
   * @param epoch what `currentEpoch` was when the permit was given
   * @returns the state that this led to, null when it stays
   */
  finish (settings: BreakerSettings, permit: Permit, epoch: number, verdict: Verdict, nowMs: number): BreakerState | null {
    if (permit === 'probe') return epoch === this.epoch ? this.finishProbe(settings, verdict, nowMs) : null
    if (verdict === 'none' || this.state !== 'closed' || epoch !== this.epoch) return null
    this.turn(settings, nowMs)
    this.total[this.part] = (this.total[this.part] as number) + 1
    this.failuresInARow = verdict === 'failure' ? this.failuresInARow + 1 : 0
    if (verdict === 'success') return null
    const counts = verdict === 'failure' ? this.failed : this.slow
    counts[this.part] = (counts[this.part] as number) + 1
    if (this.failuresInARow >= settings.requestsMin) return this.open(settings.openMs, nowMs)
    const requests = sum(this.total)
    if (requests < settings.requestsMin) return null
    if (sum(this.failed) < settings.failureShare * requests && sum(this.slow) < settings.slowShare * requests) return null
    return this.open(settings.openMs, nowMs)
  }

  get currentEpoch (): number {
    return this.epoch
  }

  private finishProbe (settings: BreakerSettings, verdict: Verdict, nowMs: number): BreakerState | null {
    this.probes--
    if (this.state !== 'half_open') return null
    if (verdict === 'none') return null
    if (verdict !== 'success') return this.open(Math.min(settings.openMaxMs, Math.max(settings.openMs, this.openMs * 2)), nowMs)
    if (++this.goodProbes < settings.halfOpenRequests) return null
    this.state = 'closed'
    this.epoch++
    this.closedAtMs = nowMs
    this.forget()
    return 'closed'
  }

  private open (openMs: number, nowMs: number): BreakerState {
    this.state = 'open'
    this.epoch++
    this.openMs = openMs
    this.openUntilMs = nowMs + openMs
    this.forget()
    return 'open'
  }

  private forget (): void {
    this.failuresInARow = 0
    this.total.fill(0)
    this.failed.fill(0)
    this.slow.fill(0)
  }

  /** Moves on to the part of the window that `nowMs` is in. */
  private turn (settings: BreakerSettings, nowMs: number): void {
    const partMs = settings.windowMs / windowParts
    if (nowMs - this.partStartedAtMs < partMs) return
    const steps = Math.min(windowParts, Math.floor((nowMs - this.partStartedAtMs) / partMs))
    for (let step = 0; step < steps; step++) {
      this.part = (this.part + 1) % windowParts
      this.total[this.part] = this.failed[this.part] = this.slow[this.part] = 0
    }
    this.partStartedAtMs = steps === windowParts ? nowMs : this.partStartedAtMs + steps * partMs
  }
}

function sum (parts: Float64Array): number {
  let total = 0
  for (let index = 0; index < parts.length; index++) total += parts[index] as number
  return total
}
