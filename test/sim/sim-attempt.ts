import type { JobFrame } from '../../src/api/job.ts'
import { GatewayError, toErrorRecord } from '../../src/errors.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { streamWindowBytes } from '../../src/frames/kinds.ts'
import type { SimThread } from './sim-thread.ts'
import { toError } from './weather.ts'
import type { Script } from './weather.ts'
import type { Note, World } from './world.ts'
import { createUsage } from '../../src/api/usage.ts'

const noUsage = createUsage()
export const endMark = 'data: [DONE]\n\n'

/** An attempt on the side of the thread and its upstream: it plays its script and keeps the deadlines that a thread keeps. */
export class SimAttempt {
  /** In its answer, so that clients know whose bytes they got. */
  readonly number: number
  readonly note: Note
  readonly script: Script
  readonly replyText: string
  readonly thread: SimThread
  paused = false
  pausedAtMs = 0
  ended = false
  private readonly world: World
  private readonly job: JobFrame
  private readonly startedAtMs: number
  private sentEvents = 0
  private uncreditedBytes = 0
  private endStep: (() => void) | null = null
  private endTotal: (() => void) | null = null

  constructor (world: World, thread: SimThread, job: JobFrame, note: Note, script: Script) {
    this.world = world
    this.thread = thread
    this.job = job
    this.note = note
    this.script = script
    this.number = world.attempts.length
    this.startedAtMs = world.nowMs
    this.replyText = `{"attempt":${this.number},"request":${note.ask.id},"text":"${'y'.repeat(note.ask.id % 50)}"}`
    world.attempts.push(this)
  }

  /** The stream is whole, and the upstream said so. */
  get isComplete (): boolean { return this.script.ending === null }

  start (): void {
    const { script, job } = this
    const { timeouts } = this.note.settings
    if (script.mood === 'hung') return
    this.endTotal = this.later(job.stream ? timeouts.streamTotalMs : timeouts.totalMs, () => { this.fail('BIFROST_TOTAL_TIMEOUT') })
    const firstEventMs = script.mood === 'late_first_token' && job.stream ? Infinity : script.firstByteMs
    if (script.mood === 'connect_silence') return this.next(timeouts.connectMs, () => { this.fail('BIFROST_CONNECT_TIMEOUT') })
    const headLimitMs = script.mood === 'late_first_token' ? Infinity : timeouts.responseHeaderMs
    const limitMs = Math.min(headLimitMs, job.stream ? timeouts.firstTokenMs : Infinity)
    if (firstEventMs <= limitMs) return this.next(firstEventMs, () => { this.begin() })
    if (limitMs < Infinity) this.next(limitMs, () => { this.fail(limitMs === headLimitMs ? 'BIFROST_RESPONSE_HEADER_TIMEOUT' : 'BIFROST_FIRST_TOKEN_TIMEOUT') })
  }

  cancel (): void {
    if (!this.ended) this.fail('BIFROST_CLIENT_CLOSED')
  }

  credit (bytes: number): void {
    this.uncreditedBytes -= bytes
    if (this.ended || !this.paused || this.uncreditedBytes > streamWindowBytes / 2) return
    this.paused = false
    this.next(this.script.gapMs, () => { this.sendEvent() })
  }

  /** Its thread has ended, and its connection with it. */
  vanish (): void {
    this.finish()
  }

  private begin (): void {
    const { script, job, thread } = this
    if (!job.stream) {
      if (script.ending === 'silence' || script.ending !== null) return this.refuse()
      const body = Buffer.from(this.replyText)
      this.finish()
      return thread.result((batch) => { batch.reply(job.id, { status: 200, usage: noUsage, upstreamMicroseconds: this.elapsed(), spliceOffset: body.length - 1, headers: '', raw: '', body }) })
    }
    if (script.events === 0) return this.refuse()
    thread.result((batch) => { batch.head(job.id, 200, '', this.elapsed()) })
    this.sendEvent()
  }

  private sendEvent (): void {
    const { script, job, thread } = this
    const start = `data: ${this.number}.${this.sentEvents++} `
    const text = `${start}${'x'.repeat(Math.max(0, script.eventBytes - start.length))}\n\n`
    thread.result((batch) => {
      batch.openChunk(job.id)
      batch.appendAscii(text)
      this.uncreditedBytes += batch.closeChunk()
    })
    if (this.sentEvents >= script.events) return this.next(script.gapMs, () => { this.finishStream() })
    if (this.uncreditedBytes >= streamWindowBytes) {
      this.paused = true
      this.pausedAtMs = this.world.nowMs
    } else this.next(script.gapMs, () => { this.sendEvent() })
  }

  private finishStream (): void {
    const { script, job, thread } = this
    if (script.ending === 'silence') return this.next(this.note.settings.timeouts.streamIdleMs, () => { this.fail('BIFROST_STREAM_IDLE_TIMEOUT') })
    if (script.ending !== null) return this.refuse()
    this.finish()
    thread.result((batch) => {
      batch.openChunk(job.id)
      batch.appendAscii(endMark)
      batch.closeChunk()
      batch.end(job.id, noUsage, this.elapsed())
    })
  }

  private refuse (): void {
    const { ending } = this.script
    if (ending === null) return
    // Silence before anything was said is the first event's deadline, of unary answers the total one.
    if (ending === 'silence') return this.job.stream ? this.next(this.note.settings.timeouts.firstTokenMs, () => { this.fail('BIFROST_FIRST_TOKEN_TIMEOUT') }) : undefined
    this.failWith(toError(ending), ending.headers)
  }

  private fail (code: ErrorCode): void {
    this.failWith(new GatewayError(code), '')
  }

  private failWith (error: GatewayError, headers: string): void {
    this.finish()
    this.thread.result((batch) => { batch.failed(this.job.id, { error: toErrorRecord(error), headers, usage: noUsage, upstreamMicroseconds: this.elapsed() }) })
  }

  private finish (): void {
    this.ended = true
    this.endStep?.()
    this.endTotal?.()
    this.note.provider.live.delete(this)
    this.thread.remove(this.job.id)
  }

  private elapsed (): number {
    return Math.round((this.world.nowMs - this.startedAtMs) * 1_000)
  }

  private next (waitMs: number, run: () => void): void {
    this.endStep = this.later(waitMs, run)
  }

  /** A thread in an endless loop does nothing more. */
  private later (waitMs: number, run: () => void): () => void {
    return this.world.clock.after(waitMs, () => { if (!this.thread.stuck && !this.ended) run() })
  }
}
