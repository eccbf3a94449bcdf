import type { JobFrame } from '../../src/api/job.ts'
import type { Reply } from '../../src/api/reply.ts'
import type { Usage } from '../../src/api/usage.ts'
import type { AttemptContext } from '../../src/attempts/http-attempt.ts'
import type { Results } from '../../src/attempts/results.ts'
import { StreamAttempt } from '../../src/attempts/stream-attempt.ts'
import { UnaryAttempt } from '../../src/attempts/unary-attempt.ts'
import { GatewayError } from '../../src/errors.ts'
import { MediaFetcher } from '../../src/fetch/media-fetcher.ts'
import type { Adapter, AdapterRequest } from '../../src/providers/adapter.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'
import { framings } from '../../src/upstream/splitters.ts'
import { createAdapter } from './create-adapter.ts'
import type { Vendor } from './chat-vendors.ts'
import { createJob } from './recordings.ts'

/** What the vendor sends back; absent: 200 with the content type that is right. */
export interface Answer {
  status?: number
  headers?: Record<string, string>
  pieces: readonly Uint8Array[]
  /** The connection breaks after the last piece. */
  isReset?: boolean
}

/** What came of a request. */
export interface Ending {
  /** Null when the request was refused before it was sent. */
  sent: AdapterRequest | null
  /** The bytes that the client has; the latency in them is 0. */
  body: Buffer
  /** The client's answer has begun. */
  hasBegun: boolean
  error: GatewayError | null
  /** Header lines that go with the answer, or the error. */
  headers: string
  usage: Usage | null
}

/** Nothing in an answer depends on the clock or on chance. Nothing is fetched: that has tests of its own. */
const world = { nowSeconds: () => 1_787_150_315, newId: () => 'abcdefghijklmnopqrstuvwx', mediaFetcher: new MediaFetcher(() => Promise.resolve([])) }
const withoutFetch = { mediaFetch: null }
const adapters = new Map<Vendor, Adapter>()

function adapterOf (vendor: Vendor): Adapter {
  const known = adapters.get(vendor)
  if (known !== undefined) return known
  const adapter = createAdapter({ ...vendor.settings, ...withoutFetch }, world)
  adapters.set(vendor, adapter)
  return adapter
}

/** The frames of one attempt, without a port. */
class Collected {
  readonly pieces: Buffer[] = []
  hasBegun = false
  endings = 0
  error: GatewayError | null = null
  headers = ''
  usage: Usage | null = null
  private chunkBytes = 0

  head (): void { this.hasBegun = true }
  openChunk (): void { this.chunkBytes = 0 }
  append (bytes: Uint8Array, start: number, end: number): void { this.add(Buffer.from(bytes.subarray(start, end))) }
  appendAscii (text: string): void { this.add(Buffer.from(text, 'latin1')) }
  closeChunk (): number { return this.chunkBytes }

  reply (_jobId: number, { body, headers, usage }: Reply): void {
    this.endings++
    this.add(Buffer.from(body))
    Object.assign(this, { headers, usage, hasBegun: true })
  }

  end (_jobId: number, usage: Usage): void {
    this.endings++
    this.usage = usage
  }

  failed (_jobId: number, error: GatewayError, headers: string, usage: Usage): void {
    this.endings++
    Object.assign(this, { error, headers, usage })
  }

  private add (bytes: Buffer): void {
    this.pieces.push(bytes)
    this.chunkBytes += bytes.length
  }
}

/** Plays the vendor's side of one attempt, the real one without its socket. */
export function exchange (vendor: Vendor, job: Partial<JobFrame> & { body: Buffer }, { status = 200, headers = {}, pieces, isReset = false }: Answer): Ending {
  const results = new Collected()
  const frame = createJob('chat_completion', { stream: false, model: vendor.model, ...job })
  let sent: AdapterRequest | null = null
  const context: AttemptContext = {
    settings: { ...vendor.settings, ...withoutFetch },
    adapter: adapterOf(vendor),
    upstream: { send: (request: AdapterRequest) => { sent = request; return { pause () {}, resume () {}, abort () {} } } } as unknown as Upstream,
    results: results as unknown as Results,
    onSettled: () => {}
  }
  const attempt = frame.stream ? new StreamAttempt(context, frame, performance.now()) : new UnaryAttempt(context, frame, performance.now())
  attempt.start()
  if (results.error === null) {
    attempt.onStart()
    const framing = context.adapter.open(frame).streamFraming
    attempt.onHead(status, { 'content-type': frame.stream && status === 200 ? framings[framing].mediaType : 'application/json', ...headers })
    for (const piece of pieces) attempt.onData(Buffer.from(piece))
    if (isReset) attempt.onError(new GatewayError('BIFROST_UPSTREAM_RESET'))
    else attempt.onEnd()
  }
  if (results.endings !== 1) throw new Error(`the attempt ended ${results.endings} times`)
  const { hasBegun, error, headers: lines, usage } = results
  const body = Buffer.from(Buffer.concat(results.pieces).toString('latin1').replaceAll(/"latency":\d+/g, '"latency":0'), 'latin1')
  return { sent, body, hasBegun, error, headers: lines, usage }
}

/** The events of a stream, each with the bytes that end it; read without any code of the gateway. */
export function eventsOf (framing: keyof typeof framings, bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + eventLength(framing, bytes.subarray(at))
    found.push(bytes.subarray(at, end))
    at = end
  }
  return found
}

function eventLength (framing: keyof typeof framings, bytes: Buffer): number {
  if (framing === 'event-stream') return bytes.readUInt32BE(0)
  const mark = framing === 'lines' ? '\n' : bytes.includes('\r\n\r\n') ? '\r\n\r\n' : '\n\n'
  const at = bytes.indexOf(mark)
  return at < 0 ? bytes.length : at + mark.length
}
