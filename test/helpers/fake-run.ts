import type { AnswerIdentity, Client, FailureContext } from '../../src/api/client.ts'
import type { JobHead } from '../../src/api/job.ts'
import { parseRequest } from '../../src/api/parse-request.ts'
import type { Reply } from '../../src/api/reply.ts'
import type { ProviderSettings } from '../../src/api/settings.ts'
import { GatewayError } from '../../src/errors.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { Job } from '../../src/pool/job.ts'
import type { JobListener, JobPool } from '../../src/pool/job.ts'
import { Generation } from '../../src/reload/generation.ts'
import { RequestRun } from '../../src/request-run.ts'
import type { GatewayContext } from '../../src/gateway-context.ts'
import type { BreakerState } from '../../src/router/breaker.ts'
import { Health } from '../../src/router/health.ts'
import { Identities } from '../../src/router/identity.ts'
import { createSettings } from '../router/settings.ts'
import { createRandom } from './random.ts'
import { openAiRoute } from './routes.ts'
import { createUsage } from '../../src/api/usage.ts'

const noUsage = createUsage()

/** A clock that stands still until it is told to go on, with its timers. */
class FakeClock {
  /** An attempt that was dispatched at 0 would count as queued. */
  nowMs = 1_000
  private readonly timers = new Set<{ dueMs: number, run: () => void }>()

  get timerCount (): number {
    return this.timers.size
  }

  setTimer (run: () => void, waitMs: number): () => void {
    const timer = { dueMs: this.nowMs + waitMs, run }
    this.timers.add(timer)
    return () => { this.timers.delete(timer) }
  }

  /** Runs what is due up to then, in order. */
  advance (durationMs: number): void {
    const untilMs = this.nowMs + durationMs
    for (;;) {
      const [next] = [...this.timers].filter(({ dueMs }) => dueMs <= untilMs).sort((one, other) => one.dueMs - other.dueMs)
      if (next === undefined) break
      this.nowMs = Math.max(this.nowMs, next.dueMs)
      this.timers.delete(next)
      next.run()
    }
    this.nowMs = untilMs
  }
}

/** One attempt as a pool sees it; its methods are what a worker would send back. */
export class FakeJob {
  readonly job = new Job()
  readonly listener: JobListener
  readonly head: JobHead
  cancelCount = 0
  creditBytes = 0

  constructor (listener: JobListener, head: JobHead) {
    this.listener = listener
    this.head = head
    this.job.state = 'queued'
  }

  dispatch (queueMs = 0): void {
    this.job.state = 'running'
    this.listener.onDispatched(queueMs)
  }

  reply (text = '{}', upstreamMicroseconds = 0): void {
    this.listener.onReply({ status: 200, usage: createUsage(1, 2), upstreamMicroseconds, spliceOffset: -1, headers: '', raw: '', body: Buffer.from(text) })
  }

  beginStream (text = 'data: 1\n\n'): void {
    this.listener.onHead(200, '', 0)
    this.listener.onChunk(Buffer.from(text))
  }

  fail (code: ErrorCode, status?: number, headers = ''): void {
    this.listener.onFailed(new GatewayError(code, status === undefined ? {} : { status }), headers, noUsage, 0)
  }
}

/** Takes jobs and does nothing with them. */
export class FakePool implements JobPool {
  readonly jobs: FakeJob[] = []
  /** Jobs stay in the queue until they are dispatched by hand. */
  holds = false
  /** Refuses every job with this. */
  refusal: unknown = null
  timeoutCount = 0

  get last (): FakeJob {
    return this.jobs.at(-1) as FakeJob
  }

  submit (listener: JobListener, _settings: ProviderSettings, head: JobHead): Job {
    if (this.refusal !== null) throw this.refusal
    const job = new FakeJob(listener, head)
    this.jobs.push(job)
    if (!this.holds) job.dispatch()
    return job.job
  }

  cancel (job: Job): void {
    const found = this.find(job)
    found.cancelCount++
    // As the real pool does: a queued job ends in the call, a running one some time later.
    if (job.state === 'queued') found.fail('BIFROST_CLIENT_CLOSED')
  }

  credit (job: Job, bytes: number): void {
    this.find(job).creditBytes += bytes
  }

  countTimeout (): void {
    this.timeoutCount++
  }

  observe (): void {}

  private find (job: Job): FakeJob {
    const found = this.jobs.find((one) => one.job === job)
    if (found === undefined) throw new Error('a job of another pool')
    return found
  }
}

/** Notes what a client gets. */
export class FakeClient implements Client {
  readonly calls: string[] = []
  identity: AnswerIdentity | null = null
  error: GatewayError | null = null
  context: FailureContext | null = null
  headers = ''
  text = ''

  answer (identity: AnswerIdentity, reply: Reply): void {
    this.calls.push('answer')
    this.identity = identity
    this.headers = reply.headers
    this.text = Buffer.from(reply.body).toString('utf8') + reply.raw
  }

  openStream (identity: AnswerIdentity, _status: number, headers: string): void {
    this.calls.push('openStream')
    this.identity = identity
    this.headers = headers
  }

  write (bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString('utf8')
  }

  closeStream (): void {
    this.calls.push('closeStream')
  }

  fail (error: GatewayError, context: FailureContext): void {
    this.calls.push('fail')
    this.error = error
    this.context = context
  }
}

export interface RunOptions {
  stream?: boolean
  fallbacks?: string[]
  headers?: Record<string, string>
}

/** What requests run in: real plans, breakers and attempts, with a clock, pools and clients that the test moves. */
export class FakeWorld {
  readonly clock = new FakeClock()
  readonly health = new Health()
  readonly pools: Map<string, FakePool>
  readonly breakerChanges: BreakerState[] = []
  private readonly providers: readonly ProviderSettings[]
  private readonly context: GatewayContext

  constructor (providers: readonly ProviderSettings[], seed = 1) {
    this.providers = providers
    this.pools = new Map(providers.map(({ name }) => [name, new FakePool()]))
    this.context = {
      health: this.health,
      identities: new Identities(),
      nowMs: () => this.clock.nowMs,
      nowEpochMs: () => this.clock.nowMs,
      random: createRandom(seed),
      setTimer: (run, waitMs) => this.clock.setTimer(run, waitMs),
      onBreakerChange: (_target, state) => { this.breakerChanges.push(state) },
      costUsd: () => null
    }
  }

  pool (name: string): FakePool {
    return this.pools.get(name) as FakePool
  }

  /** As if so many good answers had taken so long. */
  learn (provider: string, count: number, latencyMs: number): void {
    for (let index = 0; index < count; index++) this.health.of(provider).observeLatency(latencyMs)
  }

  /** A chat request, started. */
  ask (model: string, { stream = false, fallbacks, headers = {} }: RunOptions = {}): { run: RequestRun, client: FakeClient } {
    const client = new FakeClient()
    const body = Buffer.from(JSON.stringify({ model, messages: [], stream, fallbacks }))
    const run = new RequestRun(new Generation(createSettings(this.providers), this.pools), this.context, {
      id: 'id', dialect: 'openai', defaultProvider: null, method: 'POST', resource: '', passthroughTo: null, jsonArray: false, operation: 'chat_completion', headers: Object.entries(headers).flat(), body, parsed: parseRequest(openAiRoute('chat_completion'), body), receivedAtMs: this.clock.nowMs
    }, client)
    run.start()
    return { run, client }
  }
}
