import { spliceBody } from './api/body-splice.ts'
import { headerOf } from './api/client.ts'
import type { AnswerIdentity, Client, ClientWatcher, GatewayRequest } from './api/client.ts'
import { requestTypeOf } from './api/operations.ts'
import type { Reply } from './api/reply.ts'
import type { Settings } from './api/settings.ts'
import type { Usage } from './api/usage.ts'
import { GatewayError } from './errors.ts'
import type { ErrorCode } from './errors.ts'
import type { Job, JobListener } from './pool/job.ts'
import type { ProviderPool } from './pool/provider-pool.ts'
import { decide } from './router/decide.ts'
import { toForwardedHeaders } from './router/forwarded-headers.ts'
import { Identities } from './router/identity.ts'
import { resolveTarget } from './router/resolve-target.ts'
import type { Target } from './router/target.ts'

/** A running attempt that outlives its worker's own deadlines by this much is given up, in milliseconds. */
const deadlineGraceMs = 5_000
/** Credit goes back to the worker in steps of this size, in bytes. */
const creditStepBytes = 32 * 1024

export interface GatewayOptions {
  settings: Settings
  pools: ReadonlyMap<string, ProviderPool>
  nowMs: () => number
  random: () => number
}

/** One request after another: find who can serve it, have it served, answer once. */
export class Gateway {
  readonly options: GatewayOptions
  readonly identities = new Identities()

  constructor (options: GatewayOptions) {
    this.options = options
  }

  handle (request: GatewayRequest, client: Client): RequestRun {
    return new RequestRun(this, request, client)
  }
}

/**
 * One request from its targets to its single ending. States: waiting in a queue (job, not dispatched) ->
 * running (dispatched) -> streaming (the client has seen the head) -> settled. What it learned stays
 * readable for the log line and the metrics, which are booked when the exchange ends.
 */
export class RequestRun implements JobListener, ClientWatcher {
  readonly request: GatewayRequest
  target: Target | null = null
  identity: AnswerIdentity | null = null
  outcome: 'ok' | ErrorCode = 'ok'
  settled = false
  usage: Usage = { inputTokens: 0, outputTokens: 0 }
  queueMs = 0
  upstreamMicroseconds = 0
  /** From the client's request to the first byte of a stream; -1 for none. */
  firstByteMs = -1
  private readonly gateway: Gateway
  private readonly client: Client
  private job: Job | null = null
  private attempts = 0
  private dispatchedAtMs = 0
  private takenBytes = 0

  constructor (gateway: Gateway, request: GatewayRequest, client: Client) {
    this.gateway = gateway
    this.request = request
    this.client = client
  }

  get requestType (): string { return requestTypeOf(this.request.operation, this.request.parsed.stream) }

  start (): void {
    try {
      const { settings, random } = this.gateway.options
      const { parsed, operation, headers } = this.request
      const pin = { id: headerOf(headers, 'x-bf-api-key-id'), name: headerOf(headers, 'x-bf-api-key') }
      this.target = resolveTarget(settings, parsed.model, operation, pin, random())
      this.identity = this.gateway.identities.of(this.target, operation, parsed.stream)
      this.attempt(this.target, this.identity)
    } catch (error) {
      this.giveUp(error instanceof GatewayError ? error : new GatewayError('BIFROST_INTERNAL', { cause: error }), '')
    }
  }

  private attempt (target: Target, identity: AnswerIdentity): void {
    const { parsed, operation, body, headers } = this.request
    const { provider } = target
    const usageInjected = parsed.stream && provider.injectStreamUsage && operation !== 'responses' && !parsed.hasStreamOptions
    const spliced = spliceBody(body, parsed, { name: target.model, json: identity.modelJson }, usageInjected)
    this.attempts++
    this.dispatchedAtMs = 0
    const pool = this.gateway.options.pools.get(provider.name) as ProviderPool
    this.job = pool.submit(this, {
      keyIndex: target.keyIndex,
      operation,
      stream: parsed.stream,
      usageInjected,
      base64Embeddings: parsed.base64Embeddings,
      sendBackRawRequest: provider.sendBackRawRequest,
      sendBackRawResponse: provider.sendBackRawResponse,
      model: target.model,
      extraFields: parsed.stream ? identity.chunkFields : '',
      forwardedHeaders: toForwardedHeaders(headers)
    }, spliced.segments, spliced.totalBytes)
  }

  onDispatched (queueMs: number): void {
    this.queueMs += queueMs
    this.dispatchedAtMs = this.gateway.options.nowMs()
  }

  onReply (reply: Reply): void {
    this.job = null
    if (this.settled) return
    this.settle('ok', reply.usage, reply.upstreamMicroseconds)
    this.client.answer(this.identity as AnswerIdentity, reply)
  }

  onHead (status: number, headers: string, upstreamMicroseconds: number): void {
    if (this.settled) return
    this.firstByteMs = this.gateway.options.nowMs() - this.request.receivedAtMs
    this.client.openStream(this.identity as AnswerIdentity, status, headers, upstreamMicroseconds)
  }

  onChunk (bytes: Uint8Array): void {
    if (!this.settled) this.client.write(bytes)
  }

  onEnd (usage: Usage, upstreamMicroseconds: number): void {
    this.job = null
    if (this.settled) return
    this.settle('ok', usage, upstreamMicroseconds)
    this.client.closeStream()
  }

  onFailed (error: GatewayError, headers: string, usage: Usage, upstreamMicroseconds: number): void {
    this.job = null
    if (this.settled) return
    if (decide(error.code, { attempts: this.attempts, answered: this.firstByteMs >= 0 }) === 'try-again') {
      try {
        return this.attempt(this.target as Target, this.identity as AnswerIdentity)
      } catch (cause) {
        return this.giveUp(cause instanceof GatewayError ? cause : error, headers)
      }
    }
    this.giveUp(error, headers, usage, upstreamMicroseconds)
  }

  onTaken (bytes: number): void {
    this.takenBytes += bytes
    if (this.takenBytes < creditStepBytes || this.job === null) return
    this.pool()?.credit(this.job, this.takenBytes)
    this.takenBytes = 0
  }

  onGone (error: GatewayError): void {
    if (this.settled) return
    this.settle(error.code, this.usage, this.upstreamMicroseconds)
    this.cancelJob()
  }

  onTick (nowMs: number): void {
    if (this.settled || this.target === null) return
    const { totalMs, streamTotalMs } = this.target.provider.timeouts
    const waiting = this.dispatchedAtMs === 0
    const limitMs = waiting ? totalMs : (this.request.parsed.stream ? streamTotalMs : totalMs) + deadlineGraceMs
    if (nowMs - (waiting ? this.request.receivedAtMs : this.dispatchedAtMs) < limitMs) return
    const message = waiting ? `The request waited in the queue of ${this.target.provider.name} for longer than network_config.default_request_timeout_in_seconds (${totalMs / 1000} s).` : undefined
    this.pool()?.countTimeout('BIFROST_TOTAL_TIMEOUT')
    this.giveUp(new GatewayError('BIFROST_TOTAL_TIMEOUT', { message }), '')
    this.cancelJob()
  }

  private giveUp (error: GatewayError, headers: string, usage = this.usage, upstreamMicroseconds = 0): void {
    this.settle(error.code, usage, upstreamMicroseconds)
    this.client.fail(error, this.identity, headers, upstreamMicroseconds)
  }

  private settle (outcome: 'ok' | ErrorCode, usage: Usage, upstreamMicroseconds: number): void {
    this.settled = true
    this.outcome = outcome
    this.usage = usage
    this.upstreamMicroseconds = upstreamMicroseconds
  }

  private cancelJob (): void {
    const job = this.job
    this.job = null
    if (job !== null) this.pool()?.cancel(job)
  }

  private pool (): ProviderPool | undefined {
    return this.target === null ? undefined : this.gateway.options.pools.get(this.target.provider.name)
  }
}
