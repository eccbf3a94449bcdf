import { LatencyTrack } from './latency-track.ts'

/** Answers that a window has at least; fewer have no median worth the name. */
const windowAnswersMin = 10
/** Slow windows in a row before the limit goes down for it: one may be a few long answers. */
const slowWindowsMax = 2
/** What is left of the limit after the provider refused, or did not answer in time. */
const refusedShare = 0.75
/** A slow window leaves of the limit what would have been quick, a little less, and at least this share. */
const slowShare = 0.9
const slowShareMin = 0.65
/** The limit goes on down until so much of what is tolerated above the usual latency is left, so that the usual one is seen again. */
const settledShare = 1 / 4
/** The limit grows by 1 a window, by 1 more for every so many windows without trouble. */
const windowsPerStep = 10
/** How far the usual latency follows a window that was quicker, one that was slower, and one that was slow with the limit at its floor. */
const quickerShare = 0.1
const slowerShare = 0.002
const floorShare = 0.5

export interface LimitBounds {
  limitMin: number
  limitMax: number
  latencyTolerance: number
}

/**
 * What an attempt says about the concurrency. `overloaded`: the provider refused because it had too much, or did not answer in time.
 * `abandoned`: nobody waits for it any more; it took at least this long.
 */
export type LimitVerdict = 'success' | 'overloaded' | 'abandoned'

/**
 * How many attempts on one model may run at once. It doubles every window (about a round trip) until there is trouble for the first
 * time, then grows by steps while it is used to the full; it shrinks to a share when the provider refuses or becomes slow. States:
 * starting -> steady <-> shrinking. Clock and latencies come from the caller.
 */
export class ConcurrencyLimit {
  private bounds: LimitBounds
  private exact: number
  private readonly streams = new LatencyTrack()
  private readonly wholes = new LatencyTrack()
  private state: 'starting' | 'steady' | 'shrinking' = 'starting'
  /** Most attempts at once since the window began. */
  private peak = 0
  private goodWindows = 0
  private slowWindows = 0
  private lastCutMs = -Infinity
  private opensAtMs = -Infinity
  private closesAtMs = -Infinity

  constructor (bounds: LimitBounds) {
    this.bounds = bounds
    this.exact = bounds.limitMin
  }

  get value (): number { return Math.floor(this.exact) }

  setBounds (bounds: LimitBounds): void {
    this.bounds = bounds
    this.move(this.exact)
  }

  /** @param inFlight attempts that run now, the new one included */
  onStart (inFlight: number): void {
    if (inFlight > this.peak) this.peak = inFlight
  }

  /** @param latencyMs to the first byte, or to the failure */
  observe (stream: boolean, latencyMs: number, verdict: LimitVerdict, nowMs: number): void {
    // The whole of an answer and the first byte of a stream have nothing to do with each other.
    const track = stream ? this.streams : this.wholes
    if (verdict === 'overloaded') {
      // What began before the last cut says nothing about the limit after it: one cut per round trip.
      if (nowMs - latencyMs < this.lastCutMs) return
      if (this.state === 'starting') this.state = 'steady'
      return this.cut(refusedShare, track.usualMs, nowMs)
    }
    if (nowMs < this.opensAtMs || (verdict === 'abandoned' && !track.isSlow(latencyMs, this.bounds.latencyTolerance))) return
    track.add(latencyMs)
    if (track.count >= windowAnswersMin && nowMs >= this.closesAtMs) this.closeWindow(track, nowMs)
  }

  private closeWindow (track: LatencyTrack, nowMs: number): void {
    const { limitMin, latencyTolerance } = this.bounds
    const medianMs = track.median()
    const { usualMs } = track
    const isSlow = track.isSlow(medianMs, this.state === 'shrinking' ? 1 + (latencyTolerance - 1) * settledShare : latencyTolerance)
    // With the limit at its floor, it is not our doing that it takes longer.
    const isFloor = this.exact <= limitMin
    track.learn(medianMs, medianMs < usualMs ? quickerShare : isSlow && isFloor ? floorShare : slowerShare)
    this.slowWindows = isSlow && !isFloor ? this.slowWindows + 1 : 0
    if (this.slowWindows >= slowWindowsMax || (this.slowWindows > 0 && this.state === 'shrinking')) {
      this.state = 'shrinking'
      return this.cut(Math.max(slowShareMin, slowShare * usualMs / medianMs), medianMs, nowMs)
    }
    if (this.state === 'shrinking') this.state = 'steady'
    if (!isSlow && this.peak >= this.value) this.grow()
    // What was begun under half the limit does not say how the whole of it goes.
    this.openWindow(this.state === 'starting' ? nowMs + medianMs : nowMs, medianMs)
  }

  private grow (): void {
    if (this.state === 'starting') return this.move(this.exact * 2)
    this.move(this.exact + 1 + Math.floor(this.goodWindows++ / windowsPerStep))
  }

  /** The attempts that run now were more than there will be; their latencies are not looked at. */
  private cut (share: number, roundTripMs: number, nowMs: number): void {
    this.move(this.exact * share)
    this.goodWindows = 0
    this.slowWindows = 0
    this.lastCutMs = nowMs
    this.openWindow(nowMs + roundTripMs, roundTripMs)
  }

  private openWindow (atMs: number, roundTripMs: number): void {
    this.streams.clear()
    this.wholes.clear()
    this.peak = 0
    this.opensAtMs = atMs
    this.closesAtMs = atMs + roundTripMs
  }

  private move (limit: number): void {
    this.exact = Math.min(this.bounds.limitMax, Math.max(this.bounds.limitMin, limit))
  }
}
