import type { ProviderSettings } from '../api/settings.ts'
import { noUsage } from '../api/usage.ts'
import type { Usage } from '../api/usage.ts'
import { GatewayError } from '../errors.ts'
import type { JobFrame } from '../api/job.ts'
import type { Adapter, AdapterCall, AdapterRequest } from '../providers/adapter.ts'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamHeaders } from '../upstream/upstream.ts'
import type { Attempt } from './attempt.ts'
import { toForwardedHeaders } from './response-headers.ts'
import type { Results } from './results.ts'

/** An error body longer than this is cut, not collected. */
const errorBodyBytesMax = 64 * 1024

/** What every attempt of a thread shares. */
export interface AttemptContext {
  settings: ProviderSettings
  adapter: Adapter
  upstream: Upstream
  results: Results
  /** Takes the attempt out of the table of running jobs. */
  onSettled: (jobId: number) => void
}

/**
 * One upstream exchange over HTTP. States: connecting -> waiting for the head -> body -> settled; every
 * state has its deadline, and `settle` is the only way out.
 */
export abstract class HttpAttempt implements Attempt, UpstreamHandler {
  protected readonly context: AttemptContext
  protected readonly job: JobFrame
  protected readonly adapterCall: AdapterCall
  protected call: UpstreamCall | null = null
  protected status = 0
  protected headers: UpstreamHeaders = {}
  protected settled = false
  /** Infinity while the call is prepared, so that no deadline of the provider's passes: that has a limit of its own. */
  protected startedAtMs: number
  protected lastByteAtMs = 0
  private phase: 'connecting' | 'head' | 'body' = 'connecting'
  private sentAtMs = 0
  private errorChunks: Buffer[] = []
  private errorBytes = 0

  constructor (context: AttemptContext, job: JobFrame, nowMs: number) {
    this.context = context
    this.job = job
    this.adapterCall = context.adapter.open(job)
    this.startedAtMs = nowMs
  }

  start (): void {
    try {
      const preparation = this.adapterCall.prepare?.() ?? null
      if (preparation === null) return this.request()
      this.startedAtMs = Infinity
      preparation.then(() => {
        this.startedAtMs = performance.now()
        if (!this.settled) this.request()
      }).catch(this.failToStart)
    } catch (cause) {
      this.failToStart(cause)
    }
  }

  private request (): void {
    const request = this.adapterCall.toRequest()
    // Most requests are complete at once, and are then sent in this turn.
    if (request instanceof Promise) request.then((signed) => { this.send(signed) }).catch(this.failToStart)
    else this.send(request)
  }

  private send (request: AdapterRequest): void {
    if (!this.settled) this.call = this.context.upstream.send(request, this, this.job.freshConnection)
  }

  private readonly failToStart = (cause: unknown): void => {
    this.fail(cause instanceof GatewayError ? cause : new GatewayError('BIFROST_INTERNAL', { cause }))
  }

  cancel (): void {
    this.fail(new GatewayError('BIFROST_CLIENT_CLOSED'))
  }

  credit (_bytes: number): void {}

  tick (nowMs: number): void {
    const { timeouts } = this.context.settings
    if (this.phase === 'connecting' && nowMs - this.startedAtMs > timeouts.connectMs) {
      return this.fail(new GatewayError('BIFROST_CONNECT_TIMEOUT', {
        message: `Connecting to ${this.context.settings.name} took longer than network_config.connect_timeout_in_seconds (${timeouts.connectMs / 1000} s).`
      }))
    }
    if (this.phase === 'head' && nowMs - this.sentAtMs > timeouts.responseHeaderMs) {
      return this.fail(new GatewayError('BIFROST_RESPONSE_HEADER_TIMEOUT', {
        message: `${this.context.settings.name} sent no response header within network_config.response_header_timeout_in_seconds (${timeouts.responseHeaderMs / 1000} s).`
      }))
    }
    const totalMs = this.job.stream ? timeouts.streamTotalMs : timeouts.totalMs
    if (nowMs - this.startedAtMs > totalMs) {
      const name = this.job.stream ? 'stream_total_timeout_in_seconds' : 'default_request_timeout_in_seconds'
      return this.fail(new GatewayError('BIFROST_TOTAL_TIMEOUT', {
        message: `The request to ${this.context.settings.name} took longer than network_config.${name} (${totalMs / 1000} s).`
      }))
    }
    if (this.phase === 'body') this.tickBody(nowMs)
  }

  onStart (): void {
    this.phase = 'head'
    this.sentAtMs = performance.now()
  }

  onHead (status: number, headers: UpstreamHeaders): void {
    if (this.settled) return
    this.phase = 'body'
    this.status = status
    this.headers = headers
    this.lastByteAtMs = performance.now()
    if (status < 300) this.onAnswerHead()
  }

  onData (chunk: Buffer): void {
    if (this.settled) return
    if (this.status < 300) return this.onAnswerData(chunk)
    if (this.errorBytes < errorBodyBytesMax) this.errorChunks.push(chunk)
    this.errorBytes += chunk.length
  }

  onEnd (): void {
    if (this.settled) return
    if (this.status < 300) return this.onAnswerEnd()
    // A redirect is not followed: it would carry the key to another host.
    const status = this.status < 400 ? 502 : this.status
    let error: GatewayError
    try {
      error = this.adapterCall.fromErrorReply(status, this.headers, Buffer.concat(this.errorChunks))
    } catch (cause) {
      error = new GatewayError('BIFROST_INTERNAL', { cause })
    }
    this.fail(error)
  }

  onError (error: GatewayError): void {
    this.fail(error)
  }

  protected abstract onAnswerHead (): void
  protected abstract onAnswerData (chunk: Buffer): void
  protected abstract onAnswerEnd (): void
  /** Deadlines of the body beyond the total. */
  protected abstract tickBody (nowMs: number): void

  protected usage (): Usage {
    return noUsage
  }

  /** Ends the attempt with an error; later events of the socket mean nothing. */
  protected fail (error: GatewayError): void {
    if (this.settled) return
    this.settle()
    this.context.results.failed(this.job.id, error, toFailureHeaders(error, this.headers), this.usage(), this.elapsedMicroseconds())
    this.call?.abort()
  }

  protected settle (): void {
    this.settled = true
    this.adapterCall.end?.()
    this.context.onSettled(this.job.id)
  }

  protected elapsedMicroseconds (): number {
    return Math.max(0, Math.round((performance.now() - this.startedAtMs) * 1000))
  }
}

/** A provider that says only in the body when to come back gets the header that says so. */
function toFailureHeaders (error: GatewayError, headers: UpstreamHeaders): string {
  const forwarded = toForwardedHeaders(headers)
  if (error.headers === '' || headers['retry-after'] !== undefined) return forwarded
  return forwarded === '' ? error.headers : `${error.headers}\r\n${forwarded}`
}
