import type { MessagePort } from 'node:worker_threads'
import type { Reply } from '../api/reply.ts'
import type { Usage } from '../api/usage.ts'
import { toErrorRecord } from '../errors.ts'
import type { GatewayError } from '../errors.ts'
import { ResultBatch } from '../frames/result-frame.ts'

/**
 * The way back: frames of one event-loop turn leave as one transferable batch, so that many answers
 * cost one wake-up of the front thread.
 */
export class Results {
  private readonly port: MessagePort
  private readonly runningJobs: () => number
  private readonly batch = new ResultBatch()
  private flushScheduled = false
  private foretelling = false
  private readonly flush = (): void => {
    this.flushScheduled = false
    if (this.batch.isEmpty) return
    this.foretelling = false
    const memory = this.batch.take()
    this.port.postMessage(memory, [memory])
  }

  /** @param runningJobs how many jobs the thread has in hand, without those that have ended */
  constructor (port: MessagePort, runningJobs: () => number) {
    this.port = port
    this.runningJobs = runningJobs
  }

  /** The front has nothing else to do than the job that comes now: it is to be woken before the batch. */
  expectLone (): void {
    this.foretelling = true
  }

  /** Something has come from upstream. If it is for the front's only job, the front wakes up while it is read, which takes about as long. */
  readonly foretell = (): void => {
    if (!this.foretelling || this.runningJobs() !== 1) return
    this.foretelling = false
    this.port.postMessage('expect')
  }

  reply (jobId: number, reply: Reply): void {
    this.batch.reply(jobId, reply)
    this.flushEnding()
  }

  head (jobId: number, status: number, headers: string, upstreamMicroseconds: number): void {
    this.batch.head(jobId, status, headers, upstreamMicroseconds)
    this.scheduleFlush()
  }

  /** Until `closeChunk`, `append` and `appendAscii` write into this job's chunk. */
  openChunk (jobId: number): void {
    this.batch.openChunk(jobId)
  }

  append (bytes: Uint8Array, start: number, end: number): void {
    this.batch.append(bytes, start, end)
  }

  appendAscii (text: string): void {
    this.batch.appendAscii(text)
  }

  /** @returns bytes of the chunk */
  closeChunk (): number {
    const bytes = this.batch.closeChunk()
    if (bytes > 0) this.scheduleFlush()
    return bytes
  }

  end (jobId: number, usage: Usage, upstreamMicroseconds: number): void {
    this.batch.end(jobId, usage, upstreamMicroseconds)
    this.flushEnding()
  }

  failed (jobId: number, error: GatewayError, headers: string, usage: Usage, upstreamMicroseconds: number): void {
    this.batch.failed(jobId, { error: toErrorRecord(error), headers, usage, upstreamMicroseconds })
    this.scheduleFlush()
  }

  /** When the last job in hand has ended, nothing more can share the wake-up: the front starts while this thread tidies up. */
  private flushEnding (): void {
    if (!this.flushScheduled && this.runningJobs() === 0) this.flush()
    else this.scheduleFlush()
  }

  private scheduleFlush (): void {
    if (this.flushScheduled) return
    this.flushScheduled = true
    setImmediate(this.flush)
  }
}
