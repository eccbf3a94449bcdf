import type { MessagePort } from 'node:worker_threads'
import type { MockSettings, ProviderSettings } from '../api/settings.ts'
import { jobFrameKinds } from '../frames/kinds.ts'
import { readJobFrame } from '../frames/job-frame.ts'
import type { JobFrame } from '../api/job.ts'
import type { CreateAdapter } from '../translation/adapters.ts'
import { Upstreams } from '../upstream/upstreams.ts'
import { tickMs } from './attempt.ts'
import type { Attempt } from './attempt.ts'
import type { AttemptContext } from './http-attempt.ts'
import { MockAttempt } from './mock-attempt.ts'
import { PortInbox } from './port-inbox.ts'
import { Results } from './results.ts'
import { SlotMap } from './slot-map.ts'
import { StreamAttempt } from './stream-attempt.ts'
import { UnaryAttempt } from './unary-attempt.ts'

/** A tick that comes later than this says that the thread stood still. */
const lateTickMs = 3 * tickMs

/** The jobs that this thread has in hand. It starts, steers and times them; it retries nothing. */
export class JobTable {
  /** What comes through the port. */
  readonly inbox: PortInbox
  readonly results: Results
  private readonly createAdapter: CreateAdapter
  private readonly upstreams: Upstreams
  /** What HTTP attempts share, by revision of the settings. */
  private readonly contexts = new Map<number, AttemptContext>()
  private readonly attempts = new SlotMap<Attempt>()
  private ticker: NodeJS.Timeout | null = null
  private lastTickMs = 0
  private onDrained: (() => void) | null = null
  private draining = false

  constructor (port: MessagePort, createAdapter: CreateAdapter) {
    this.createAdapter = createAdapter
    this.inbox = new PortInbox(port, {
      // At once: versions that connect alike share sockets, and those must outlive the moment between one version and the next.
      onSettings: (revision, settings) => { if (settings.kind !== 'mock') this.addContext(revision, settings) },
      onForget: (revision) => { this.forget(revision) }
    })
    this.results = new Results(port, () => this.attempts.size)
    this.upstreams = new Upstreams(this.results.foretell)
  }

  /** Takes one ring frame; an unknown kind throws, which ends the thread. */
  readonly handle = (kind: number, jobId: number, data: Buffer, offset: number): void => {
    switch (kind) {
      case jobFrameKinds.attempt: return this.start(readJobFrame(jobId, data, offset))
      case jobFrameKinds.cancel: return this.attempts.get(jobId)?.cancel()
      case jobFrameKinds.credit: return this.attempts.get(jobId)?.credit(data.readUInt32LE(offset))
      case jobFrameKinds.drain: return this.drain()
      default: throw new RangeError(`unknown job frame kind ${kind}`)
    }
  }

  /** @returns when the drain frame has come and every job has ended */
  whenDrained (): Promise<void> {
    return new Promise((resolve) => { this.onDrained = resolve })
  }

  private forget (revision: number): void {
    const context = this.contexts.get(revision)
    if (context === undefined) return
    this.contexts.delete(revision)
    this.upstreams.giveBack(context.settings)
  }

  async destroy (): Promise<void> {
    if (this.ticker !== null) clearInterval(this.ticker)
    await this.upstreams.destroy()
  }

  private start (job: JobFrame): void {
    if (job.bodyInPort) job.body = this.inbox.takeBody(job.id)
    const attempt = this.create(job)
    this.attempts.set(job.id, attempt)
    if (this.ticker === null) {
      this.lastTickMs = performance.now()
      this.ticker = setInterval(this.tick, tickMs)
    }
    attempt.start()
  }

  private create (job: JobFrame): MockAttempt | StreamAttempt | UnaryAttempt {
    const nowMs = performance.now()
    const { kind, name, mock } = this.inbox.settingsOf(job.revision)
    if (kind === 'mock') return new MockAttempt(name, mock as MockSettings, job, this.results, this.remove, nowMs)
    const context = this.contexts.get(job.revision) as AttemptContext
    return job.stream && context.adapter.isWhole?.(job) !== true ? new StreamAttempt(context, job, nowMs) : new UnaryAttempt(context, job, nowMs)
  }

  private addContext (revision: number, settings: ProviderSettings): void {
    this.contexts.set(revision, { settings, adapter: this.createAdapter(settings), upstream: this.upstreams.take(settings), results: this.results, onSettled: this.remove })
  }

  private readonly tick = (): void => {
    const nowMs = performance.now()
    const late = nowMs - this.lastTickMs > lateTickMs
    this.lastTickMs = nowMs
    // After a stall the answers that came meanwhile still wait in their sockets; they are read before the next tick.
    if (late) return
    this.attempts.forEach((attempt) => { attempt.tick(nowMs) })
    if (this.attempts.size > 0 || this.ticker === null) return
    clearInterval(this.ticker)
    this.ticker = null
  }

  private readonly remove = (jobId: number): void => {
    this.attempts.delete(jobId)
    if (this.draining && this.attempts.size === 0) setImmediate(() => { this.onDrained?.() })
  }

  private drain (): void {
    this.draining = true
    if (this.attempts.size === 0) setImmediate(() => { this.onDrained?.() })
  }
}
