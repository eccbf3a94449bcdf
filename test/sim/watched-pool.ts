import type { JobHead } from '../../src/api/job.ts'
import type { Reply } from '../../src/api/reply.ts'
import type { ProviderSettings } from '../../src/api/settings.ts'
import type { Usage } from '../../src/api/usage.ts'
import type { GatewayError } from '../../src/errors.ts'
import type { Job, JobListener, JobTerms } from '../../src/pool/job.ts'
import { ProviderPool } from '../../src/pool/provider-pool.ts'
import type { ProviderPoolOptions } from '../../src/pool/provider-pool.ts'
import { noteFailure, noteSuccess } from './attempt-rules.ts'
import { checkSubmit } from './submit-rules.ts'
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
    const note = checkSubmit(world, provider, head, body)
    provider.waiting++
    try {
      return super.submit(new WatchedListener(world, note, listener), settings, head, body, bodyBytes, terms)
    } catch (error) {
      provider.waiting--
      noteRefusal(world, note, error as GatewayError)
      throw error
    }
  }

  override cancel (job: Job): void {
    if (job.listener instanceof WatchedListener) {
      const { note } = job.listener
      note.cancelled = true
      note.cancelledAtMs = this.world.nowMs
      if (note.breakerRole === 'probe') leaveProbe(note)
      this.world.note(`cancel ${note.ask.id} at ${this.provider.settings.name}`)
    }
    super.cancel(job)
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
    const { provider } = this.note
    this.note.state = 'running'
    provider.waiting--
    provider.running++
    this.inner.onDispatched(queueMs)
  }

  onReply (reply: Reply): void {
    this.end('ok')
    noteSuccess(this.note)
    this.inner.onReply(reply)
  }

  onHead (status: number, headers: string, upstreamMicroseconds: number): void {
    noteSuccess(this.note)
    this.inner.onHead(status, headers, upstreamMicroseconds)
  }

  onChunk (bytes: Uint8Array): void {
    this.inner.onChunk(bytes)
  }

  onEnd (usage: Usage, upstreamMicroseconds: number): void {
    this.end('ok')
    this.inner.onEnd(usage, upstreamMicroseconds)
  }

  onFailed (error: GatewayError, headers: string, usage: Usage, upstreamMicroseconds: number): void {
    this.end(error.code)
    noteFailure(this.world, this.note, error, () => { this.inner.onFailed(error, headers, usage, upstreamMicroseconds) })
  }

  private end (code: Note['code']): void {
    const { note, world } = this
    const { provider, state } = note
    world.check(state !== 'ended', 'an attempt ends once', () => `${note.code}, then ${code}`, note.ask.id)
    if (state === 'running') provider.running--
    else provider.waiting--
    note.state = 'ended'
    note.code = note.cancelled ? 'BIFROST_CLIENT_CLOSED' : code
    note.endedAtMs = world.nowMs
    world.note(`ended ${note.ask.id} at ${provider.settings.name}: ${code}${note.cancelled ? ', cancelled' : ''}`)
  }
}

function noteRefusal (world: World, note: Note, error: GatewayError): void {
  const { ask, provider } = note
  const { concurrency, connectionsPerOrigin, bufferSize } = provider.settings
  note.state = 'ended'
  note.code = error.code
  note.endedAtMs = world.nowMs
  if (note.breakerRole === 'probe') leaveProbe(note)
  world.note(`refused ${ask.id} at ${provider.settings.name}: ${error.code}`)
  world.check(provider.running + provider.waiting >= Math.min(concurrency, connectionsPerOrigin) + bufferSize, 'nothing is dropped while there is room',
    () => `${provider.running} run and ${provider.waiting} wait at ${provider.settings.name}`, ask.id)
}

function leaveProbe (note: Note): void {
  const view = note.provider.breakers.get(note.model)
  if (view !== undefined && view.epoch === note.breakerEpoch) view.probes--
}
