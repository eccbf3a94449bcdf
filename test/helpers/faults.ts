import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { createRandom } from './random.ts'
import type { Framing, Script } from './fault-upstream.ts'
import { contentEvent, doneEvent, finishEvent, wholeReply, wholeStream } from './sse.ts'
import { pause } from './wait.ts'

const html = '<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>'

/** Bodies as OpenAI prints them. */
export const errorBodies = {
  401: '{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}',
  429: '{"error":{"message":"Rate limit reached.","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}',
  500: '{"error":{"message":"The server had an error.","type":"server_error","param":null,"code":null}}',
  503: '{"error":{"message":"The engine is overloaded.","type":"service_unavailable","param":null,"code":null}}'
} as const

/** Pace of answers that come slowly. */
const tickMs = 10

/** Content events of a stream, numbered from 0. */
export function tokens (count: number): string[] {
  return Array.from({ length: count }, (_, index) => contentEvent(`${index} `))
}

/** A good answer: a stream when one was asked for. */
export const ok: Script = (exchange) => {
  if (exchange.json.stream !== true) return exchange.answer(200, wholeReply)
  exchange.openStream()
  void exchange.write(wholeStream)
  exchange.end()
}

/** What an upstream can do wrong, by name. */
export const faults = {
  /** A good answer, late. */
  latency: (durationMs: number): Script => async (exchange) => {
    await pause(durationMs)
    await ok(exchange)
  },

  /** As `latency`, by up to `spreadMs` more. */
  jitter: (durationMs: number, spreadMs: number, random: () => number): Script => (exchange) => faults.latency(durationMs + random() * spreadMs)(exchange),

  /** A good answer at so many bytes per second. */
  bandwidth: (bytesPerSecond: number): Script => async (exchange) => {
    const whole = Buffer.from(exchange.json.stream === true ? wholeStream : wholeReply)
    const bytes = exchange.marked(whole)
    if (exchange.json.stream === true) exchange.openStream()
    else exchange.head(200, { 'content-type': 'application/json' }, bytes.length)
    const step = Math.max(1, Math.round(bytesPerSecond * tickMs / 1_000))
    for (let at = 0; at < bytes.length && !exchange.socket.destroyed; at += step) {
      await exchange.write(bytes.subarray(at, at + step))
      await pause(tickMs)
    }
    exchange.end()
  },

  /** A good answer that ends with its connection, whose FIN comes late. */
  slowClose: (durationMs: number): Script => async (exchange) => {
    if (exchange.json.stream === true) exchange.openStream('close')
    else exchange.head(200, { 'content-type': 'application/json' }, 'close')
    await exchange.write(exchange.json.stream === true ? wholeStream : wholeReply)
    await pause(durationMs)
    exchange.end()
  },

  /** RST with nothing sent. */
  resetBeforeHead: (): Script => (exchange) => { exchange.reset() },

  /** FIN with nothing sent. */
  closeBeforeHead: (): Script => (exchange) => { exchange.halfClose() },

  /** RST after the head. */
  resetAfterHead: (): Script => async (exchange) => {
    if (exchange.json.stream === true) exchange.openStream()
    else exchange.head(200, { 'content-type': 'application/json' }, wholeReply.length)
    await exchange.send('')
    exchange.reset()
  },

  /** Good for the first request of a connection; FIN without an answer for the next one on it. */
  closeOnReuse: (): Script => {
    const used = new WeakSet<Socket>()
    return (exchange) => {
      if (used.has(exchange.socket)) return exchange.halfClose()
      used.add(exchange.socket)
      return ok(exchange)
    }
  },

  /** RST after part of the body has left. */
  resetMidBody: (part: string): Script => async (exchange) => {
    if (exchange.json.stream === true) exchange.openStream()
    else exchange.head(200, { 'content-type': 'application/json' }, wholeReply.length)
    await exchange.write(part)
    exchange.reset()
  },

  /** Takes the request and never answers. */
  silent: (): Script => () => {},

  /** Part of a stream, then nothing, with the connection open. */
  stall: (part: string): Script => (exchange) => {
    exchange.openStream()
    void exchange.write(part)
  },

  /** Part of a stream, then FIN where the framing promised more. `close` framing makes it look like a good end. */
  cut: (part: string, framing: Framing): Script => async (exchange) => {
    exchange.openStream(framing)
    await exchange.write(part)
    exchange.halfClose()
  },

  /** As `cut`, after `count` of the tokens that were to come. */
  cutAtToken: (count: number, of: number, framing: Framing = 'chunked'): Script => faults.cut(tokens(of).slice(0, count).join(''), framing),

  /** An event in mid-stream that is no JSON. */
  malformedEvent: (): Script => faults.stream(`${contentEvent('Hello')}data: {"choices":[{"del\n\n${finishEvent()}${doneEvent}`),

  /** Complete, but for the end mark. */
  noDone: (): Script => (exchange) => exchange.json.stream === true ? faults.stream(contentEvent('Hello') + finishEvent())(exchange) : ok(exchange),

  /** A stream in pieces of 1 to `pieceBytesMax` bytes, each its own write and chunk. */
  slicer: (stream: string | Uint8Array, pieceBytesMax: number, seed: number): Script => async (exchange) => {
    const random = createRandom(seed)
    const bytes = exchange.marked(stream)
    exchange.openStream()
    for (let at = 0; at < bytes.length;) {
      const next = Math.min(bytes.length, at + 1 + Math.floor(random() * pieceBytesMax))
      await exchange.write(bytes.subarray(at, next))
      at = next
    }
    exchange.end()
  },

  /** After a first event, a chunk whose length is no number. */
  badChunkLength: (): Script => async (exchange) => {
    exchange.openStream()
    await exchange.write(contentEvent('a'))
    await exchange.send('zz\r\nnot a chunk\r\n')
  },

  /** Promises more bytes than come before FIN. */
  wrongContentLength: (): Script => async (exchange) => {
    exchange.head(200, { 'content-type': 'application/json' }, wholeReply.length + 10)
    await exchange.write(wholeReply)
    exchange.halfClose()
  },

  /** 200 whose body, or first event, is an error. */
  errorInside200: (body: string): Script => (exchange) => {
    if (exchange.json.stream !== true) return exchange.answer(200, body)
    exchange.openStream()
    void exchange.write(`data: ${body}\n\n`)
    exchange.end()
  },

  /** Any status with its JSON body. */
  status: (status: keyof typeof errorBodies, headers: Record<string, string> = {}): Script => (exchange) => {
    exchange.answer(status, errorBodies[status], { 'content-type': 'application/json', ...headers })
  },

  /** What a proxy in front of a dead provider says. */
  html502: (): Script => (exchange) => { exchange.answer(502, html, { 'content-type': 'text/html' }) },

  /** Bad and good answers in turn. */
  flapping: (bad: Script): Script => {
    let count = 0
    return (exchange) => (count++ % 2 === 0 ? bad : ok)(exchange)
  },

  /** Bad for so long from the first request on, then good. */
  badFor: (bad: Script, durationMs: number): Script => {
    let untilMs: number | null = null
    return (exchange) => {
      untilMs ??= performance.now() + durationMs
      return (performance.now() < untilMs ? bad : ok)(exchange)
    }
  },

  /** The scripts in turn; the last one for all further requests. */
  inTurn: (...scripts: readonly Script[]): Script => {
    let turn = 0
    return (exchange) => (scripts[Math.min(turn++, scripts.length - 1)] as Script)(exchange)
  },

  /** A whole stream by its bytes: a malformed event, no [DONE], odd line ends. */
  stream: (bytes: string | Uint8Array, framing: Framing = 'chunked'): Script => (exchange) => {
    exchange.openStream(framing)
    void exchange.write(bytes)
    exchange.end()
  }
}

/** A port on which nobody listens, so that connecting to it is refused. */
export async function refusedPort (): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as { port: number }
  await new Promise<void>((resolve) => { server.close(() => { resolve() }) })
  return port
}
