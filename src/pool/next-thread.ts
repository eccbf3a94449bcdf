import type { PoolThread } from './provider-thread.ts'

/**
 * A guess at the thread that gets the next job, so that it wakes up while the request is read, which takes about as long. The guess
 * is the thread that had the last two.
 */
export class NextThread {
  private last: PoolThread | null = null
  private hadTwo = false

  /** A thread has got a job. */
  had (thread: PoolThread): void {
    this.hadTwo = thread === this.last
    this.last = thread
  }

  /** A request has come. */
  wake (): void {
    if (this.hadTwo) this.last?.expectJob()
  }
}
