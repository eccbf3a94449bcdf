import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/**
 * What an upstream does with one request: an ordinary function whose steps are the methods of the
 * exchange. It may wait for signals of the test. `faults.ts` has the common ones by name.
 */
export type Script = (exchange: FaultExchange) => void | Promise<void>

/** How the peer learns where a body ends: a number is a content-length, `close` is the end of the connection. */
export type Framing = 'chunked' | 'close' | number

export interface RecordedRequest {
  method: string
  path: string
  /** Names in lower case. */
  headers: Record<string, string>
  body: Buffer
  /** Open connections when the request was complete, its own included. */
  openSockets: number
  /** Requests without a finished answer then, this one included. */
  inFlight: number
  receivedAtMs: number
  /** When the peer closed or reset the connection under this exchange; null while it has not. */
  peerClosedAtMs: number | null
}

/** Requests that are kept for inspection; older ones are forgotten. */
const requestsKeptMax = 10_000
/** What the answers of `sse.ts` say. */
const greeting = 'Hello'
const headEnd = Buffer.from('\r\n\r\n')
const reasons: Readonly<Record<number, string>> = { 200: 'OK', 401: 'Unauthorized', 429: 'Too Many Requests', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable' }

/** One request and the answer under construction. Every step is safe after the peer has gone. */
export class FaultExchange {
  readonly request: RecordedRequest
  readonly socket: Socket
  /** Resolves when the connection is gone, whoever closed it. */
  readonly closed: Promise<void>
  /** Bytes that the kernel has taken; stands still while the peer does not read. */
  acceptedBytes = 0
  /** Stands in the answer where `Hello` stood, and is as long, so that an answer shows whose it is. */
  mark = greeting
  private framing: Framing = 'close'
  private readonly onFinished: (keepAlive: boolean) => void

  constructor (socket: Socket, request: RecordedRequest, closed: Promise<void>, onFinished: (keepAlive: boolean) => void) {
    this.socket = socket
    this.request = request
    this.closed = closed
    this.onFinished = onFinished
  }

  /** The request body as the client meant it. */
  get json (): { model: string, stream?: boolean } & Record<string, unknown> {
    return JSON.parse(this.request.body.toString('utf8'))
  }

  /** Status line and headers. `write` frames what follows as the headers promise. */
  head (status: number, headers: Record<string, string>, framing: Framing = 'chunked'): void {
    this.framing = framing
    const lines = [`HTTP/1.1 ${status} ${reasons[status] ?? 'Status'}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)]
    if (framing === 'chunked') lines.push('transfer-encoding: chunked')
    else if (framing === 'close') lines.push('connection: close')
    else lines.push(`content-length: ${framing}`)
    void this.send(lines.join('\r\n') + '\r\n\r\n')
  }

  /** Head of an event stream. */
  openStream (framing: Framing = 'chunked', headers: Record<string, string> = {}): void {
    this.head(200, { 'content-type': 'text/event-stream', ...headers }, framing)
  }

  /** Part of the body. @returns when the kernel has taken it, or the connection is gone */
  write (body: string | Uint8Array): Promise<void> {
    const bytes = this.marked(body)
    // A chunk of no bytes would be the end of the body.
    if (bytes.length === 0) return Promise.resolve()
    if (this.framing !== 'chunked') return this.send(bytes)
    return this.send(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]))
  }

  marked (body: string | Uint8Array): Uint8Array {
    if (this.mark === greeting) return typeof body === 'string' ? Buffer.from(body) : body
    // Byte by byte: a piece may end within a character.
    const bytes = Buffer.from(typeof body === 'string' ? Buffer.from(body) : body)
    return Buffer.from(bytes.toString('latin1').replaceAll(greeting, this.mark), 'latin1')
  }

  /** Bytes as they are, past all framing. */
  send (bytes: string | Uint8Array): Promise<void> {
    if (!this.socket.writable) return Promise.resolve()
    return new Promise((resolve) => {
      const size = Buffer.byteLength(bytes)
      this.socket.write(bytes, (error) => {
        if (error === undefined || error === null) this.acceptedBytes += size
        resolve()
      })
    })
  }

  /** Ends the body as its framing says; the connection then takes the next request, unless the framing is `close`. */
  end (): void {
    if (this.framing === 'chunked') void this.send('0\r\n\r\n')
    if (this.framing === 'close') this.socket.end()
    this.onFinished(this.framing !== 'close')
  }

  /** A whole answer in one write. */
  answer (status: number, body: string | Uint8Array, headers: Record<string, string> = { 'content-type': 'application/json' }): void {
    const head = [`HTTP/1.1 ${status} ${reasons[status] ?? 'Status'}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)]
    const bytes = this.marked(body)
    void this.send(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\ncontent-length: ${bytes.length}\r\n\r\n`), bytes]))
    this.onFinished(true)
  }

  /** FIN now, wherever the body stands; the socket still reads. */
  halfClose (): void {
    this.socket.end()
    this.onFinished(false)
  }

  /** RST. */
  reset (): void {
    this.socket.resetAndDestroy()
    this.onFinished(false)
  }

  /** Stops taking bytes from the peer. */
  pauseReading (): void {
    this.socket.pause()
  }
}

/** An HTTP/1.1 server on 127.0.0.1 that answers by script. It serves one request at a time per connection. */
export class FaultUpstream {
  /** Answers the requests that come from now on. */
  script: Script
  readonly requests: RecordedRequest[] = []
  requestCount = 0
  openSockets = 0
  acceptedSockets = 0
  inFlight = 0
  inFlightMax = 0
  private readonly server: Server
  private readonly sockets = new Set<Socket>()
  private readonly waiters = new Set<{ count: number, resolve: () => void }>()
  private failure: Error | null = null

  constructor (script: Script) {
    this.script = script
    this.server = createServer({ noDelay: true }, (socket) => { this.accept(socket) })
  }

  get port (): number {
    return (this.server.address() as { port: number }).port
  }

  get url (): string {
    return `http://127.0.0.1:${this.port}`
  }

  listen (): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve)
    })
  }

  /** @returns when this many requests have come since the start */
  whenRequests (count: number): Promise<void> {
    if (this.requestCount >= count) return Promise.resolve()
    return new Promise((resolve) => { this.waiters.add({ count, resolve }) })
  }

  /** Counts from here on. */
  forget (): void {
    this.requestCount = 0
    this.requests.length = 0
  }

  /** Cuts every connection. @throws what a script threw */
  async close (): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise<void>((resolve) => { this.server.close(() => { resolve() }) })
    if (this.failure !== null) throw this.failure
  }

  private accept (socket: Socket): void {
    this.openSockets++
    this.acceptedSockets++
    this.sockets.add(socket)
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => {
        this.openSockets--
        this.sockets.delete(socket)
        resolve()
      })
    })
    // A peer that resets is one of the events under test, not an error of ours.
    socket.on('error', () => {})
    let received: Buffer = Buffer.alloc(0)
    let current: RecordedRequest | null = null
    const finish = (keepAlive: boolean): void => {
      if (current === null) return
      current = null
      this.inFlight--
      if (keepAlive && received.length > 0) next()
    }
    const peerGone = (): void => {
      if (current !== null) current.peerClosedAtMs ??= performance.now()
      finish(false)
    }
    const next = (): void => {
      if (current !== null) return
      const parsed = parseRequest(received)
      if (parsed === null) return
      received = parsed.rest
      this.inFlight++
      this.inFlightMax = Math.max(this.inFlightMax, this.inFlight)
      current = { ...parsed.request, openSockets: this.openSockets, inFlight: this.inFlight, receivedAtMs: performance.now(), peerClosedAtMs: null }
      const request = current
      this.note(request)
      this.run(new FaultExchange(socket, request, closed, (keepAlive) => { if (current === request) finish(keepAlive) }))
    }
    socket.on('data', (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      next()
    })
    socket.once('end', peerGone)
    socket.once('close', peerGone)
  }

  private note (request: RecordedRequest): void {
    this.requestCount++
    this.requests.push(request)
    if (this.requests.length > requestsKeptMax) this.requests.shift()
    for (const waiter of this.waiters) {
      if (this.requestCount < waiter.count) continue
      this.waiters.delete(waiter)
      waiter.resolve()
    }
  }

  private run (exchange: FaultExchange): void {
    const fail = (error: unknown): void => {
      this.failure ??= error as Error
      exchange.reset()
    }
    try {
      this.script(exchange)?.catch(fail)
    } catch (error) {
      fail(error)
    }
  }
}

/** Starts an upstream that ends with its owner: a test's context, or `{ after }` of node:test for a whole file. */
export async function startFaultUpstream (t: { after: (fn: () => Promise<void>) => void }, script: Script): Promise<FaultUpstream> {
  const upstream = new FaultUpstream(script)
  await upstream.listen()
  t.after(() => upstream.close())
  return upstream
}

type RequestStart = Pick<RecordedRequest, 'method' | 'path' | 'headers' | 'body'>

/** @returns null while the request is not complete. Knows what the gateway sends: bodies with a content-length. */
function parseRequest (bytes: Buffer): { request: RequestStart, rest: Buffer } | null {
  const end = bytes.indexOf(headEnd)
  if (end < 0) return null
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const [method = '', path = ''] = first.split(' ')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const bodyStart = end + headEnd.length
  const bodyEnd = bodyStart + Number(headers['content-length'] ?? 0)
  if (bytes.length < bodyEnd) return null
  return { request: { method, path, headers, body: Buffer.from(bytes.subarray(bodyStart, bodyEnd)) }, rest: bytes.subarray(bodyEnd) }
}
