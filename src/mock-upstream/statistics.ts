/** What `GET /mock/stats` answers. Every value but `inFlight` starts again at `POST /mock/reset`. */
export interface MockStatistics {
  requests: number
  inFlight: number
  inFlightMax: number
  /** Requests whose client left before the answer was complete. */
  aborted: number
  /** Content frames written to streams. */
  frames: number
}

export function createStatistics (): MockStatistics {
  return { requests: 0, inFlight: 0, inFlightMax: 0, aborted: 0, frames: 0 }
}

export function resetStatistics (statistics: MockStatistics): void {
  statistics.requests = 0
  statistics.inFlightMax = statistics.inFlight
  statistics.aborted = 0
  statistics.frames = 0
}
