import { STATUS_CODES } from 'node:http'
import { buildAnswer, buildError } from './answers.ts'
import type { Delays } from './delays.ts'
import type { MockOperation } from './operations.ts'
import { optionMax, requestBodyBytesMax } from './options.ts'
import type { MockUpstreamOptions } from './options.ts'
import { PacedStream } from './paced-stream.ts'
import type { MockHttpRequest, MockResponse } from './paced-stream.ts'
import type { ParsedExchange } from './request-body.ts'
import type { MockStatistics } from './statistics.ts'
import { streamFormatOf } from './stream-format.ts'

/** What every request of one server shares. */
export interface MockContext {
  options: MockUpstreamOptions
  random: () => number
  delays: Delays
  statistics: MockStatistics
  parse: (operation: MockOperation, body: Buffer) => ParsedExchange | null
}

/**
 * One request that has a body: receiving -> (delayed) -> answered | streaming -> settled, or settled at
 * any point because the client left. `settled` guards every use of `response`: uWebSockets ends the
 * process when a response is touched after its end.
 */
export class Exchange {
  private settled = false
  private chunks: Buffer[] | null = null
  private chunkBytes = 0
  private parsed: ParsedExchange | null = null
  private stream: PacedStream | null = null
  private readonly context: MockContext
  private readonly response: MockResponse
  private readonly operation: MockOperation
  private readonly latencyMs: number
  private readonly status: number
  private readonly frames: number
  private readonly intervalMs: number

  constructor (context: MockContext, operation: MockOperation, response: MockResponse, request: MockHttpRequest) {
    const { options, statistics } = context
    this.context = context
    this.operation = operation
    this.response = response
    // A request's headers are gone once the route handler returns, so all are read here.
    this.latencyMs = headerNumber(request, 'x-mock-latency-ms', optionMax.latencyMs) ?? delayOf(context)
    this.status = headerNumber(request, 'x-mock-status', 599) ?? (options.failureProbability > 0 && context.random() < options.failureProbability ? options.failureStatus : 200)
    this.frames = headerNumber(request, 'x-mock-frames', optionMax.frames) ?? options.frames
    this.intervalMs = headerNumber(request, 'x-mock-interval-ms', optionMax.frameIntervalMs) ?? options.frameIntervalMs
    statistics.requests += 1
    statistics.inFlight += 1
    if (statistics.inFlight > statistics.inFlightMax) statistics.inFlightMax = statistics.inFlight
    response.onAborted(() => { this.abort() })
    response.onData((chunk, isLast) => { this.receive(chunk, isLast) })
  }

  /** The delay is over. */
  run (): void {
    if (this.settled || this.parsed === null) return
    if (this.status >= 400) this.sendError(this.status)
    else if (this.parsed.request.stream && this.operation !== 'embeddings') this.startStream(this.parsed)
    else this.sendAnswer(this.parsed)
  }

  private receive (chunk: ArrayBuffer, isLast: boolean): void {
    if (this.settled) return
    this.chunkBytes += chunk.byteLength
    if (this.chunkBytes > requestBodyBytesMax) {
      this.sendError(413)
      return
    }
    // Nearly every body comes in one piece and is read in place; only pieces are copied.
    if (isLast && this.chunks === null) {
      this.receiveAll(Buffer.from(chunk))
      return
    }
    this.chunks ??= []
    this.chunks.push(Buffer.from(Buffer.from(chunk)))
    if (isLast) this.receiveAll(Buffer.concat(this.chunks))
  }

  private receiveAll (body: Buffer): void {
    this.chunks = null
    this.parsed = this.context.parse(this.operation, body)
    if (this.parsed === null) this.sendError(400)
    else if (this.latencyMs > 0) this.context.delays.after(this.latencyMs, this)
    else this.run()
  }

  private sendAnswer (parsed: ParsedExchange): void {
    const { tokens, bodyBytes } = this.context.options
    const answer = parsed.answer ??= buildAnswer(this.operation, parsed.request, tokens, bodyBytes)
    this.settle()
    this.response.cork(() => {
      this.response.writeHeader('content-type', 'application/json')
      this.response.writeHeader('x-request-id', 'req_mock')
      this.response.end(answer)
    })
  }

  private startStream (parsed: ParsedExchange): void {
    this.stream = new PacedStream({
      response: this.response,
      format: streamFormatOf(this.operation, parsed.request),
      frames: this.frames,
      intervalMs: this.intervalMs,
      delays: this.context.delays,
      statistics: this.context.statistics,
      onEnd: () => { this.settle() }
    })
    this.stream.start()
  }

  private sendError (status: number): void {
    this.settle()
    this.response.cork(() => {
      this.response.writeStatus(`${status} ${STATUS_CODES[status] ?? 'Unknown'}`)
      this.response.writeHeader('content-type', 'application/json')
      if (status === 429) this.response.writeHeader('retry-after', '1')
      this.response.end(buildError(status))
    })
  }

  private abort (): void {
    if (this.settled) return
    this.context.statistics.aborted += 1
    this.settle()
    this.stream?.stop()
  }

  private settle (): void {
    if (this.settled) return
    this.settled = true
    this.context.statistics.inFlight -= 1
  }
}

function delayOf (context: MockContext): number {
  const { latencyMs, jitterMs } = context.options
  return jitterMs > 0 ? latencyMs + context.random() * jitterMs : latencyMs
}

function headerNumber (request: MockHttpRequest, name: string, max: number): number | undefined {
  const text = request.getHeader(name)
  if (text === '') return undefined
  const value = Number(text)
  return value >= 0 && value <= max ? value : undefined
}
