import type { JobHead } from '../../src/api/job.ts'
import type { Reply } from '../../src/api/reply.ts'
import type { ProviderSettings } from '../../src/api/settings.ts'
import type { Usage } from '../../src/api/usage.ts'
import type { GatewayError } from '../../src/errors.ts'
import type { Job, JobListener, JobTerms } from '../../src/pool/job.ts'
import { ProviderPool } from '../../src/pool/provider-pool.ts'
import type { ProviderPoolOptions } from '../../src/pool/provider-pool.ts'
import { noteFailure, noteSuccess, replaceHops } from './attempt-rules.ts'
import type { TargetAttempt } from '../../src/target-attempt.ts'
import { noteHedge } from './hedge-rules.ts'
import { checkDisplaced, checkRefused, checkTaken, checkTurn } from './queue-rules.ts'
import { checkSubmit } from './submit-rules.ts'
import { concurrencyOf } from './world.ts'
import type { Note, ProviderWorld, World } from './world.ts'

/** The real pool. What goes in and what its owners are told is written down and checked on the way. */
export class WatchedPool extends ProviderPool {
  private readonly world: World
  private readonly provider: ProviderWorld

  constructor (world: World, provider: ProviderWorld, options: ProviderPoolOptions) {
    super(options)
    this.world = world
    this.provider = provider
  }

  override submit (listener: JobListener, settings: ProviderSettings, head: JobHead, body: readonly Uint8Array[], bodyBytes: number, terms: JobTerms): Job {
    const { world, provider } = this
    const { target } = listener as TargetAttempt
    const note = checkSubmit(world, provider, { target, settings, head, body, terms })
    const before = { waiting: provider.queued.size, running: provider.running.size }
    const outer = provider.submitting
    provider.submitting = note
    provider.queued.add(note)
    try {
      const job = super.submit(new WatchedListener(world, note, listener), settings, head, body, bodyBytes, terms)
      checkTaken(world, note, before)
      if (note.isHedge) noteHedge(world, note)
      return job
    } catch (error) {
      provider.queued.delete(note)
      noteRefusal(world, note, error as GatewayError)
      throw error
    } finally {
      provider.submitting = outer
    }
  }

  override cancel (job: Job): void {
    if (job.listener instanceof WatchedListener) {
      const { note } = job.listener
      note.cancelled = true
      note.cancelledAtMs = this.world.nowMs
      note.outpaced = note.partner !== null && note.partner.answered
      conclude(this.world, note)
      // A hedge that is given up leaves the request with how its original has failed.
      if (note.isHedge) replaceHops(note)
      if (note.breakerRole === 'probe') leaveProbe(this.world, note)
      this.world.note(`cancel ${note.ask.id} at ${this.provider.name}`)
    }
    super.cancel(job)
  }

  override apply (settings: ProviderSettings, dropExcess: boolean): void {
    const { provider } = this
    if ((provider.settings.adaptiveConcurrency === null) !== (settings.adaptiveConcurrency === null)) provider.hasMixedLanes = true
    provider.settings = settings
    provider.dropExcess = dropExcess
    // What is here may stay.
    provider.runningMax = Math.max(concurrencyOf(settings), provider.running.size)
    provider.waitingMax = Math.max(provider.waitingMax, provider.queued.size)
    super.apply(settings, dropExcess)
  }

  override async close (): Promise<void> {
    const { world, provider } = this
    provider.state = 'closing'
    world.note(`close ${provider.name}`)
    // A request gives its generation back just before its client is told.
    for (const { id, generation, run } of world.open) world.check(run?.record.settled === true || generation.pools.get(provider.name) !== this, 'a pool closes when no request has it any more', () => `at ${provider.name}`, id)
    await super.close()
    provider.state = 'closed'
    world.note(`closed ${provider.name}`)
    world.check(provider.live.size === 0 && provider.threads.size === 0, 'a pool has closed when its jobs and threads are gone', () => `${provider.live.size} run on ${provider.threads.size} threads of ${provider.name}`)
  }
}

/** Stands between the pool and the owner of a job. */
export class WatchedListener implements JobListener {
  readonly note: Note
  private readonly world: World
  private readonly inner: JobListener

  constructor (world: World, note: Note, inner: JobListener) {
    this.world = world
    this.note = note
    this.inner = inner
  }

  onDispatched (queueMs: number): void {
    const { note, world } = this
    const { provider } = note
    checkTurn(world, note)
    note.state = 'running'
    note.dispatchedAtMs = world.nowMs
    provider.queued.delete(note)
    provider.running.add(note)
    this.inner.onDispatched(queueMs)
  }

  onReply (reply: Reply): void {
    this.end('ok')
    noteSuccess(this.world, this.note, () => { this.inner.onReply(reply) })
  }

  onHead (status: number, headers: string, upstreamMicroseconds: number): void {
    noteSuccess(this.world, this.note, () => { this.inner.onHead(status, headers, upstreamMicroseconds) })
  }

  onChunk (bytes: Uint8Array): void {
    this.inner.onChunk(bytes)
  }

  onEnd (usage: Usage, upstreamMicroseconds: number): void {
    this.end('ok')
    this.inner.onEnd(usage, upstreamMicroseconds)
  }

  onFailed (error: GatewayError, headers: string, usage: Usage, upstreamMicroseconds: number): void {
    if (error.code === 'BIFROST_REQUEST_DROPPED') checkDisplaced(this.world, this.note)
    this.end(error.code)
    noteFailure(this.world, this.note, error, () => { this.inner.onFailed(error, headers, usage, upstreamMicroseconds) })
  }

  private end (code: Note['code']): void {
    const { note, world } = this
    const { provider, state } = note
    world.check(state !== 'ended', 'an attempt ends once', () => `${note.code}, then ${code}`, note.ask.id)
    provider.queued.delete(note)
    provider.running.delete(note)
    note.state = 'ended'
    note.code = note.cancelled ? 'BIFROST_CLIENT_CLOSED' : code
    note.endedAtMs = world.nowMs
    conclude(world, note)
    world.unsettled ||= provider.state === 'closing'
    world.note(`ended ${note.ask.id} at ${provider.name}: ${code}${note.cancelled ? ', cancelled' : ''}`)
  }
}

function noteRefusal (world: World, note: Note, error: GatewayError): void {
  const { ask, provider, partner, isHedge } = note
  note.state = 'ended'
  note.refused = true
  note.code = error.code
  note.endedAtMs = world.nowMs
  conclude(world, note)
  if (isHedge && partner !== null) partner.partner = null
  if (note.breakerRole === 'probe') leaveProbe(world, note)
  world.note(`refused ${ask.id} at ${provider.name}: ${error.code}`)
  checkRefused(world, note)
}

function conclude (world: World, note: Note): void {
  if (note.conclusion < 0) note.conclusion = world.conclusions++
}

function leaveProbe (world: World, { provider, model, breakerEpoch }: Note): void {
  const view = world.health(provider.name).breakers.get(model)
  if (view !== undefined && view.epoch === breakerEpoch) view.probes--
}
