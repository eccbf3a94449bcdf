import type { Reply } from '../api/reply.ts'
import type { ProviderSettings } from '../api/settings.ts'
import { noUsage } from '../api/usage.ts'
import type { Usage } from '../api/usage.ts'
import { fromErrorRecord, GatewayError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import { priorities } from '../api/job.ts'
import type { JobHead, Priority } from '../api/job.ts'
import { readResultBatch } from '../frames/result-frame.ts'
import type { FailureRecord, ResultHandler } from '../frames/result-frame.ts'
import { Admission } from './admission.ts'
import type { AdmissionLimits, LaneReading } from './admission.ts'
import type { LimitVerdict } from './concurrency-limit.ts'
import type { Job, JobListener, JobPool, JobTerms } from './job.ts'
import { JobSlots } from './job-slots.ts'
import { PiscinaThreads } from './piscina-threads.ts'
import type { PoolThread, ThreadEndReason, Threads } from './provider-thread.ts'
import { Revisions } from './revisions.ts'
import type { Revision } from './revisions.ts'
import { ServiceRate } from './service-rate.ts'
import { ThreadSet } from './thread-set.ts'
import type { SetTimer } from './thread-set.ts'

export interface ProviderPoolOptions {
  settings: ProviderSettings
  dropExcess: boolean
  initialPoolSize: number
  nowMs: () => number
  onQueueWait: (seconds: number) => void
  /** A thread has got a job. */
  onSent?: (thread: PoolThread) => void
  onThreadEnd: (provider: string, thread: number, reason: ThreadEndReason, error: unknown) => void
  /** Real worker threads when not given. */
  createThreads?: (settings: ProviderSettings) => Threads
  /** Real timers, which do not keep the process alive, when not given. */
  setTimer?: SetTimer
}

const heartbeatLookMs = 500
/** A full ring empties in microseconds; this is how long the queue waits to try again. */
const ringRetryMs = 1

/**
 * One provider: its gate, its threads and its jobs in flight. Threads start with the first request, or ahead of it;
 * each is replaced when it dies, and only the jobs it had in hand notice. It outlives changes of its settings: jobs go on
 * under those they were made with, and threads of another size take over once all of them are ready.
 */
export class ProviderPool implements JobPool, ResultHandler {
  settings: ProviderSettings
  readonly restarts = new Map<string, number>()
  readonly timeouts = new Map<string, number>()
  /** Requests that were dropped since the start. */
  readonly sheds: Record<Priority, number> = { high: 0, normal: 0, low: 0 }
  private readonly options: ProviderPoolOptions
  private readonly admission: Admission
  private readonly serviceRate = new ServiceRate()
  private finishedCount = 0
  private readonly slots: JobSlots
  private readonly revisions: Revisions
  /** Takes the jobs; null until `startThreads`. */
  private threads: ThreadSet | null = null
  /** Of another size, not all ready yet. */
  private nextThreads: ThreadSet | null = null
  /** Their last jobs are running. */
  private readonly leaving = new Set<ThreadSet>()
  /** What `nextThreads`, or else `threads`, were started with. */
  private threadSettings: ProviderSettings
  private readonly setTimer: SetTimer
  private endHeartbeatTimer: (() => void) | null = null
  private endRingTimer: (() => void) | null = null
  private closed = false
  private destroyed = false
  /** Told when no job is left. */
  private idleListeners: (() => void)[] = []

  constructor (options: ProviderPoolOptions) {
    const { settings } = options
    this.options = options
    this.settings = this.threadSettings = settings
    this.setTimer = options.setTimer ?? setRealTimer
    this.admission = new Admission(toLimits(settings, options.dropExcess))
    this.slots = new JobSlots(options.initialPoolSize)
    this.revisions = new Revisions(settings, {
      onAdded: (revision) => { for (const set of this.threadSets()) set.addRevision(revision) },
      onForgotten: (revision) => { for (const set of this.threadSets()) set.forgetRevision(revision) }
    })
  }

  get hasThreads (): boolean { return this.threads !== null }
  get inFlight (): number { return this.admission.inFlight }
  get queueDepth (): number { return this.admission.queueDepth }
  get queueBlocked (): number { return this.admission.queueBlocked }
  get droppedCount (): number { return this.sheds.high + this.sheds.normal + this.sheds.low }
  get jobSlots (): { used: number, free: number } { return { used: this.slots.usedCount, free: this.slots.freeCount } }

  liveThreads (): PoolThread[] {
    return this.threads?.live ?? []
  }

  /** The models that have limits of their own. */
  readLanes (): LaneReading[] {
    return this.admission.readLanes()
  }

  submit (listener: JobListener, settings: ProviderSettings, head: JobHead, body: readonly Uint8Array[], bodyBytes: number, terms: JobTerms): Job {
    if (this.closed) throw new GatewayError('BIFROST_SHUTTING_DOWN', { message: `provider ${this.settings.name} is shutting down` })
    this.startThreads()
    const job = this.slots.acquire()
    job.listener = listener
    job.head = head
    job.body = body
    job.bodyBytes = bodyBytes
    job.submittedAtMs = this.options.nowMs()
    job.terms = terms
    job.rank = priorities.indexOf(terms.priority)
    job.revision = this.revisions.enter(settings)
    if (!this.admission.offer(job)) {
      const displaced = this.admission.displace(job)
      const dropped = displaced ?? job
      const error = this.toDropped(dropped)
      const displacedListener = this.endJob(dropped)
      if (displaced === null) throw error
      displacedListener?.onFailed(error, error.headers, noUsage, 0)
    }
    this.pump()
    return job
  }

  /** Does nothing where they have started, or where the pool is closed. */
  startThreads (): void {
    if (this.threads !== null || this.closed) return
    this.threads = this.createThreads(this.settings)
    this.watchHeartbeats()
  }

  observe (model: string, stream: boolean, latencyMs: number, verdict: LimitVerdict): void {
    this.admission.observe(model, stream, latencyMs, verdict, this.options.nowMs())
    // All others come with results, after which the queue is looked at anyway.
    if (verdict === 'abandoned') this.pump()
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

  /** Settings that count from now on; jobs that are queued or run keep theirs. */
  apply (settings: ProviderSettings, dropExcess: boolean): void {
    this.settings = settings
    this.admission.setLimits(toLimits(settings, dropExcess))
    this.revisions.turnTo(settings)
    this.resizeThreads(settings)
    if (this.threads !== null) this.pump()
  }

  /** Resolves when no job is queued or runs. */
  async whenIdle (): Promise<void> {
    if (this.slots.usedCount > 0) await new Promise<void>((resolve) => { this.idleListeners.push(resolve) })
  }

  /** Takes no more jobs; resolves when the last one has ended and the threads are gone. */
  async close (): Promise<void> {
    this.closed = true
    await this.whenIdle()
    await Promise.all(this.threadSets().map((set) => set.drain()))
    await this.destroy()
  }

  /** Ends the threads now. */
  async destroy (): Promise<void> {
    this.closed = true
    this.destroyed = true
    this.endHeartbeatTimer?.()
    this.endRingTimer?.()
    await Promise.all(this.threadSets().map((set) => set.destroy()))
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

  private watchHeartbeats (): void {
    this.endHeartbeatTimer = this.setTimer(() => {
      this.watchHeartbeats()
      this.serviceRate.read(this.finishedCount, this.options.nowMs())
      for (const set of this.threadSets()) set.lookAtHeartbeats()
    }, heartbeatLookMs)
  }

  /** Threads of another number or memory: the old ones serve until all new ones are ready. */
  private resizeThreads (settings: ProviderSettings): void {
    const { threads, ringBytes, maxHeapMb } = this.threadSettings
    if (this.threads === null || (threads === settings.threads && ringBytes === settings.ringBytes && maxHeapMb === settings.maxHeapMb)) return
    if (this.nextThreads !== null) this.leave(this.nextThreads)
    this.nextThreads = this.createThreads(settings)
  }

  private createThreads (settings: ProviderSettings): ThreadSet {
    const { createThreads } = this.options
    this.threadSettings = settings
    return new ThreadSet(createThreads === undefined ? new PiscinaThreads(settings) : createThreads(settings), settings.threads, {
      setTimer: this.setTimer,
      revisions: () => this.revisions.all,
      onReady: (set) => {
        if (set === this.nextThreads && set.isReady) this.switchThreads(set)
        this.pump()
      },
      onBatch: (batch) => {
        readResultBatch(batch, this)
        this.pump()
      },
      onLost: (thread, reason, error) => { this.loseJobs(thread, reason, error) }
    })
  }

  private switchThreads (next: ThreadSet): void {
    if (this.threads !== null) this.leave(this.threads)
    this.threads = next
    this.nextThreads = null
  }

  private leave (set: ThreadSet): void {
    this.leaving.add(set)
    void set.drain().finally(() => { this.leaving.delete(set) })
  }

  private threadSets (): ThreadSet[] {
    return [this.threads, this.nextThreads, ...this.leaving].filter((set) => set !== null)
  }

  /** A thread has died, another one takes its place. */
  private loseJobs (thread: PoolThread, reason: ThreadEndReason, error: unknown): void {
    if (this.destroyed) return
    this.restarts.set(reason, (this.restarts.get(reason) ?? 0) + 1)
    this.options.onThreadEnd(this.settings.name, thread.index, reason, error)
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
    if (this.admission.waiting === 0) return
    const nowMs = this.options.nowMs()
    for (let job = this.admission.peek(nowMs); job !== null; job = this.admission.peek(nowMs)) {
      if ((job.terms as JobTerms).deadlineMs <= nowMs) {
        this.failLate(job)
        continue
      }
      const thread = this.threads?.leastLoaded() ?? null
      if (thread === null) return
      if (!thread.send(job)) {
        this.endRingTimer ??= this.setTimer(() => {
          this.endRingTimer = null
          this.pump()
        }, ringRetryMs)
        return
      }
      this.options.onSent?.(thread)
      this.admission.admit(job)
      job.state = 'running'
      job.thread = thread
      const queueMs = nowMs - job.submittedAtMs
      this.options.onQueueWait(queueMs / 1000)
      job.listener?.onDispatched(queueMs)
    }
  }

  /** Its client has stopped waiting, or is about to. */
  private failLate (job: Job): void {
    this.admission.leave(job)
    const error = new GatewayError('BIFROST_DEADLINE_EXCEEDED', { message: `The time of the request was over before its turn came in the queue of ${this.settings.name}.`, provider: this.settings.name })
    this.endJob(job)?.onFailed(error, '', noUsage, 0)
  }

  private toDropped (job: Job): GatewayError {
    this.sheds[priorities[job.rank] as Priority]++
    const retryAfterSeconds = this.serviceRate.secondsFor(this.admission.waiting, this.finishedCount, this.options.nowMs())
    return new GatewayError('BIFROST_REQUEST_DROPPED', { provider: this.settings.name, retryAfterSeconds })
  }

  /** @returns the listener to tell, once the slot is free again; null for a frame that came too late */
  private endRunning (jobId: number): JobListener | null {
    const job = this.slots.find(jobId)
    if (job === null || job.state !== 'running') return null
    if (job.thread !== null) job.thread.inFlight--
    this.admission.finish(job)
    this.finishedCount++
    return this.endJob(job)
  }

  private endJob (job: Job): JobListener | null {
    const { listener, revision } = job
    this.slots.release(job)
    this.revisions.leave(revision as Revision)
    if (this.idleListeners.length > 0 && this.slots.usedCount === 0) for (const tell of this.idleListeners.splice(0)) tell()
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

/** A connection carries one request at a time, so fewer connections mean fewer attempts at once. */
function toLimits ({ concurrency, connectionsPerOrigin, bufferSize, adaptiveConcurrency }: ProviderSettings, dropExcess: boolean): AdmissionLimits {
  return { concurrency: Math.min(concurrency, connectionsPerOrigin), bufferSize, dropExcess, adaptive: adaptiveConcurrency }
}
