import assert from 'node:assert/strict'
import type { AnswerIdentity, Client, FailureContext, GatewayRequest } from '../../src/api/client.ts'
import type { JobHead } from '../../src/api/job.ts'
import { parseRequest } from '../../src/api/parse-request.ts'
import type { Reply } from '../../src/api/reply.ts'
import type { ProviderSettings } from '../../src/api/settings.ts'
import type { GatewayError } from '../../src/errors.ts'
import { Gateway } from '../../src/gateway.ts'
import { Job } from '../../src/pool/job.ts'
import type { JobListener, JobPool } from '../../src/pool/job.ts'
import { Generation } from '../../src/reload/generation.ts'
import type { RequestHandle } from '../../src/request-record.ts'
import { Health } from '../../src/router/health.ts'
import { Identities } from '../../src/router/identity.ts'
import { createProvider, createSettings } from '../router/settings.ts'
import { openAiRoute } from '../helpers/routes.ts'
import { createUsage } from '../../src/api/usage.ts'

/** An upstream request as the pool got it. The test plays its thread. */
export interface Upstream {
  listener: JobListener
  head: JobHead
  creditedBytes: number
  cancelled: boolean
}

class FakePool implements JobPool {
  readonly upstreams: Upstream[] = []
  private readonly byJob = new Map<Job, Upstream>()

  submit (listener: JobListener, _settings: ProviderSettings, head: JobHead): Job {
    const job = new Job()
    const upstream = { listener, head, creditedBytes: 0, cancelled: false }
    this.byJob.set(job, upstream)
    this.upstreams.push(upstream)
    listener.onDispatched(0)
    return job
  }

  cancel (job: Job): void { this.of(job).cancelled = true }
  credit (job: Job, bytes: number): void { this.of(job).creditedBytes += bytes }
  countTimeout (): void {}
  observe (): void {}

  private of (job: Job): Upstream {
    const upstream = this.byJob.get(job)
    assert.ok(upstream !== undefined)
    return upstream
  }
}

/** A client and what it saw. It reads at once unless it is told not to. */
export class FakeClient implements Client {
  handle: RequestHandle | null = null
  reads: boolean
  alive = true
  /** What it was told, in order, without the bytes. */
  readonly events: string[] = []
  readonly pieces: Uint8Array[] = []
  headers = ''
  /** Written and not read. */
  unreadBytes = 0
  error: GatewayError | null = null

  constructor (reads: boolean) { this.reads = reads }

  get text (): string { return Buffer.concat(this.pieces).toString('latin1') }
  get joined (): boolean { return this.headers.split('\r\n').includes('x-bifrost-single-flight: joined') }

  answer (_identity: AnswerIdentity, reply: Reply): void {
    if (!this.alive) return
    this.headers = reply.headers
    this.events.push('answer')
    this.pieces.push(reply.body)
    this.alive = false
  }

  openStream (_identity: AnswerIdentity, _status: number, headers: string): void {
    if (!this.alive) return
    this.headers = headers
    this.events.push('open')
  }

  write (bytes: Uint8Array): void {
    if (!this.alive) return
    this.pieces.push(bytes)
    this.unreadBytes += bytes.length
    if (this.reads) this.read(this.unreadBytes)
  }

  closeStream (): void {
    if (!this.alive) return
    this.events.push('close')
    this.alive = false
  }

  fail (error: GatewayError, context: FailureContext): void {
    if (!this.alive) return
    this.error = error
    this.headers = context.headers
    this.events.push(error.code)
    this.alive = false
  }

  read (bytes: number): void {
    this.unreadBytes -= bytes
    this.handle?.onTaken(bytes)
  }

  leave (error: GatewayError): void {
    this.alive = false
    this.handle?.onGone(error)
  }
}

export interface Ask {
  body?: object
  headers?: string[]
  reads?: boolean
}

export interface Harness {
  gateway: Gateway
  pool: FakePool
  /** Moves by hand, from `startMs`, in milliseconds. */
  clock: { nowMs: number }
  /** Providers of requests that joined, in order. */
  joins: string[]
  ask: (options?: Ask) => FakeClient
  /** The upstream request at this place, in the order in which they came. */
  upstream: (index?: number) => Upstream
  createGeneration: () => Generation
}

export function toRequest (body: object, headers: readonly string[], receivedAtMs = 0): GatewayRequest {
  const bytes = Buffer.from(JSON.stringify({ model: 'up/m', messages: [], ...body }))
  return { id: 'request-id', dialect: 'openai', defaultProvider: null, method: 'POST', resource: '', passthroughTo: null, jsonArray: false, operation: 'chat_completion', headers, body: bytes, parsed: parseRequest(openAiRoute('chat_completion'), bytes), receivedAtMs }
}

/** The attempt takes a time of 0 for none. */
export const startMs = 1_000

/** A gateway with one provider, `up`, whose threads are played by the test. */
export function createHarness (provider: Partial<ProviderSettings> = { singleFlight: { replayBytesMax: 1_000 } }): Harness {
  const pool = new FakePool()
  const clock = { nowMs: startMs }
  const joins: string[] = []
  const createGeneration = (): Generation => new Generation(createSettings([createProvider('up', provider), createProvider('off')]), new Map([['up', pool], ['off', pool]]))
  const gateway = new Gateway(createGeneration(), {
    health: new Health(),
    identities: new Identities(),
    nowMs: () => clock.nowMs,
    nowEpochMs: () => clock.nowMs,
    random: () => 0,
    setTimer: () => () => {},
    onBreakerChange: () => {},
    costUsd: () => null,
    onFlightJoined: (name) => { joins.push(name) }
  })
  return {
    gateway,
    pool,
    clock,
    joins,
    ask: ({ body = {}, headers = [], reads = true } = {}) => {
      const client = new FakeClient(reads)
      client.handle = gateway.handle(toRequest(body, headers, clock.nowMs), client)
      client.handle.start()
      return client
    },
    upstream: (index = 0) => {
      const upstream = pool.upstreams[index]
      assert.ok(upstream !== undefined, `there are ${pool.upstreams.length} upstream requests`)
      return upstream
    },
    createGeneration
  }
}

export const noUsage = createUsage()

export function toReply (text: string): Reply {
  return { status: 200, usage: createUsage(3, 4), upstreamMicroseconds: 5_000, spliceOffset: -1, headers: 'a: b', raw: '', body: Buffer.from(text) }
}
