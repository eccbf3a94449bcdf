import type { MockSettings } from '../api/settings.ts'
import { createUsage } from '../api/usage.ts'
import type { Usage } from '../api/usage.ts'
import { GatewayError } from '../errors.ts'
import { streamWindowBytes } from '../frames/kinds.ts'
import type { JobFrame } from '../api/job.ts'
import type { StreamTranslator } from '../providers/adapter.ts'
import { toMockEvents, toMockReply } from '../providers/mock/answers.ts'
import { createMockTranslator, toClientBody, toMockJob } from '../translation/mock-translation.ts'
import { SseSplitter } from '../upstream/sse-splitter.ts'
import type { SseEvent } from '../upstream/sse-splitter.ts'
import type { Attempt } from './attempt.ts'
import type { Results } from './results.ts'

/** Model names that fail on purpose: `fail-429` answers 429. */
const failingModel = /^fail-([45]\d\d)$/

/**
 * The embedded provider: answers inside the worker thread, without a socket, on the clock that its
 * settings describe. Its streams pass the same splitter and translator as a real provider's.
 */
export class MockAttempt implements Attempt {
  private readonly settings: MockSettings
  private readonly job: JobFrame
  private readonly results: Results
  private readonly onSettled: (jobId: number) => void
  private readonly startedAtMs: number
  private readonly splitter = new SseSplitter(1024 * 1024)
  private readonly provider: string
  /** Made when a stream begins. */
  private translator: StreamTranslator | null = null
  private timer: NodeJS.Timeout | null = null
  private events: string[] = []
  private nextEvent = 0
  private usage: Usage = createUsage()
  private uncreditedBytes = 0
  private paused = false
  private settled = false

  constructor (provider: string, settings: MockSettings, job: JobFrame, results: Results, onSettled: (jobId: number) => void, nowMs: number) {
    this.settings = settings
    this.job = job
    this.results = results
    this.onSettled = onSettled
    this.startedAtMs = nowMs
    this.provider = provider
  }

  start (): void {
    const { latencyMs, jitterMs } = this.settings
    const delayMs = latencyMs + (jitterMs > 0 ? (Math.random() * 2 - 1) * jitterMs : 0)
    if (delayMs <= 0) this.tryToAnswer()
    else this.timer = setTimeout(() => { this.tryToAnswer() }, delayMs)
  }

  cancel (): void {
    // An event a token, behind the one that opens.
    this.usage = createUsage(this.usage.inputTokens, Math.min(this.usage.outputTokens, Math.max(0, this.nextEvent - 1)))
    this.fail(new GatewayError('BIFROST_CLIENT_CLOSED'))
  }

  credit (bytes: number): void {
    this.uncreditedBytes -= bytes
    if (!this.paused || this.uncreditedBytes > streamWindowBytes / 2) return
    this.paused = false
    this.stream()
  }

  tick (_nowMs: number): void {}

  private tryToAnswer (): void {
    const failure = this.failure()
    if (failure !== null) return this.fail(failure)
    // Outside the net: it is to end the thread.
    if (this.settings.threadFaults) harmThread(this.job.model)
    try {
      this.answer()
    } catch (cause) {
      // A request that its dialect does not allow is refused, as by any provider.
      this.fail(cause instanceof GatewayError ? cause : new GatewayError('BIFROST_INTERNAL', { cause }))
    }
  }

  private answer (): void {
    const createdSeconds = Math.floor(Date.now() / 1000)
    if (this.job.stream) {
      this.translator = createMockTranslator(this.provider, this.job)
      const { events, inputTokens, outputTokens } = toMockEvents(this.settings, this.job, createdSeconds)
      this.events = events
      this.usage = createUsage(inputTokens, outputTokens)
      this.results.head(this.job.id, 200, '', this.elapsedMicroseconds())
      return this.stream()
    }
    const { body: openAiBody, inputTokens, outputTokens } = toMockReply(this.settings, toMockJob(this.job), createdSeconds)
    const body = toClientBody(this.job, openAiBody)
    this.settle()
    this.results.reply(this.job.id, {
      status: 200, usage: createUsage(inputTokens, outputTokens), upstreamMicroseconds: this.elapsedMicroseconds(), spliceOffset: this.job.dialect === 'openai' ? body.length - 1 : -1, headers: '', raw: '', body
    })
  }

  /** Sends what is due: everything at once, or an event per tick of `tokensPerSecond`. */
  private stream (): void {
    const due = this.settings.tokensPerSecond > 0 ? this.nextEvent + 1 : this.events.length
    this.results.openChunk(this.job.id)
    while (this.nextEvent < due) this.splitter.push(Buffer.from(this.events[this.nextEvent++] as string), this.writeEvent)
    this.uncreditedBytes += this.results.closeChunk()
    if (this.nextEvent === this.events.length) {
      this.settle()
      this.results.end(this.job.id, this.usage, this.elapsedMicroseconds())
    } else if (this.uncreditedBytes >= streamWindowBytes) {
      this.paused = true
    } else {
      this.timer = setTimeout(() => { this.stream() }, 1000 / this.settings.tokensPerSecond)
    }
  }

  private readonly writeEvent = (event: SseEvent): void => {
    const translator = this.translator as StreamTranslator
    const kind = translator.classify(event)
    if (kind !== 'hidden') translator.write(event, kind, Math.round(performance.now() - this.startedAtMs), this.results)
  }

  private failure (): GatewayError | null {
    const byModel = failingModel.exec(this.job.model)?.[1]
    const byChance = this.settings.failureProbability > 0 && Math.random() < this.settings.failureProbability
    if (byModel === undefined && !byChance) return null
    const status = byModel === undefined ? this.settings.failureStatus : Number(byModel)
    return new GatewayError('BIFROST_UPSTREAM_STATUS', { status, type: 'mock_error', upstreamCode: `mock_${status}`, message: `The mock provider was told to fail with ${status}.` })
  }

  private fail (error: GatewayError): void {
    if (this.settled) return
    this.settle()
    this.results.failed(this.job.id, error, '', this.usage, this.elapsedMicroseconds())
  }

  private settle (): void {
    this.settled = true
    if (this.timer !== null) clearTimeout(this.timer)
    this.onSettled(this.job.id)
  }

  private elapsedMicroseconds (): number {
    return Math.round((performance.now() - this.startedAtMs) * 1000)
  }
}

/** Fault drills, only where the config allows them. */
function harmThread (model: string): void {
  if (model === 'exit-thread') process.exit(1)
  if (model === 'throw-thread') throw new Error('The model throw-thread was asked for.')
  if (model === 'spin-thread') for (;;);
  if (model === 'exhaust-heap') {
    const hoard: unknown[] = []
    for (;;) hoard.push(new Array(1024).fill({}))
  }
}
