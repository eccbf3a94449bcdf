import type { PoolThread, ThreadEndReason, Threads } from './provider-thread.ts'
import type { Revision } from './revisions.ts'

/** Calls back once, later; the returned function calls it off. */
export type SetTimer = (run: () => void, waitMs: number) => () => void

export interface ThreadSetEvents {
  setTimer: SetTimer
  /** What a new thread has to know. */
  revisions: () => readonly Revision[]
  onReady (set: ThreadSet): void
  onBatch (batch: ArrayBuffer): void
  /** A thread has died; the jobs that it had in hand are lost. */
  onLost (thread: PoolThread, reason: ThreadEndReason, error: unknown): void
}

/** Threads that die one after the other without a single result are started again after these waits, in milliseconds. */
const respawnDelaysMs = [0, 100, 500, 2_000, 5_000]

/** Threads of one size. Each is replaced when it dies, until the set drains; then each ends with its last job. */
export class ThreadSet {
  private readonly host: Threads
  private readonly events: ThreadSetEvents
  private readonly threads: (PoolThread | null)[]
  private crashes = 0
  private draining = false
  /** The end of the drain that has begun. */
  private drained: Promise<void> | null = null
  private onGone: (() => void) | null = null

  constructor (host: Threads, count: number, events: ThreadSetEvents) {
    this.host = host
    this.events = events
    this.threads = Array.from({ length: count }, () => null)
    for (let index = 0; index < count; index++) this.spawn(index)
  }

  get live (): PoolThread[] {
    return this.threads.filter((thread) => thread !== null)
  }

  get isReady (): boolean {
    return this.threads.every((thread) => thread?.ready === true)
  }

  /** @returns null when no thread takes jobs now */
  leastLoaded (): PoolThread | null {
    let best: PoolThread | null = null
    for (const thread of this.threads) {
      if (thread?.ready === true && (best === null || thread.inFlight < best.inFlight)) best = thread
    }
    return best
  }

  addRevision (revision: Revision): void {
    for (const thread of this.threads) thread?.addRevision(revision)
  }

  forgetRevision (revision: Revision): void {
    for (const thread of this.threads) thread?.forgetRevision(revision.number)
  }

  lookAtHeartbeats (): void {
    for (const thread of this.threads) thread?.lookAtHeartbeat()
  }

  /** Takes no more jobs; resolves when the last one has ended and the threads are gone. */
  drain (): Promise<void> {
    this.drained ??= this.endWithLastJobs()
    return this.drained
  }

  /** Ends the threads now. */
  async destroy (): Promise<void> {
    this.draining = true
    await this.host.destroy()
  }

  private async endWithLastJobs (): Promise<void> {
    this.draining = true
    for (const thread of this.live) thread.drain()
    if (this.live.length > 0) await new Promise<void>((resolve) => { this.onGone = resolve })
    await this.host.destroy()
  }

  private spawn (index: number): void {
    if (this.draining) return
    this.threads[index] = this.host.start(index, this.events.revisions(), {
      onReady: () => { this.events.onReady(this) },
      onBatch: (batch) => { this.events.onBatch(batch) },
      onEnd: (thread, reason, error) => { this.replace(thread, reason, error) }
    })
  }

  private replace (thread: PoolThread, reason: ThreadEndReason, error: unknown): void {
    const { index } = thread
    this.threads[index] = null
    if (!this.draining) {
      if (thread.hasServed) this.crashes = 0
      const delayMs = respawnDelaysMs[Math.min(this.crashes++, respawnDelaysMs.length - 1)] as number
      if (delayMs === 0) this.spawn(index)
      else this.events.setTimer(() => { this.spawn(index) }, delayMs)
    }
    if (reason !== 'drained') this.events.onLost(thread, reason, error)
    if (this.live.length === 0) this.onGone?.()
  }
}
