import type { Job } from './job.ts'

/** How many requests may wait when full queues do not drop (`drop_excess_requests` false). */
export const waitingRequestsMax = 65_536
/** How many bytes of request bodies may wait in one provider's queue. */
export const waitingBytesMax = 512 * 1024 * 1024

export interface AdmissionLimits {
  concurrency: number
  bufferSize: number
  dropExcess: boolean
}

/**
 * One provider's gate: at most `concurrency` attempts run at once over all its threads, at most
 * `bufferSize` more wait. One thread admits, so plain integers make the limits exact. The queue is an
 * intrusive list: a request whose client leaves goes out in constant time.
 */
export class Admission {
  private limits: AdmissionLimits
  private head: Job | null = null
  private tail: Job | null = null
  private waitingBytes = 0
  waiting = 0
  inFlight = 0

  constructor (limits: AdmissionLimits) {
    this.limits = limits
  }

  /** From now on. What runs and waits already stays, even where it is more. */
  setLimits (limits: AdmissionLimits): void {
    this.limits = limits
  }

  /** Requests in the configured buffer. */
  get queueDepth (): number {
    return Math.min(this.waiting, this.limits.bufferSize)
  }

  /** Requests that wait for room in the buffer. */
  get queueBlocked (): number {
    return Math.max(0, this.waiting - this.limits.bufferSize)
  }

  /** @returns false when the request must be dropped */
  offer (job: Job): boolean {
    const { concurrency, bufferSize, dropExcess } = this.limits
    const waitingMax = dropExcess ? bufferSize : Math.max(bufferSize, waitingRequestsMax)
    if (this.inFlight + this.waiting >= concurrency + waitingMax) return false
    if (this.waiting > 0 && this.waitingBytes + job.bodyBytes > waitingBytesMax) return false
    job.previous = this.tail
    if (this.tail === null) this.head = job
    else this.tail.next = job
    this.tail = job
    this.waiting++
    this.waitingBytes += job.bodyBytes
    return true
  }

  /** @returns the job that may run next, still in the queue; null when none may */
  peek (): Job | null {
    return this.inFlight < this.limits.concurrency ? this.head : null
  }

  /** Moves a queued job to running. */
  admit (job: Job): void {
    this.unlink(job)
    this.inFlight++
  }

  /** Takes a job out of the queue whose client has left. */
  leave (job: Job): void {
    this.unlink(job)
  }

  /** A running job has ended. */
  finish (): void {
    this.inFlight--
  }

  private unlink (job: Job): void {
    if (job.previous === null) this.head = job.next
    else job.previous.next = job.next
    if (job.next === null) this.tail = job.previous
    else job.next.previous = job.previous
    job.previous = null
    job.next = null
    this.waiting--
    this.waitingBytes -= job.bodyBytes
  }
}
