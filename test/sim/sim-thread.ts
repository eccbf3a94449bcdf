import type { JobFrame } from '../../src/api/job.ts'
import { readJobFrame, sizeOfJobFrame, writeJobFrame } from '../../src/frames/job-frame.ts'
import { ResultBatch } from '../../src/frames/result-frame.ts'
import type { Job } from '../../src/pool/job.ts'
import type { Revision } from '../../src/pool/revisions.ts'
import type { PoolThread, ThreadEndReason, ThreadEvents, Threads } from '../../src/pool/provider-thread.ts'
import { SimAttempt } from './sim-attempt.ts'
import { WatchedListener } from './watched-pool.ts'
import { drawScript } from './weather.ts'
import type { Mood, Weather } from './weather.ts'
import type { Note, ProviderWorld, World } from './world.ts'

/** Missed looks after which a thread counts as stuck, as in the real one. */
const missedLooksMax = 4
/** A frame and a batch take up to this long, in milliseconds. */
const frameMsMax = 0.5

/** The threads of one provider in memory. They die and hang as the provider's plan says. */
export class SimThreads implements Threads {
  private readonly world: World
  private readonly provider: ProviderWorld
  private readonly own = new Set<SimThread>()

  constructor (world: World, provider: ProviderWorld) {
    this.world = world
    this.provider = provider
  }

  start (index: number, revisions: readonly Revision[], events: ThreadEvents): PoolThread {
    const { provider } = this
    const thread = new SimThread(this.world, provider, index, revisions, {
      ...events,
      onEnd: (ended, reason, error) => {
        provider.threads.delete(thread)
        this.own.delete(thread)
        this.world.unsettled = true
        events.onEnd(ended, reason, error)
      }
    })
    provider.threads.add(thread)
    this.own.add(thread)
    return thread
  }

  async destroy (): Promise<void> {
    for (const thread of [...this.own]) thread.end('exit')
  }
}

/** A worker thread in memory: jobs and results cross it as frames, late and in order. */
export class SimThread implements PoolThread {
  readonly index: number
  readonly ringUsedBytes = 0
  readonly ringCapacityBytes = 0
  inFlight = 0
  ready = false
  hasServed = false
  /** In an endless loop: nothing moves until the missing heartbeat is noticed. */
  stuck = false
  private readonly world: World
  private readonly provider: ProviderWorld
  private readonly events: ThreadEvents
  private readonly attempts = new Map<number, SimAttempt>()
  private readonly revisions: Map<number, Revision>
  private readonly batch = new ResultBatch(4_096)
  private flushScheduled = false
  private lastArrivalMs = 0
  private missedLooks = 0
  private ended = false
  private draining = false
  private endLife: (() => void) | null = null

  constructor (world: World, provider: ProviderWorld, index: number, revisions: readonly Revision[], events: ThreadEvents) {
    this.world = world
    this.provider = provider
    this.index = index
    this.revisions = new Map(revisions.map((revision) => [revision.number, revision]))
    this.events = events
    const { draw, clock } = world
    const { threadStartMs, startFailureShare, threadLifeMs, stuckShare } = provider.plan
    const diesAtStart = world.isFaulty && draw.chance(startFailureShare)
    this.endLife = clock.after(threadStartMs * draw.between(0.5, 1.5), () => {
      this.endLife = null
      if (this.ended) return
      if (diesAtStart) return this.end('exit')
      this.ready = true
      world.note(`thread ${provider.name}.${index} ready`)
      if (threadLifeMs < Infinity) this.endLife = clock.after(draw.exponential(threadLifeMs), () => { this.die(draw.chance(stuckShare)) })
      events.onReady()
    })
  }

  expectJob (): void {}

  loopDelay (): { p50: number, p99: number, max: number } {
    return { p50: 0, p99: 0, max: 0 }
  }

  send (job: Job): boolean {
    const { world, provider } = this
    if (world.isFaulty && world.draw.chance(provider.plan.ringFullShare)) {
      provider.ringFullAtMs = world.nowMs
      return false
    }
    if (!(job.listener instanceof WatchedListener)) throw new Error('a job without its watched listener')
    const head = job.head as NonNullable<Job['head']>
    const size = sizeOfJobFrame(head, job.bodyBytes)
    const data = Buffer.allocUnsafe(size.totalBytes)
    writeJobFrame(data, 0, (job.revision as Revision).number, head, size, job.body)
    const frame = readJobFrame(job.id, data, 0)
    const { note } = job.listener
    this.inFlight++
    this.arrive(() => { this.take(frame, note) })
    return true
  }

  cancel (jobId: number): void {
    this.arrive(() => { this.attempts.get(jobId)?.cancel() })
  }

  credit (jobId: number, bytes: number): void {
    this.arrive(() => { this.attempts.get(jobId)?.credit(bytes) })
  }

  addRevision (revision: Revision): void {
    this.revisions.set(revision.number, revision)
  }

  forgetRevision (number: number): void {
    this.revisions.delete(number)
  }

  drain (): void {
    this.arrive(() => {
      this.draining = true
      this.remove(-1)
    })
  }

  lookAtHeartbeat (): void {
    this.missedLooks = this.ready && this.stuck ? this.missedLooks + 1 : 0
    if (this.missedLooks >= missedLooksMax) this.world.clock.after(0, () => { this.end('unresponsive') })
  }

  /** Writes frames that go to the front with the next batch. */
  result (write: (batch: ResultBatch) => void): void {
    write(this.batch)
    if (this.flushScheduled) return
    this.flushScheduled = true
    this.world.clock.after(this.world.draw.between(0, frameMsMax), () => { this.flush() })
  }

  remove (jobId: number): void {
    this.attempts.delete(jobId)
    if (this.draining && this.attempts.size === 0) this.world.clock.after(frameMsMax, () => { this.end('drained') })
  }

  end (reason: ThreadEndReason): void {
    if (this.ended) return
    // What was posted before the end may still be read, or not.
    if (!this.stuck && this.world.draw.chance(0.5)) this.flush()
    this.ended = true
    this.ready = false
    this.endLife?.()
    for (const attempt of [...this.attempts.values()]) attempt.vanish()
    this.world.note(`thread ${this.provider.name}.${this.index} ended: ${reason}`)
    this.events.onEnd(this, reason, null)
  }

  private die (loops: boolean): void {
    this.endLife = null
    if (!this.world.isFaulty || this.ended) return
    if (!loops) return this.end('exit')
    this.stuck = true
    this.world.note(`thread ${this.provider.name}.${this.index} is stuck`)
  }

  private flush (): void {
    this.flushScheduled = false
    if (this.ended || this.stuck || this.batch.isEmpty) return
    this.hasServed = true
    this.events.onBatch(this.batch.take())
  }

  /** Frames of the ring keep their order. */
  private arrive (run: () => void): void {
    const { clock, draw } = this.world
    this.lastArrivalMs = Math.max(this.lastArrivalMs, clock.nowMs + draw.between(0, frameMsMax))
    clock.after(this.lastArrivalMs - clock.nowMs, () => { if (!this.ended && !this.stuck) run() })
  }

  private take (frame: JobFrame, note: Note): void {
    const { world, provider } = this
    const { plan } = provider
    const revision = this.revisions.get(frame.revision)
    world.check(revision !== undefined, 'a thread knows the settings that a job was made under', () => `revision ${frame.revision} at ${provider.name}`, note.ask.id)
    world.check(revision?.settings === note.settings, 'a job runs under the settings that it was made with', () => `revision ${frame.revision} at ${provider.name}`, note.ask.id)
    const key = note.settings.keys[frame.keyIndex]?.id ?? ''
    const weather = plan.weather.find(({ untilMs }) => world.nowMs < untilMs) ?? plan.weather.at(-1) as Weather
    const mood: Mood = plan.deadKeys.has(key) ? 'key_refused' : world.isFaulty ? world.draw.weighted(weather.moods) : 'ok'
    const script = drawScript(world.draw, mood, frame.stream, weather.latencyMs, world.nowEpochMs)
    const attempt = new SimAttempt(world, this, frame, note, script)
    note.attempt = attempt
    this.attempts.set(frame.id, attempt)
    provider.live.add(attempt)
    world.note(`start ${note.ask.id} at ${provider.name} ${frame.model} ${key} ${mood}`)
    checkFrame(world, frame, note)
    world.check(provider.live.size <= provider.runningMax, 'the upstream never sees more than concurrency', () => `${provider.live.size} at ${provider.name}, allowed are ${provider.runningMax}`, note.ask.id)
    attempt.start()
  }
}

function checkFrame (world: World, frame: JobFrame, note: Note): void {
  const body = JSON.parse(frame.body.toString()) as { user?: string, model?: string, fallbacks?: unknown }
  const isRight = body.user === String(note.ask.id) && body.model === frame.model && body.fallbacks === undefined && frame.keyIndex === note.keyIndex && frame.stream === note.ask.stream
  world.check(isRight, 'a job reaches its upstream as it was meant', () => JSON.stringify({ body, model: frame.model, key: frame.keyIndex }), note.ask.id)
}
