import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface EventLoopDelay {
  p50Seconds: number
  p99Seconds: number
  maxSeconds: number
}

const resolutionMs = 20

/**
 * Event loop delay of the thread that creates this. Node records the time between two ticks of a
 * timer, so an idle loop reads as the resolution: it is taken off, and what is left is the delay.
 */
export class EventLoopDelayMonitor {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs })

  constructor () {
    this.#histogram.enable()
  }

  /** The delay since the last call. */
  take (): EventLoopDelay {
    const histogram = this.#histogram
    const delay = {
      p50Seconds: toDelaySeconds(histogram.percentile(50)),
      p99Seconds: toDelaySeconds(histogram.percentile(99)),
      maxSeconds: toDelaySeconds(histogram.max)
    }
    histogram.reset()
    return delay
  }

  close (): void {
    this.#histogram.disable()
  }
}

function toDelaySeconds (tickNanoseconds: number): number {
  return Math.max(0, (tickNanoseconds - resolutionMs * 1e6) / 1e9)
}
