import { openSync, write, writeSync } from 'node:fs'
import { pino } from 'pino'
import type { Bindings, Logger } from 'pino'
import type { LogLevel } from './api/settings.ts'

export type { Logger } from 'pino'

export interface LoggerOptions {
  level: LogLevel
  /** File descriptor or path of a file to append to; standard output when not given. */
  destination?: number | string
}

/** What is the same for every request of a kind. */
export interface RequestKind {
  method: string
  /** A query string, which may hold a key, is cut off. */
  path: string
  requestType: string
  provider: string
  /** As the client asked for it. */
  model: string
  /** As it went upstream. */
  resolvedModel: string
  /** The key's name, never its value. */
  keyName: string
  stream: boolean
}

/** What the log says about one request. Never a body, never a header. */
export interface RequestLine {
  requestId: string
  /** From `toRequestKindText`. */
  kindText: string
  status: number
  /** `ok` or a `BIFROST_` code. */
  outcome: string
  durationMs: number
  upstreamMs: number
  queueMs: number
  inputTokens: number
  outputTokens: number
  /** Of them; said only when there are any. */
  estimatedTokens: number
  /** Null when it is not known. */
  costUsd: number | null
  requestBytes: number
  responseBytes: number
  /** `,"attempts":...,"trail":[...]`, `,"shared":true` when another request's attempts served this one too, or empty when the first attempt went well. */
  trailText: string
}

/** One per thread: it flushes when the thread exits. */
export function createLogger (options: LoggerOptions): Logger {
  const { destination = 1 } = options
  const fd = typeof destination === 'number' ? destination : openSync(destination, 'a')
  const logger = pino({
    level: options.level,
    base: { pid: process.pid },
    formatters: { log: redact },
    serializers: { err: (error: unknown) => error instanceof Error ? redact({ ...pino.stdSerializers.err(error) }) : error }
  }, new LogDestination(fd))
  // pino runs no formatter over the bindings of children. Theirs have this logger as prototype, so
  // this one method covers all generations.
  const { child } = logger
  logger.child = function (this: Logger, bindings: Bindings, ...rest) { return child.call(this, redact(bindings), ...rest) } as typeof child
  return logger
}

/** Strings of a request line beyond this many UTF-16 units are cut: clients choose model names. */
const lineStringCharsMax = 256

/** The members of a request line that a kind of request repeats; built once per kind. */
export function toRequestKindText (kind: RequestKind): string {
  const query = kind.path.indexOf('?')
  return `"method":${quote(kind.method)},"path":${quote(query === -1 ? kind.path : kind.path.slice(0, query))},` +
    `"requestType":${quote(kind.requestType)},"provider":${quote(kind.provider)},"model":${quote(kind.model)},` +
    `"resolvedModel":${quote(kind.resolvedModel)},"keyName":${quote(kind.keyName)},"stream":${kind.stream ? 'true' : 'false'}`
}

/**
 * Writes the line of one request at level info. It builds the JSON by hand: pino's own serialisation
 * of these fields costs several times as much, and this runs for every request.
 */
export function logRequest (logger: Logger, line: RequestLine): void {
  if (!logger.isLevelEnabled('info')) return
  const { [pino.symbols.streamSym]: stream, [pino.symbols.chindingsSym]: bindings } = logger as unknown as LoggerInternals
  stream.write(`{"level":30,"time":${Date.now()}${bindings},"requestId":${quote(line.requestId)},${line.kindText},` +
    `"status":${count(line.status)},"outcome":${quote(line.outcome)},` +
    `"durationMs":${milliseconds(line.durationMs)},"upstreamMs":${milliseconds(line.upstreamMs)},"queueMs":${milliseconds(line.queueMs)},` +
    `"inputTokens":${count(line.inputTokens)},"outputTokens":${count(line.outputTokens)}${line.estimatedTokens === 0 ? '' : `,"estimatedTokens":${count(line.estimatedTokens)}`}${line.costUsd === null ? '' : `,"costUsd":${count(line.costUsd)}`},` +
    `"requestBytes":${count(line.requestBytes)},"responseBytes":${count(line.responseBytes)}${line.trailText},"msg":"request"}\n`)
}

/** The two things of a pino logger that the request line needs; `pino.symbols` names them publicly. */
interface LoggerInternals {
  readonly [pino.symbols.streamSym]: { write: (line: string) => void }
  readonly [pino.symbols.chindingsSym]: string
}

// What JSON must escape: quote, backslash, control characters; and surrogates, as a lone one is not UTF-8.
const mustEscape = /["\\\u0000-\u001f\ud800-\udfff]/ // eslint-disable-line no-control-regex

function quote (value: string): string {
  const bounded = value.length > lineStringCharsMax ? value.slice(0, lineStringCharsMax) : value
  return mustEscape.test(bounded) ? JSON.stringify(bounded) : `"${bounded}"`
}

function count (value: number): string {
  return Number.isFinite(value) ? String(value) : 'null'
}

const threeDigits = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0'))

/** Three decimals, put together from whole numbers: printing a double costs ten times as much. */
function milliseconds (value: number): string {
  if (!(value >= 0 && value < 1e9)) return count(value)
  const microseconds = Math.round(value * 1000)
  const whole = Math.floor(microseconds / 1000)
  return `${whole}.${threeDigits[microseconds - whole * 1000] as string}`
}

const redacted = '[Redacted]'
const redactedNames: ReadonlySet<string> = new Set([
  'authorization', 'proxy-authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'x-bf-api-key', 'cookie', 'set-cookie',
  'value', 'password', 'key'
])
const redactDepthMax = 8
const redactValuesMax = 1000

/**
 * A copy of what is logged without the values of secret names, in any case and at any depth. pino's own
 * `redact` takes exact paths; with these names at four depths it costs 100 us per line, this less than 1 us.
 */
export function redact (fields: Record<string, unknown>): Record<string, unknown> {
  let left = redactValuesMax
  function copy (value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null) return value
    // Dates, buffers and the like say themselves what they look like in JSON.
    if ('toJSON' in value) return value
    if (depth > redactDepthMax || left <= 0) return '[Truncated]'
    if (Array.isArray(value)) {
      left -= value.length
      return value.map((item) => copy(item, depth + 1))
    }
    return copyFields(value, depth)
  }
  function copyFields (source: object, depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(source)) {
      left--
      if (redactedNames.has(name.toLowerCase())) result[name] = redacted
      // The top-level error goes through its serializer, which calls this function again.
      else result[name] = depth === 0 && name === 'err' && value instanceof Error ? value : copy(value, depth + 1)
    }
    return result
  }
  try {
    return copyFields(fields, 0)
  } catch {
    // A getter threw. Logging must not fail the request that wanted to be logged.
    return { unloggable: true }
  }
}

/** Characters that wait before a write starts, and how long they wait at most: a write costs as much as many lines. */
const bufferedCharsMin = 64 * 1024
const flushIntervalMs = 200
/** A reader that takes nothing may hold back this much; further lines are dropped and counted. */
const bufferedCharsMax = 8 * 1024 * 1024
const retryMs = 50
/** At exit a full pipe gets 20 tries, one second in all. */
const exitRetriesMax = 20

/**
 * Where the lines go: collected, then written without blocking. Writing never throws and never stops
 * the process. pino's own destination (sonic-boom 4.2) loops for ever at exit when the reader is gone.
 */
class LogDestination {
  readonly #fd: number
  readonly #timer: NodeJS.Timeout
  #buffered = ''
  #isWriting = false
  /** Everything buffered goes with the next write, however little. */
  #isFlushing = false
  /** Waits to be written again after the pipe was full. */
  #retrying: Buffer | null = null
  /** The reader is gone for good; nothing is kept any more. */
  #isBroken = false
  #droppedLines = 0
  #onDrained: (() => void)[] = []

  constructor (fd: number) {
    this.#fd = fd
    this.#timer = setInterval(() => this.flush(), flushIntervalMs).unref()
    process.on('exit', () => this.flushSync())
  }

  write (line: string): void {
    if (this.#isBroken) return
    if (this.#buffered.length + line.length > bufferedCharsMax) {
      this.#droppedLines++
      return
    }
    this.#buffered += line
    if (this.#buffered.length >= bufferedCharsMin && !this.#isWriting) this.#writeOut(this.#take())
  }

  /** Starts a write; `onDrained` is called when everything is written or the reader is gone. */
  flush (onDrained?: () => void): void {
    if (onDrained !== undefined) this.#onDrained.push(onDrained)
    this.#isFlushing = true
    if (!this.#isWriting) this.#next()
  }

  /** For the end of the process only: what a write in progress still holds is left to it. */
  flushSync (): void {
    let bytes: Buffer = Buffer.concat([this.#retrying ?? Buffer.alloc(0), this.#take()])
    this.#retrying = null
    for (let tries = 0; bytes.length > 0 && tries < exitRetriesMax && !this.#isBroken;) {
      try {
        bytes = bytes.subarray(writeSync(this.#fd, bytes))
      } catch (error) {
        if (!isTemporary(error)) return
        tries++
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
      }
    }
  }

  #take (): Buffer {
    if (this.#droppedLines > 0) {
      this.#buffered += `{"level":40,"time":${Date.now()},"pid":${process.pid},"droppedLines":${this.#droppedLines},"msg":"log lines dropped"}\n`
      this.#droppedLines = 0
    }
    const bytes = Buffer.from(this.#buffered)
    this.#buffered = ''
    return bytes
  }

  #writeOut (bytes: Buffer): void {
    this.#isWriting = true
    write(this.#fd, bytes, (error, written) => {
      if (error !== null && isTemporary(error)) {
        this.#retrying = bytes
        setTimeout(() => this.#retry(), retryMs).unref()
      } else if (error !== null) {
        this.#failed(error, bytes)
      } else if (written < bytes.length) {
        this.#writeOut(bytes.subarray(written))
      } else {
        this.#next()
      }
    })
  }

  #retry (): void {
    const bytes = this.#retrying
    this.#retrying = null
    if (bytes !== null) this.#writeOut(bytes)
    else this.#next()
  }

  #next (): void {
    this.#isWriting = false
    // What came meanwhile waits for the timer, unless somebody waits for it or it is enough for a write.
    if (this.#onDrained.length === 0 && !this.#isFlushing && this.#buffered.length < bufferedCharsMin) return
    this.#isFlushing = false
    const bytes = this.#take()
    if (bytes.length > 0) return this.#writeOut(bytes)
    const callbacks = this.#onDrained
    this.#onDrained = []
    for (const callback of callbacks) callback()
  }

  /** A full disk may get space again; a closed pipe stays closed. */
  #failed (error: NodeJS.ErrnoException, lost: Buffer): void {
    for (const byte of lost) {
      if (byte === 0x0a) this.#droppedLines++
    }
    if (error.code !== 'ENOSPC' && error.code !== 'EIO') {
      this.#isBroken = true
      this.#buffered = ''
      this.#droppedLines = 0
      clearInterval(this.#timer)
    }
    this.#isWriting = false
    if (this.#isBroken) this.#next()
  }
}

function isTemporary (error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'EAGAIN' || code === 'EBUSY' || code === 'EINTR'
}
