import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createSignal, within } from './wait.ts'
import type { Signal } from './wait.ts'

/** How a response ended: as its framing says, or by the end of the connection. */
export type Ending = 'complete' | 'cut'

const headEnd = Buffer.from('\r\n\r\n')
const lineEnd = Buffer.from('\r\n')

/** A response as it arrives. */
export class ClientResponse {
  readonly status: number
  readonly headers: Record<string, string>
  readonly ended = createSignal<Ending>()
  /** Takes the body in place of `text`, so that large ones are not kept. */
  onBody: ((bytes: Buffer) => void) | null = null
  private readonly pieces: Buffer[] = []
  private readonly waiters = new Set<{ text: string, signal: Signal }>()

  constructor (status: number, headers: Record<string, string>) {
    this.status = status
    this.headers = headers
  }

  /** The body so far. */
  get text (): string {
    return Buffer.concat(this.pieces).toString('utf8')
  }

  get json (): { error: { message: string, type: string, code: string | null } } & Record<string, unknown> {
    return JSON.parse(this.text)
  }

  /** @returns when the body so far holds `text` */
  until (text: string): Promise<void> {
    if (this.text.includes(text)) return Promise.resolve()
    const signal = createSignal()
    this.waiters.add({ text, signal })
    return within(signal.promise, `the client sees ${JSON.stringify(text)} after ${JSON.stringify(this.text.slice(-200))}`)
  }

  /** @returns the ending; the body is whole then */
  end (limitMs?: number): Promise<Ending> {
    return within(this.ended.promise, `the response ends after ${JSON.stringify(this.text.slice(-200))}`, limitMs)
  }

  push (bytes: Buffer): void {
    if (this.onBody !== null) return this.onBody(bytes)
    this.pieces.push(bytes)
    if (this.waiters.size === 0) return
    const { text } = this
    for (const waiter of this.waiters) {
      if (!text.includes(waiter.text)) continue
      this.waiters.delete(waiter)
      waiter.signal.resolve()
    }
  }
}

/**
 * A client on a raw socket, one request at a time: it can stop reading, reset, leave at any moment and
 * write bytes by hand, and it sees every byte of the body as it comes.
 */
export class RawClient {
  readonly socket: Socket
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>
  private received: Buffer = Buffer.alloc(0)
  private waiting: { resolve: (response: ClientResponse) => void, reject: (error: Error) => void } | null = null
  private response: ClientResponse | null = null
  /** Bytes of body, or of the chunk at hand, that are still to come; -1: a chunk length comes next. */
  private bodyBytesLeft = 0
  private chunked = false

  private constructor (socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => { socket.once('close', () => { resolve() }) })
    socket.on('data', (bytes) => { this.onData(bytes) })
    socket.on('error', () => {}) // what matters is `closed`, which follows
    socket.on('close', () => { this.onClose() })
  }

  static connect (port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => { resolve(new RawClient(socket)) })
      socket.once('error', reject)
    })
  }

  /** @returns at the head of the response */
  request (method: string, path: string, body: string | null = null, headers: Record<string, string> = {}): Promise<ClientResponse> {
    const lines = [`${method} ${path} HTTP/1.1`, 'host: gateway', ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)]
    if (body !== null) lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`)
    const head = this.nextResponse()
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
    return head
  }

  chat (body: string, headers: Record<string, string> = {}): Promise<ClientResponse> {
    return this.request('POST', '/v1/chat/completions', body, headers)
  }

  /** For requests written by hand with `socket.write`. */
  nextResponse (): Promise<ClientResponse> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) reject(new Error('the connection is closed'))
      this.waiting = { resolve, reject }
    })
  }

  private onData (bytes: Buffer): void {
    this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes])
    while (this.received.length > 0 && (this.response === null ? this.readHead() : this.readBody()));
  }

  private onClose (): void {
    this.waiting?.reject(new Error('the connection was closed before a response head'))
    this.response?.ended.resolve('cut')
  }

  private readHead (): boolean {
    const end = this.received.indexOf(headEnd)
    if (end < 0) return false
    const [first = '', ...lines] = this.received.toString('latin1', 0, end).split('\r\n')
    const headers: Record<string, string> = {}
    for (const line of lines) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon).toLowerCase()
      const value = line.slice(colon + 1).trim()
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
    }
    this.received = this.received.subarray(end + headEnd.length)
    const response = new ClientResponse(Number(first.split(' ')[1]), headers)
    this.chunked = headers['transfer-encoding'] === 'chunked'
    this.bodyBytesLeft = this.chunked ? -1 : Number(headers['content-length'] ?? 0)
    this.response = response
    this.waiting?.resolve(response)
    this.waiting = null
    if (this.bodyBytesLeft === 0) this.finish()
    return true
  }

  private readBody (): boolean {
    if (this.bodyBytesLeft < 0) return this.readChunkLength()
    const bytes = this.received.subarray(0, this.bodyBytesLeft)
    this.received = this.received.subarray(bytes.length)
    this.bodyBytesLeft -= bytes.length
    this.response?.push(bytes)
    if (this.bodyBytesLeft === 0) {
      if (this.chunked) this.bodyBytesLeft = -1
      else this.finish()
    }
    return true
  }

  /** Also eats the line end that closes the chunk before. */
  private readChunkLength (): boolean {
    const start = this.received[0] === 0x0d ? 2 : 0
    const end = this.received.indexOf(lineEnd, start)
    if (end < 0) return false
    const length = Number.parseInt(this.received.toString('latin1', start, end), 16)
    if (Number.isNaN(length)) throw new Error(`not a chunk length: ${this.received.toString('latin1', start, end)}`)
    if (length > 0) {
      this.received = this.received.subarray(end + 2)
      this.bodyBytesLeft = length
      return true
    }
    if (this.received.length < end + 4) return false
    this.received = this.received.subarray(end + 4)
    this.finish()
    return true
  }

  private finish (): void {
    const { response } = this
    this.response = null
    response?.ended.resolve('complete')
  }
}
