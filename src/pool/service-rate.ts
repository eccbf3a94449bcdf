/** Readings that are kept: at two a second, the last 10 s. */
const readingsKept = 20
/** Over less time than this a rate is chance, in milliseconds. */
const spanMsMin = 1_000
const waitSecondsMax = 60

/** How fast a pool gets jobs done, from a count that is read now and then: the jobs themselves pay for an addition. */
export class ServiceRate {
  private readonly counts = new Float64Array(readingsKept)
  private readonly timesMs = new Float64Array(readingsKept)
  private readings = 0

  /** @param finished jobs since the start */
  read (finished: number, nowMs: number): void {
    const at = this.readings++ % readingsKept
    this.counts[at] = finished
    this.timesMs[at] = nowMs
  }

  /** @returns how long so many jobs take, in whole seconds from 1 to 60; 1 when it is not known */
  secondsFor (jobs: number, finished: number, nowMs: number): number {
    if (this.readings === 0) return 1
    const oldest = this.readings <= readingsKept ? 0 : this.readings % readingsKept
    const spanMs = nowMs - (this.timesMs[oldest] as number)
    if (spanMs < spanMsMin) return 1
    // A pool that finished none is about to finish one, at best.
    const done = Math.max(1, finished - (this.counts[oldest] as number))
    return Math.min(waitSecondsMax, Math.max(1, Math.ceil(jobs * spanMs / 1_000 / done)))
  }
}
