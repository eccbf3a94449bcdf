import { priorities } from '../api/job.ts'
import type { ConcurrencyLimit } from './concurrency-limit.ts'
import { JobList } from './job-list.ts'
import type { Job } from './job.ts'

/** The jobs of one model, queued and running; or of all models, where none has a limit of its own. */
export class Lane {
  readonly model: string
  readonly lists: readonly JobList[] = priorities.map(() => new JobList())
  waiting = 0
  inFlight = 0
  /** Jobs that would wait even if the provider had nothing else to do; what the gate has counted. */
  held = 0
  /** Grows with every job of any lane: the smallest is the one that was used longest ago. */
  lastUse = 0
  /** Null when only the provider's own limit holds. */
  limit: ConcurrencyLimit | null

  constructor (model: string, limit: ConcurrencyLimit | null) {
    this.model = model
    this.limit = limit
  }

  get isIdle (): boolean {
    return this.waiting === 0 && this.inFlight === 0
  }

  /** Jobs that may start before the limit is reached. */
  get room (): number {
    return this.limit === null ? Infinity : Math.max(0, this.limit.value - this.inFlight)
  }

  next (rank: number, nowMs: number): Job | null {
    return this.limit !== null && this.room === 0 ? null : (this.lists[rank] as JobList).next(nowMs)
  }
}
