import type { Priority } from '../api/job.ts'

/** Why a worker thread was replaced. */
export const restartReasons = ['exit', 'out_of_memory', 'unresponsive'] as const
export type RestartReason = (typeof restartReasons)[number]

/** Deadlines of an attempt, named as in the config without their suffix. */
export const timeoutNames = ['connect', 'response_header', 'first_token', 'stream_idle', 'total'] as const
export type TimeoutName = (typeof timeoutNames)[number]

/** State of one provider's pool at this moment. The pool fills it in when a scrape asks. */
export interface ProviderReading {
  /** Requests in the admission queue. */
  queueDepth: number
  /** Requests that wait for a place in the full queue. */
  queueBlocked: number
  /** Attempts over all threads. */
  inFlight: number
  /** Requests refused since the start because the queue was full. */
  dropped: number
  /** The same by priority. */
  sheds: Readonly<Record<Priority, number>>
  /** Models whose concurrency is adaptive. */
  limits: readonly { model: string, limit: number }[]
  threads: readonly ThreadReading[]
  /** Since the start. */
  restarts: Readonly<Record<RestartReason, number>>
  /** Since the start. */
  timeouts: Readonly<Record<TimeoutName, number>>
  /** Models whose circuit breaker is not closed. */
  breakersOpen: number
  keys: readonly { id: string, name: string, up: boolean }[]
}

export interface ThreadReading {
  index: number
  ringUsedBytes: number
  ringCapacityBytes: number
  inFlight: number
  /** As `EventLoopDelayMonitor` gives it: without the timer's own resolution. */
  eventLoopDelayP50Seconds: number
  eventLoopDelayP99Seconds: number
  eventLoopDelayMaxSeconds: number
}

/** Objects of one reuse pool. */
export interface PoolReading {
  free: number
  used: number
}
