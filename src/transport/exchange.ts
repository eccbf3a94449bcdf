import type { HttpResponse } from 'uWebSockets.js'
import type { AnswerIdentity, Client, ClientWatcher, FailureContext } from '../api/client.ts'
import type { Dialect } from '../api/dialects.ts'
import type { Operation } from '../api/operations.ts'
import type { Reply } from '../api/reply.ts'
import { GatewayError } from '../errors.ts'
import { answersOf } from './dialect-answers.ts'
import { statusLine } from './status-line.ts'

/**
 * The server closes a connection after 8 to 12 idle seconds, which no setting changes. Clients that know leave it first:
 * a request that crosses the close is lost, and a POST is not sent again.
 */
const keepAliveLine = 'keep-alive: timeout=8'
/** Bodies from here on may not fit the socket at once, in bytes. */
const largeBodyBytes = 64 * 1024
/** Memory that a body begins with when more of it is to come, in bytes. */
const bodyBytesMin = 16 * 1024
const noBytes = Buffer.alloc(0)
const extraFieldsMember = '"extra_fields":{'
const openBrace = 0x7b

export interface ExchangeEvents {
  /** Bytes of request bodies that all open exchanges hold; they are taken back when an exchange is over. */
  heldBodyBytes: number
  /** Another chunk of a stream has been written, this long after the one before. */
  onStreamGap (exchange: Exchange, gapMs: number): void
  /** The response is over: sent in full, or the client has left. Once. */
  onFinished (exchange: Exchange): void
}

/**
 * One request and its response: the only code that touches a uWebSockets.js response. The rules that
 * keep the process alive are kept here: the abort handler is registered first, nothing is touched
 * after the end or an abort, and every write is corked into one system call.
 */
export class Exchange implements Client {
  readonly method: string
  readonly path: string
  /** Taken from the client or made, as soon as the headers are read. */
  requestId = ''
  /** Its path without what clients choose in it; empty for what no client dialect has. */
  template = ''
  /** What the client speaks, as soon as its path is known. */
  dialect: Dialect = 'openai'
  /** Its stream is one JSON array: see `json-array.ts`. */
  jsonArray = false
  /** What it asks for; null as long as its path is not known. */
  operation: Operation | null = null
  readonly receivedAtMs: number
  /** Where it stands among the open exchanges. */
  place = -1
  requestBytes = 0
  responseBytes = 0
  status = 0
  /** Why it was refused or failed; null when it went well so far. */
  failure: GatewayError | null = null
  /** Who watches the client; null for answers that the transport gives itself. */
  watcher: ClientWatcher | null = null
  private readonly response: HttpResponse
  private readonly events: ExchangeEvents
  private readonly nowMs: () => number
  private alive = true
  private streaming = false
  /** The stream is bytes of another type than the dialect's events. */
  private relaying = false
  /** Chunks that wait because the client reads slowly; bounded by the worker's stream window, and by the replay where the client joined a stream late. */
  private held: Uint8Array[] = []
  /** Bytes in the server's own buffer that are not credited yet. */
  private stuckBytes = 0
  private congestedSinceMs = -1
  private lastChunkMs = -1
  private endWhenWritten = false
  /** New requests on this connection are refused: the gateway shuts down, or the body was not read. */
  closeAfter = false

  constructor (response: HttpResponse, method: string, path: string, nowMs: () => number, events: ExchangeEvents) {
    response.onAborted(() => { this.onAborted() })
    this.response = response
    this.method = method
    this.path = path
    this.nowMs = nowMs
    this.receivedAtMs = nowMs()
    this.events = events
  }

  get isAlive (): boolean { return this.alive }
  get isStreaming (): boolean { return this.streaming }

  /**
   * Collects the body. Past a limit it calls `refuse` and reads no further.
   * @param bytesMax of this body
   * @param heldBytesMax of all bodies that are in memory
   * @param announcedBytes `content-length`; 0 when it is not known
   * @param onBody gets a copy of its own
   */
  readBody (bytesMax: number, heldBytesMax: number, announcedBytes: number, onBody: (body: Buffer) => void, refuse: (limit: 'body' | 'held') => void): void {
    let whole: Buffer = noBytes
    let used = 0
    let refused = false
    this.response.onData((memory, isLast) => {
      if (refused || !this.alive) return
      this.requestBytes += memory.byteLength
      this.events.heldBodyBytes += memory.byteLength
      if (this.requestBytes > bytesMax || this.events.heldBodyBytes > heldBytesMax) {
        refused = true
        whole = noBytes
        return refuse(this.requestBytes > bytesMax ? 'body' : 'held')
      }
      // The memory is the server's and goes away when this returns. A body is put together as it comes: one more copy at its end would hold
      // everybody up. It doubles up to what was announced, and takes no memory for bytes that have not come.
      if (used + memory.byteLength > whole.length) {
        const grownBytes = Math.max(used + memory.byteLength, isLast ? 0 : Math.min(2 * (used + memory.byteLength), Math.max(announcedBytes, bodyBytesMin)))
        const grown = Buffer.allocUnsafe(grownBytes)
        whole.copy(grown, 0, 0, used)
        whole = grown
      }
      whole.set(new Uint8Array(memory), used)
      used += memory.byteLength
      if (isLast) onBody(whole.length === used ? whole : whole.subarray(0, used))
    })
  }

  answer (identity: AnswerIdentity, reply: Reply): void {
    if (!this.alive) return
    const { body, spliceOffset, raw } = reply
    const latencyMs = Math.round(this.nowMs() - this.receivedAtMs)
    const whole = spliceOffset < 0 ? body : spliceExtraFields(body, spliceOffset, `${identity.extraFields},"latency":${latencyMs}${raw === '' ? '' : `,${raw}`}`, raw === '')
    const typed = splitContentType(reply.headers)
    this.send(reply.status, whole, typed?.contentType ?? 'application/json', identityLines(identity, typed?.lines ?? reply.headers, reply.upstreamMicroseconds))
  }

  fail (error: GatewayError, { identity, headers, upstreamMicroseconds, trail }: FailureContext): void {
    if (!this.alive) return
    this.failure = error
    const { toError, toStreamError } = answersOf(this.dialect, this.jsonArray)
    const context = { identity, requestId: this.requestId, trail, operation: this.operation, sentBytes: this.responseBytes, nowSeconds: Math.floor(Date.now() / 1000) }
    if (this.relaying) {
      // What cannot hold an error is cut: HTTP tells the client that it is not complete.
      return this.close()
    }
    if (this.streaming) {
      // The status is sent already. An event with the error, no end mark: every SDK throws at it.
      this.write(toStreamError(error, context))
      return this.finishStream()
    }
    const { status, body, headers: own } = toError(error, context)
    const lines = identity === null ? headers : identityLines(identity, headers, upstreamMicroseconds)
    this.send(status, body, 'application/json', own === '' || lines === '' ? lines + own : `${lines}\r\n${own}`)
  }

  /** Refuses a request that never got as far as the gateway. */
  refuse (error: GatewayError, headers = ''): void {
    this.fail(error, { identity: null, headers, upstreamMicroseconds: 0, trail: '' })
  }

  /**
   * A whole answer.
   * @param lines more headers, `name: value` joined by CR LF, or empty
   */
  send (status: number, body: Uint8Array | string, contentType: string, lines = ''): void {
    if (!this.alive) return
    this.status = status
    this.responseBytes += body.length
    let done = true
    this.response.cork(() => {
      this.response.writeStatus(statusLine(status))
      this.writeHeaders(contentType, lines)
      // Closing adds its header by itself. After a HEAD the server would drop the next request on this
      // connection without an answer, so the client is told not to send one.
      if (this.method === 'head') this.response.endWithoutBody(Buffer.byteLength(body), true)
      else if (typeof body === 'string' || body.length < largeBodyBytes) this.response.end(body, this.closeAfter)
      else done = this.sendLarge(body)
    })
    if (done) this.finish()
  }

  /**
   * A large body stays here until the socket has taken all of it, and the exchange open with it: a reader
   * that takes nothing is cut, and a shutdown waits for one that reads.
   * @returns whether everything is sent
   */
  private sendLarge (body: Uint8Array): boolean {
    if (this.closeAfter) this.response.writeHeader('connection', 'close')
    this.response.onWritable((offset) => {
      this.congestedSinceMs = this.nowMs()
      const [ok, done] = this.response.tryEnd(body.subarray(offset), body.length)
      if (done) this.finish()
      return ok
    })
    const [, done] = this.response.tryEnd(body, body.length)
    if (!done) this.congestedSinceMs = this.nowMs()
    return done
  }

  openStream (identity: AnswerIdentity, status: number, upstreamHeaders: string, upstreamMicroseconds: number): void {
    if (!this.alive) return
    const typed = splitContentType(upstreamHeaders)
    this.status = status
    this.streaming = true
    this.relaying = typed !== null
    this.response.onWritable(() => this.onWritable())
    this.response.cork(() => {
      this.response.writeStatus(statusLine(status))
      this.writeHeaders(typed?.contentType ?? answersOf(this.dialect, this.jsonArray).streamContentType, `cache-control: no-cache\r\nx-accel-buffering: no\r\n${identityLines(identity, typed?.lines ?? upstreamHeaders, upstreamMicroseconds)}`)
      if (this.closeAfter) this.response.writeHeader('connection', 'close')
    })
  }

  /** @param bytes whole SSE events, or a part of some when the rest follows in the same turn */
  write (bytes: Uint8Array): void {
    if (!this.alive) return
    this.responseBytes += bytes.length
    const nowMs = this.nowMs()
    if (this.lastChunkMs >= 0) this.events.onStreamGap(this, nowMs - this.lastChunkMs)
    this.lastChunkMs = nowMs
    if (this.congestedSinceMs >= 0) {
      this.held.push(bytes)
      return
    }
    this.response.cork(() => { this.writeNow(bytes) })
  }

  closeStream (): void {
    if (this.alive) this.finishStream()
  }

  /** Cuts the connection. */
  close (): void {
    if (this.alive) this.response.close()
  }

  /** Looked at every `sweepMs`: cuts readers that take nothing, and lets the watcher look at its deadline. */
  tick (nowMs: number, slowClientTimeoutMs: number): void {
    if (!this.alive) return
    if (this.congestedSinceMs >= 0 && nowMs - this.congestedSinceMs > slowClientTimeoutMs) {
      this.failure = new GatewayError('BIFROST_SLOW_CLIENT')
      this.watcher?.onGone(this.failure)
      return this.close()
    }
    this.watcher?.onTick(nowMs)
  }

  /** Call inside a cork. */
  private writeNow (bytes: Uint8Array): void {
    if (this.response.write(bytes)) return this.watcher?.onTaken(bytes.length)
    this.stuckBytes += bytes.length
    this.congestedSinceMs = this.nowMs()
  }

  /**
   * The server has sent what the socket took. It calls this with a rest of up to 16 KiB still in its own
   * buffer, which only the next write sends; when nothing waits, a comment does.
   */
  private onWritable (): boolean {
    if (!this.alive || this.congestedSinceMs < 0) return true
    this.response.cork(() => {
      this.congestedSinceMs = -1
      const credited = this.stuckBytes
      this.stuckBytes = 0
      if (this.held.length === 0 && !this.endWhenWritten) {
        const filler = this.relaying ? '' : answersOf(this.dialect, this.jsonArray).filler
        if (filler !== '' && !this.response.write(filler)) this.congestedSinceMs = this.nowMs()
      }
      while (this.held.length > 0 && this.congestedSinceMs < 0) this.writeNow(this.held.shift() as Uint8Array)
      if (credited > 0) this.watcher?.onTaken(credited)
    })
    if (this.endWhenWritten) this.finishStream()
    return true
  }

  private finishStream (): void {
    if (this.held.length > 0 || this.congestedSinceMs >= 0) {
      this.endWhenWritten = true
      return
    }
    // Without `closeAfter`: the server would write its header into the body.
    this.response.cork(() => { this.response.end() })
    this.finish()
  }

  /**
   * All headers in one call into native code, which costs as much per call as for all of them. The lines hold
   * printable characters only: `router/identity.ts`, `request-id.ts` and `attempts/response-headers.ts` see to it.
   */
  private writeHeaders (contentType: string, lines: string): void {
    this.response.writeHeader('content-type', `${contentType}\r\n${this.closeAfter ? '' : `${keepAliveLine}\r\n`}x-request-id: ${this.requestId}${lines === '' ? '' : `\r\n${lines}`}`)
  }

  private onAborted (): void {
    if (!this.alive) return
    this.alive = false
    this.failure ??= new GatewayError('BIFROST_CLIENT_CLOSED')
    this.watcher?.onGone(this.failure)
    this.finish()
  }

  private finish (): void {
    this.alive = false
    this.held = []
    this.events.heldBodyBytes -= this.requestBytes
    this.events.onFinished(this)
  }
}

const contentTypePrefix = 'content-type: '

/** Lines of an answer that is neither JSON nor a stream in the client's dialect begin with its content type. @returns null for every other one */
function splitContentType (headers: string): { contentType: string, lines: string } | null {
  if (!headers.startsWith(contentTypePrefix)) return null
  const end = headers.indexOf('\r\n')
  return end < 0 ? { contentType: headers.slice(contentTypePrefix.length), lines: '' } : { contentType: headers.slice(contentTypePrefix.length, end), lines: headers.slice(end + 2) }
}

/** The headers that name who answered, and the upstream's own. */
function identityLines (identity: AnswerIdentity, upstreamHeaders: string, upstreamMicroseconds: number): string {
  const lines = `${identity.headers}\r\nx-bifrost-upstream-latency-ms: ${Math.round(upstreamMicroseconds / 1000)}`
  return upstreamHeaders === '' ? lines : `${lines}\r\n${upstreamHeaders}`
}

/**
 * Puts `extra_fields` before the closing brace: one copy, no parsing. The body is copied whole, then
 * everything from the brace on is written over.
 * @param fields members as JSON text; ASCII unless `raw` is part of it
 */
function spliceExtraFields (body: Uint8Array, offset: number, fields: string, ascii: boolean): Buffer {
  let before = offset - 1
  while (before > 0 && (body[before] as number) <= 0x20) before--
  const text = `${body[before] === openBrace ? '' : ','}${extraFieldsMember}${fields}}`
  const textBytes = ascii ? text.length : Buffer.byteLength(text)
  const whole = Buffer.allocUnsafe(body.length + textBytes)
  whole.set(body)
  whole.write(text, offset, ascii ? 'latin1' : 'utf8')
  for (let index = offset; index < body.length; index++) whole[index + textBytes] = body[index] as number
  return whole
}
