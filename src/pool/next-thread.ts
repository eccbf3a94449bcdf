import type { PoolThread } from './provider-thread.ts'

/**
 * A guess at the thread that gets the next job, so that it wakes up while the request is read, which takes about as long. The guess
 * is the thread that had the last two. On one core there is none: waking and reading would only take the time from each other.
 */
export class NextThread {
  private last: PoolThread | null = null
  private hadTwo = false
  private readonly coreCount: number

  constructor (coreCount: number) {
    this.coreCount = coreCount
  }

  /** A thread has got a job. */
  had (thread: PoolThread): void {
    this.hadTwo = thread === this.last
    this.last = thread
  }

  /** A request has come. */
  wake (): void {
    if (this.hadTwo && this.coreCount > 1) this.last?.expectJob()
  }
}
