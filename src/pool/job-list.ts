import type { Job } from './job.ts'

/**
 * A queue whose oldest job has waited for longer than this serves the newest first, in milliseconds. Longer than a burst takes to
 * pass, shorter than clients are patient.
 */
const newestFirstAfterMs = 500

/** Jobs of one kind in the order in which they came: an intrusive list, so that a job leaves from anywhere in constant time. */
export class JobList {
  oldest: Job | null = null
  newest: Job | null = null

  push (job: Job): void {
    job.previous = this.newest
    if (this.newest === null) this.oldest = job
    else this.newest.next = job
    this.newest = job
  }

  remove (job: Job): void {
    if (job.previous === null) this.oldest = job.next
    else job.previous.next = job.next
    if (job.next === null) this.newest = job.previous
    else job.next.previous = job.previous
    job.previous = null
    job.next = null
  }

  /**
   * First come, first served while the queue moves. When it does not, those who came first are about to give up, and serving them
   * would be work for nobody; the newest still has all its patience.
   * @returns the job whose turn it is, null when none waits
   */
  next (nowMs: number): Job | null {
    const { oldest } = this
    return oldest !== null && nowMs - oldest.submittedAtMs > newestFirstAfterMs ? this.newest : oldest
  }
}
