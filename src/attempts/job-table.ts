import type { MessagePort } from 'node:worker_threads'
import type { MockSettings, ProviderSettings } from '../api/settings.ts'
import { jobFrameKinds } from '../frames/kinds.ts'
import { readJobFrame } from '../frames/job-frame.ts'
import type { JobFrame } from '../api/job.ts'
import { createOpenAiAdapter } from '../providers/openai/adapter.ts'
import { Upstream } from '../upstream/upstream.ts'
import { tickMs } from './attempt.ts'
import type { Attempt } from './attempt.ts'
import type { AttemptContext } from './http-attempt.ts'
import { MockAttempt } from './mock-attempt.ts'
import { Results } from './results.ts'
import { SlotMap } from './slot-map.ts'
import { StreamAttempt } from './stream-attempt.ts'
import { UnaryAttempt } from './unary-attempt.ts'

/** A tick that comes later than this says that the thread stood still. */
const lateTickMs = 3 * tickMs

/** The jobs that this thread has in hand. It starts, steers and times them; it retries nothing. */
export class JobTable {
  private readonly settings: ProviderSettings
  private readonly results: Results
  /** What HTTP attempts share; null for the mock, which has no upstream. */
  private readonly context: AttemptContext | null
  private readonly takeBody: (jobId: number) => Buffer
  private readonly attempts = new SlotMap<Attempt>()
  private ticker: NodeJS.Timeout | null = null
  private lastTickMs = 0
  private onDrained: (() => void) | null = null
  private draining = false

  /** @param takeBody gives the body of a job that came through the port */
  constructor (settings: ProviderSettings, port: MessagePort, takeBody: (jobId: number) => Buffer) {
    this.settings = settings
    this.takeBody = takeBody
    this.results = new Results(port, () => this.attempts.size)
    this.context = settings.kind === 'mock'
      ? null
      : { settings, adapter: createOpenAiAdapter(settings), upstream: new Upstream(settings), results: this.results, onSettled: this.remove }
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

  async destroy (): Promise<void> {
    if (this.ticker !== null) clearInterval(this.ticker)
    await this.context?.upstream.destroy()
  }

  private start (job: JobFrame): void {
    if (job.bodyInPort) job.body = this.takeBody(job.id)
    const nowMs = performance.now()
    const attempt = this.context === null
      ? new MockAttempt(this.settings.name, this.settings.mock as MockSettings, job, this.results, this.remove, nowMs)
      : job.stream ? new StreamAttempt(this.context, job, nowMs) : new UnaryAttempt(this.context, job, nowMs)
    this.attempts.set(job.id, attempt)
    if (this.ticker === null) {
      this.lastTickMs = nowMs
      this.ticker = setInterval(this.tick, tickMs)
    }
    attempt.start()
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
