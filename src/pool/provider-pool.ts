import type { Reply } from '../api/reply.ts'
import type { ProviderSettings } from '../api/settings.ts'
import type { Usage } from '../api/usage.ts'
import { fromErrorRecord, GatewayError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { JobHead } from '../api/job.ts'
import { readResultBatch } from '../frames/result-frame.ts'
import type { FailureRecord, ResultHandler } from '../frames/result-frame.ts'
import { Admission } from './admission.ts'
import type { Job, JobListener, JobPool } from './job.ts'
import { JobSlots } from './job-slots.ts'
import type { PoolThread, ThreadEndReason, Threads } from './provider-thread.ts'
import { PiscinaThreads } from './piscina-threads.ts'

export interface ProviderPoolOptions {
  settings: ProviderSettings
  dropExcess: boolean
  initialPoolSize: number
  nowMs: () => number
  onQueueWait: (seconds: number) => void
  onThreadEnd: (provider: string, thread: number, reason: ThreadEndReason, error: unknown) => void
  /** Real worker threads when not given. */
  createThreads?: (settings: ProviderSettings) => Threads
  /** Calls back once, later; the returned function calls it off. Real timers, which do not keep the process alive, when not given. */
  setTimer?: SetTimer
}

type SetTimer = (run: () => void, waitMs: number) => () => void

const heartbeatLookMs = 500
/** A full ring empties in microseconds; this is how long the queue waits to try again. */
const ringRetryMs = 1
/** Threads that die one after the other without a single result are started again after these waits, in milliseconds. */
const respawnDelaysMs = [0, 100, 500, 2_000, 5_000]
const noUsage: Usage = { inputTokens: 0, outputTokens: 0 }

/**
 * One provider: its gate, its threads and its jobs in flight. Threads start with the first request;
 * each is replaced when it dies, and only the jobs it had in hand notice.
 */
export class ProviderPool implements JobPool, ResultHandler {
  readonly settings: ProviderSettings
  readonly restarts = new Map<string, number>()
  readonly timeouts = new Map<string, number>()
  droppedCount = 0
  private readonly options: ProviderPoolOptions
  private readonly admission: Admission
  private readonly slots: JobSlots
  private readonly threads: (PoolThread | null)[]
  private host: Threads | null = null
  private readonly setTimer: SetTimer
  private endHeartbeatTimer: (() => void) | null = null
  private endRingTimer: (() => void) | null = null
  private crashes = 0
  private closed = false
  private onDrained: (() => void) | null = null

  constructor (options: ProviderPoolOptions) {
    const { settings } = options
    this.options = options
    this.settings = settings
    this.setTimer = options.setTimer ?? setRealTimer
    // A connection carries one request at a time, so fewer connections mean fewer attempts at once.
    const concurrency = Math.min(settings.concurrency, settings.connectionsPerOrigin)
    this.admission = new Admission({ concurrency, bufferSize: settings.bufferSize, dropExcess: options.dropExcess })
    this.slots = new JobSlots(options.initialPoolSize)
    this.threads = Array.from({ length: settings.threads }, () => null)
  }

  get inFlight (): number { return this.admission.inFlight }
  get queueDepth (): number { return this.admission.queueDepth }
  get queueBlocked (): number { return this.admission.queueBlocked }
  get jobSlots (): { used: number, free: number } { return { used: this.slots.usedCount, free: this.slots.freeCount } }

  liveThreads (): PoolThread[] {
    return this.threads.filter((thread) => thread !== null)
  }

  submit (listener: JobListener, head: JobHead, body: readonly Uint8Array[], bodyBytes: number): Job {
    if (this.closed) throw new GatewayError('BIFROST_SHUTTING_DOWN', { message: `provider ${this.settings.name} is shutting down` })
    if (this.host === null) this.startThreads()
    const job = this.slots.acquire()
    job.listener = listener
    job.head = head
    job.body = body
    job.bodyBytes = bodyBytes
    job.submittedAtMs = this.options.nowMs()
    if (!this.admission.offer(job)) {
      this.slots.release(job)
      this.droppedCount++
      throw new GatewayError('BIFROST_REQUEST_DROPPED', { provider: this.settings.name })
    }
    this.pump()
    return job
  }

  cancel (job: Job): void {
    if (job.state === 'running') return job.thread?.cancel(job.id)
    if (job.state !== 'queued') return
    this.admission.leave(job)
    this.endJob(job)?.onFailed(new GatewayError('BIFROST_CLIENT_CLOSED'), '', noUsage, 0)
  }

  credit (job: Job, bytes: number): void {
    if (job.state === 'running') job.thread?.credit(job.id, bytes)
  }

  /** Takes no more jobs; resolves when the last one has ended and the threads are gone. */
  async close (): Promise<void> {
    this.closed = true
    if (this.slots.usedCount > 0) await new Promise<void>((resolve) => { this.onDrained = resolve })
    for (const thread of this.liveThreads()) thread.drain()
    await this.host?.close()
    await this.destroy()
  }

  /** Ends the threads now. */
  async destroy (): Promise<void> {
    this.closed = true
    this.endHeartbeatTimer?.()
    this.endRingTimer?.()
    await this.host?.destroy()
  }

  onReply (jobId: number, reply: Reply): void {
    this.endRunning(jobId)?.onReply(reply)
  }

  onHead (jobId: number, status: number, headers: string, upstreamMicroseconds: number): void {
    this.slots.find(jobId)?.listener?.onHead(status, headers, upstreamMicroseconds)
  }

  onChunk (jobId: number, bytes: Uint8Array): void {
    this.slots.find(jobId)?.listener?.onChunk(bytes)
  }

  onEnd (jobId: number, usage: Usage, upstreamMicroseconds: number): void {
    this.endRunning(jobId)?.onEnd(usage, upstreamMicroseconds)
  }

  onFailed (jobId: number, failure: FailureRecord): void {
    const error = fromErrorRecord(failure.error, this.settings.name)
    this.countTimeout(error.code)
    this.endRunning(jobId)?.onFailed(error, failure.headers, failure.usage, failure.upstreamMicroseconds)
  }

  countTimeout (code: ErrorCode): void {
    const timeout = timeoutNames[code]
    if (timeout !== undefined) this.timeouts.set(timeout, (this.timeouts.get(timeout) ?? 0) + 1)
  }

  private startThreads (): void {
    const { settings, createThreads } = this.options
    this.host = createThreads === undefined ? new PiscinaThreads(settings) : createThreads(settings)
    for (let index = 0; index < this.threads.length; index++) this.spawn(index)
    this.watchHeartbeats()
  }

  private watchHeartbeats (): void {
    this.endHeartbeatTimer = this.setTimer(() => {
      this.watchHeartbeats()
      for (const thread of this.liveThreads()) thread.lookAtHeartbeat()
    }, heartbeatLookMs)
  }

  private spawn (index: number): void {
    if (this.closed || this.host === null) return
    this.threads[index] = this.host.start(index, {
      onReady: () => { this.pump() },
      onBatch: (batch) => {
        readResultBatch(batch, this)
        this.pump()
      },
      onEnd: (thread, reason, error) => { this.replace(thread, reason, error) }
    })
  }

  /** A thread has ended: its jobs are lost, a new one takes its place. */
  private replace (thread: PoolThread, reason: ThreadEndReason, error: unknown): void {
    this.threads[thread.index] = null
    if (reason === 'drained' || this.closed) return
    this.restarts.set(reason, (this.restarts.get(reason) ?? 0) + 1)
    this.options.onThreadEnd(this.settings.name, thread.index, reason, error)
    if (thread.hasServed) this.crashes = 0
    const delayMs = respawnDelaysMs[Math.min(this.crashes++, respawnDelaysMs.length - 1)] as number
    if (delayMs === 0) this.spawn(thread.index)
    else this.setTimer(() => { this.spawn(thread.index) }, delayMs)
    for (const job of [...this.slots.used()]) {
      if (job.thread !== thread) continue
      const lost = new GatewayError('BIFROST_WORKER_LOST', { message: `The worker thread of ${this.settings.name} that served this request ended (${reason}).`, provider: this.settings.name })
      this.endRunning(job.id)?.onFailed(lost, '', noUsage, 0)
    }
    // The places that became free are for whoever waits, on the threads that are left.
    this.pump()
  }

  /** Hands queued jobs to threads as far as concurrency and rings allow. */
  private pump (): void {
    for (let job = this.admission.peek(); job !== null; job = this.admission.peek()) {
      const thread = this.leastLoadedThread()
      if (thread === null) return
      if (!thread.send(job)) {
        this.endRingTimer ??= this.setTimer(() => {
          this.endRingTimer = null
          this.pump()
        }, ringRetryMs)
        return
      }
      this.admission.admit(job)
      job.state = 'running'
      job.thread = thread
      const queueMs = this.options.nowMs() - job.submittedAtMs
      this.options.onQueueWait(queueMs / 1000)
      job.listener?.onDispatched(queueMs)
    }
  }

  private leastLoadedThread (): PoolThread | null {
    let best: PoolThread | null = null
    for (const thread of this.threads) {
      if (thread?.ready === true && (best === null || thread.inFlight < best.inFlight)) best = thread
    }
    return best
  }

  /** @returns the listener to tell, once the slot is free again; null for a frame that came too late */
  private endRunning (jobId: number): JobListener | null {
    const job = this.slots.find(jobId)
    if (job === null || job.state !== 'running') return null
    if (job.thread !== null) job.thread.inFlight--
    this.admission.finish()
    return this.endJob(job)
  }

  private endJob (job: Job): JobListener | null {
    const listener = job.listener
    this.slots.release(job)
    if (this.onDrained !== null && this.slots.usedCount === 0) this.onDrained()
    return listener
  }
}

function setRealTimer (run: () => void, waitMs: number): () => void {
  const timer = setTimeout(run, waitMs).unref()
  return () => { clearTimeout(timer) }
}

const timeoutNames: Partial<Record<ErrorCode, string>> = {
  BIFROST_CONNECT_TIMEOUT: 'connect',
  BIFROST_RESPONSE_HEADER_TIMEOUT: 'response_header',
  BIFROST_FIRST_TOKEN_TIMEOUT: 'first_token',
  BIFROST_STREAM_IDLE_TIMEOUT: 'stream_idle',
  BIFROST_TOTAL_TIMEOUT: 'total'
}
