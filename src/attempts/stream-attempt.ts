import type { Usage } from '../api/usage.ts'
import { GatewayError } from '../errors.ts'
import { streamWindowBytes } from '../frames/kinds.ts'
import type { JobFrame } from '../api/job.ts'
import type { EventSink, StreamEvent, StreamEventKind } from '../api/framing.ts'
import type { StreamTranslator } from '../providers/adapter.ts'
import { parseEventData } from '../providers/event-data.ts'
import { contentTypeOf } from '../providers/reply-headers.ts'
import { framings } from '../upstream/splitters.ts'
import type { StreamSplitter } from '../upstream/stream-splitter.ts'
import { HttpAttempt } from './http-attempt.ts'
import type { AttemptContext } from './http-attempt.ts'
import { toForwardedHeaders, withContentType } from './response-headers.ts'
import type { Results } from './results.ts'

/** What may wait for the head: comments, and events that open the answer without saying anything. */
const heldEventsMax = 64
const heldBytesMax = 256 * 1024
/** A body that should have been a stream is looked at for an error up to here, in bytes. */
const wrongBodyBytesMax = 64 * 1024
/** After the end mark, the connection gets this long to close before it is cut; after all that comes before it, the mark gets this long. */
const lingerMs = 1_000

const openBrace = 0x7b

/** What waits for the head, as the client will get it. */
class HeldBytes implements EventSink {
  readonly pieces: Uint8Array[] = []
  events = 0
  bytes = 0

  append (bytes: Uint8Array, start: number, end: number): void {
    // A copy: the splitter uses its memory again.
    this.pieces.push(Buffer.from(bytes.subarray(start, end)))
    this.bytes += end - start
  }

  appendAscii (text: string): void {
    this.pieces.push(Buffer.from(text, 'latin1'))
    this.bytes += text.length
  }
}

/**
 * A stream, relayed event by event. The head waits for the first real event, so that an error in a 200
 * is still an error status. At most `streamWindowBytes` plus one socket read are under way to a
 * client: beyond that the upstream socket is paused until credit comes back.
 */
export class StreamAttempt extends HttpAttempt {
  private readonly splitter: StreamSplitter
  /** Made when the head comes: what it needs to know of the request is only known once that was put together. */
  private translator!: StreamTranslator
  private headSent = false
  private chunkOpen = false
  private held: HeldBytes | null = null
  /** Bytes sent to the front that the client has not taken yet. */
  private uncreditedBytes = 0
  private paused = false
  private doneAtMs = 0
  private finishing = false
  private wrongBody: Buffer[] | null = null
  private wrongBodyBytes = 0
  private latencyMs = 0

  constructor (context: AttemptContext, job: JobFrame, nowMs: number) {
    super(context, job, nowMs)
    this.splitter = framings[this.adapterCall.streamFraming].create(context.settings.sseEventBytesMax)
  }

  /** Asked when it is cut short: the provider will say no more, so that what came since its last count is estimated. */
  protected override usage (): Usage {
    if (!this.hasAnswer) return super.usage()
    const { usage, unreportedTokens } = this.translator
    const estimatedTokens = this.headSent ? unreportedTokens : 0
    return { ...usage, outputTokens: usage.outputTokens + estimatedTokens, estimatedTokens }
  }

  override tick (nowMs: number): void {
    const { name, timeouts: { firstTokenMs } } = this.context.settings
    if (this.headSent || nowMs - this.startedAtMs <= firstTokenMs) return super.tick(nowMs)
    this.fail(new GatewayError('BIFROST_FIRST_TOKEN_TIMEOUT', {
      message: `${name} began no answer within network_config.first_token_timeout_in_seconds (${firstTokenMs / 1000} s).`
    }))
  }

  override credit (bytes: number): void {
    this.uncreditedBytes -= bytes
    if (!this.paused || this.uncreditedBytes > streamWindowBytes / 2) return
    this.paused = false
    // Silence while we did not listen was not the provider's.
    this.lastByteAtMs = performance.now()
    this.call?.resume()
  }

  protected override onAnswerHead (): void {
    this.translator = this.adapterCall.createStreamTranslator()
    if (!contentTypeOf(this.headers).startsWith(this.mediaType)) this.wrongBody = []
  }

  protected override onAnswerData (chunk: Buffer): void {
    const nowMs = performance.now()
    this.lastByteAtMs = nowMs
    this.latencyMs = Math.round(nowMs - this.startedAtMs)
    if (this.wrongBody !== null) {
      if (this.wrongBodyBytes < wrongBodyBytesMax) this.wrongBody.push(chunk)
      this.wrongBodyBytes += chunk.length
      return
    }
    this.push(chunk)
    if (this.settled || this.paused || this.uncreditedBytes < streamWindowBytes) return
    this.paused = true
    this.call?.pause()
  }

  protected override onAnswerEnd (): void {
    if (this.wrongBody !== null) return this.fail(this.wrongBodyError(Buffer.concat(this.wrongBody)))
    const { terminator } = framings[this.adapterCall.streamFraming]
    if (this.splitter.unfinishedBytes > 0 && this.doneAtMs === 0 && terminator.length > 0) {
      // The last event may lack its blank line; what is not whole JSON must not reach the client.
      this.finishing = true
      this.push(terminator)
      if (this.settled) return
    }
    if (this.doneAtMs > 0) return this.finish()
    // Bytes that mean nothing here are complete when HTTP says so.
    if (this.translator.finished || this.job.relay) return this.finishWithEndMark()
    this.fail(this.truncated())
  }

  override onError (error: GatewayError): void {
    if (this.settled) return
    // A connection that breaks after the answer is complete takes nothing away from it.
    if (this.doneAtMs > 0) this.finish()
    else if (this.hasAnswer && this.translator.finished) this.finishWithEndMark()
    // Once the stream has begun, a lost connection is a stream cut short, whatever its framing.
    else super.onError(error.code === 'BIFROST_UPSTREAM_RESET' && this.status !== 0 ? this.truncated(error) : error)
  }

  protected override tickBody (nowMs: number): void {
    if (this.doneAtMs > 0) {
      if (nowMs - this.doneAtMs < lingerMs) return
      this.finish()
      this.call?.abort()
      return
    }
    const { streamIdleMs } = this.context.settings.timeouts
    if (this.paused || nowMs - this.lastByteAtMs <= (this.translator.complete ? Math.min(lingerMs, streamIdleMs) : streamIdleMs)) return
    if (this.translator.finished) {
      this.finishWithEndMark()
      this.call?.abort()
      return
    }
    this.fail(new GatewayError('BIFROST_STREAM_IDLE_TIMEOUT', {
      message: `${this.context.settings.name} sent nothing for longer than network_config.stream_idle_timeout_in_seconds (${streamIdleMs / 1000} s).`
    }))
  }

  private truncated (cause?: GatewayError): GatewayError {
    return new GatewayError('BIFROST_UPSTREAM_TRUNCATED', { message: `${this.context.settings.name} ended the stream before it was finished.`, cause })
  }

  private push (chunk: Uint8Array): void {
    let failure: GatewayError | null = null
    try {
      this.splitter.push(chunk, this.onEvent)
    } catch (cause) {
      failure = cause instanceof GatewayError ? cause : new GatewayError('BIFROST_INTERNAL', { cause })
    }
    this.closeChunk()
    if (failure !== null) this.fail(failure)
    else if (this.translator.error !== null && !this.settled) this.fail(this.translator.error)
  }

  private readonly onEvent = (event: StreamEvent): void => {
    if (this.doneAtMs > 0 || this.translator.error !== null) return
    // Half an event, where the stream broke off, says nothing: not even that the answer is finished, or that the provider lives.
    if (this.finishing && event.dataLines === 0) return
    const broken = this.finishing && parseEventData(event) === null
    if (broken && event.bytes[event.dataStart] === openBrace) return
    const kind = this.translator.classify(event)
    // The front reports the error itself, once and in the client's dialect.
    if (kind === 'hidden' || kind === 'error') return
    if (broken && kind === 'content') return
    const sink = this.mustHold(event, kind) ? this.held ??= new HeldBytes() : this.openedChunk()
    if (kind === 'done') this.doneAtMs = this.lastByteAtMs
    this.translator.write(event, kind, this.latencyMs, sink)
    if (sink === this.held) this.held.events++
  }

  /** Until something is said, an error is still an error status and another target may answer. */
  private mustHold (event: StreamEvent, kind: StreamEventKind): boolean {
    if (this.headSent || kind === 'done') return false
    const { events, bytes } = this.held ?? { events: 0, bytes: 0 }
    if (events >= heldEventsMax || bytes + event.end - event.start > heldBytesMax) return false
    return kind === 'comment' || this.translator.isOpening(event)
  }

  private openedChunk (): Results {
    this.openChunk()
    return this.context.results
  }

  private openChunk (): void {
    if (this.chunkOpen) return
    if (!this.headSent) {
      this.headSent = true
      this.context.results.head(this.job.id, this.status, this.toHeadLines(), this.elapsedMicroseconds())
    }
    this.context.results.openChunk(this.job.id)
    this.chunkOpen = true
    if (this.held === null) return
    for (const bytes of this.held.pieces) this.context.results.append(bytes, 0, bytes.length)
    this.held = null
  }

  private toHeadLines (): string {
    const lines = toForwardedHeaders(this.headers)
    return this.job.relay ? withContentType(contentTypeOf(this.headers) || 'application/octet-stream', lines) : lines
  }

  private closeChunk (): void {
    if (!this.chunkOpen) return
    this.chunkOpen = false
    this.uncreditedBytes += this.context.results.closeChunk()
  }

  private finishWithEndMark (): void {
    const missing = this.translator.takeMissingEnd()
    if (missing.length > 0) {
      this.openChunk()
      this.context.results.append(missing, 0, missing.length)
      this.closeChunk()
    }
    this.finish()
  }

  private finish (): void {
    if (this.settled) return
    this.settle()
    this.context.results.end(this.job.id, this.translator.usage, this.elapsedMicroseconds())
  }

  /** A 200 that is no stream: an error object says what went wrong, anything else is not what was asked for. */
  private wrongBodyError (body: Buffer): GatewayError {
    const { settings } = this.context
    try {
      this.adapterCall.fromReply(body, this.headers)
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'BIFROST_UPSTREAM_STATUS') return error
    }
    const contentType = contentTypeOf(this.headers)
    return new GatewayError('BIFROST_UPSTREAM_BAD_RESPONSE', {
      message: `${settings.name} answered a stream request with content type ${contentType === '' ? '(none)' : contentType}, not ${this.mediaType}.`
    })
  }

  /** The head has come and is no error: there is a translator. */
  private get hasAnswer (): boolean { return this.status > 0 && this.status < 300 }

  private get mediaType (): string { return framings[this.adapterCall.streamFraming].mediaType }
}
