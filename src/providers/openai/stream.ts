import type { Operation } from '../../api/operations.ts'
import { createUsage } from '../../api/usage.ts'
import type { Usage } from '../../api/usage.ts'
import type { GatewayError } from '../../errors.ts'
import type { JobFrame } from '../../api/job.ts'
import { parseEventData } from '../event-data.ts'
import type { EventSink, StreamEvent, StreamEventKind } from '../../api/framing.ts'
import type { StreamTranslator } from '../adapter.ts'
import { toEmbeddedError } from './errors.ts'
import { toUsage } from './usage.ts'

const quote = 0x22
const openBrace = 0x7b
const closeBrace = 0x7d
const doneMark = '[DONE]'
const finishKey = Buffer.from('"finish_reason"')
const usageKey = Buffer.from('"usage"')
const errorKey = Buffer.from('"error"')
/** What `findMarks` reports, as bits. */
const markError = 1
const markFinish = 2
const markUsage = 4
const responseEnds = ['"response.completed"', '"response.incomplete"', '"response.failed"'].map((mark) => Buffer.from(mark))

/**
 * OpenAI's chat, completion and Responses streams, whose dialect the client speaks too: events go
 * through as they came. Only an event that says something new (a finish, usage, an error) is parsed,
 * found by a byte search; `extra_fields` is spliced in before the last brace.
 */
export class OpenAiStream implements StreamTranslator {
  readonly usage: Usage = createUsage()
  /** A token per event: OpenAI streams them one by one, and a look at the text would cost as much as all the rest. */
  unreportedTokens = 0
  finished = false
  complete = false
  error: GatewayError | null = null
  private readonly missingEnd: string
  private readonly provider: string
  private readonly operation: Operation
  private readonly usageInjected: boolean
  /** `,"extra_fields":{...,"chunk_index":`, the same in every chunk. */
  private readonly extraFields: Uint8Array
  private readonly mayExtend: boolean
  private chunkIndex = 0

  constructor (provider: string, job: JobFrame) {
    this.provider = provider
    this.operation = job.operation
    this.usageInjected = job.usageInjected
    this.mayExtend = !job.passthrough
    this.extraFields = Buffer.from(`,"extra_fields":{${job.extraFields},"chunk_index":`, 'latin1')
    this.missingEnd = job.operation === 'responses' ? '' : 'data: [DONE]\n\n'
  }

  classify (event: StreamEvent): StreamEventKind {
    if (event.dataLines === 0) return 'comment'
    if (isDone(event)) return 'done'
    if (this.operation === 'responses') return this.classifyResponses(event)
    const marks = findMarks(event.bytes, event.dataStart, event.end)
    if ((marks & markError) !== 0 && this.noteError(event)) return 'error'
    if ((marks & markFinish) !== 0) this.finished = true
    else this.unreportedTokens++
    if ((marks & markUsage) !== 0 && this.noteUsage(event)) return 'hidden'
    return 'content'
  }

  isOpening (event: StreamEvent): boolean {
    const body = parseEventData(event)
    if (typeof body !== 'object' || body === null) return false
    const { type, choices } = body as { type?: unknown, choices?: unknown }
    if (this.operation === 'responses') return openingTypes.has(String(type))
    // Azure begins with what its filter says of the prompt, and no choice.
    return Array.isArray(choices) && choices.every(isEmptyChoice) && (choices.length > 0 || 'prompt_filter_results' in body)
  }

  takeMissingEnd (): Uint8Array {
    return Buffer.from(this.missingEnd)
  }

  write (event: StreamEvent, kind: StreamEventKind, latencyMs: number, sink: EventSink): void {
    const { bytes, start, end, dataEnd } = event
    const brace = this.mayExtend && kind === 'content' && event.dataLines === 1 && bytes[event.dataStart] === openBrace ? lastBrace(bytes, event.dataStart, dataEnd) : -1
    if (brace < 0) return sink.append(bytes, start, end)
    sink.append(bytes, start, brace)
    let before = brace - 1
    while (bytes[before] === 0x20) before--
    // An object without members has no comma before its first one.
    sink.append(this.extraFields, before === event.dataStart ? 1 : 0, this.extraFields.length)
    sink.appendAscii(`${this.chunkIndex++},"latency":${latencyMs}}`)
    sink.append(bytes, brace, end)
  }

  private classifyResponses (event: StreamEvent): StreamEventKind {
    const data = Buffer.from(event.bytes.buffer, event.bytes.byteOffset + event.start, event.end - event.start)
    if (data.includes('"type":"error"') || data.includes('"type": "error"')) {
      if (this.noteError(event)) return 'error'
    }
    const end = responseEnds.findIndex((mark) => data.includes(mark))
    if (end < 0) {
      if (data.includes('.delta"')) this.unreportedTokens++
      return 'content'
    }
    const body = parseEventData(event) as { type?: unknown, response?: { usage?: unknown } } | null
    if (typeof body?.type !== 'string' || !responseEnds.some((mark) => mark.toString() === `"${body.type as string}"`)) return 'content'
    this.takeUsage(body.response?.usage)
    this.finished = true
    // A failed response is reported as an error, before and after output has begun, as everywhere else.
    return body.type === 'response.failed' && this.noteError(event) ? 'error' : 'content'
  }

  private takeUsage (usage: unknown): void {
    const known = this.usage.outputTokens
    toUsage(usage, this.usage)
    if (this.usage.outputTokens > known) this.unreportedTokens = 0
  }

  private noteError (event: StreamEvent): boolean {
    const body = parseEventData(event)
    if (typeof body === 'object' && body !== null && hasOutput(body as Record<string, unknown>)) return false
    this.error = toEmbeddedError(this.provider, body)
    return this.error !== null
  }

  /** @returns true when the event only carries usage that the gateway asked for on its own */
  private noteUsage (event: StreamEvent): boolean {
    const body = parseEventData(event) as { usage?: unknown, choices?: unknown } | null
    if (typeof body !== 'object' || body === null) return false
    this.takeUsage(body.usage)
    const isUsageOnly = Array.isArray(body.choices) && body.choices.length === 0
    // One of several choices may be finished while others go on; the usage without a choice comes after all of them.
    if (isUsageOnly && this.finished) this.complete = true
    return this.usageInjected && isUsageOnly
  }
}

/** What a Responses stream begins with before the model has said anything. */
const openingTypes: ReadonlySet<string> = new Set(['response.created', 'response.queued', 'response.in_progress'])

/** A role, and nothing said: every other member of the delta is empty, and the choice is not finished. */
function isEmptyChoice (choice: unknown): boolean {
  const { delta, text, finish_reason: finish } = (choice ?? {}) as { delta?: unknown, text?: unknown, finish_reason?: unknown }
  if (isSaid(finish) || isSaid(text) || (typeof delta !== 'object' && delta !== undefined)) return false
  return Object.entries(delta ?? {}).every(([name, value]) => name === 'role' || !isSaid(value))
}

function isSaid (value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
}

/** Some providers send `"error": null` or warnings beside real choices; those are answers. */
function hasOutput (body: Record<string, unknown>): boolean {
  return Array.isArray(body.choices) && body.choices.some((choice: unknown) => {
    const finish = (choice as { finish_reason?: unknown } | null)?.finish_reason
    return finish !== 'error'
  }) && body.choices.length > 0
}

/**
 * Looks for the keys that say something new, in one pass that allocates nothing: every chunk comes through here.
 * An `"error"` counts as it stands; `"finish_reason"` and `"usage"` count when something other than null or ""
 * follows. Text that only spells a key has no colon after it, or has its quotes escaped.
 */
function findMarks (bytes: Uint8Array, start: number, end: number): number {
  let marks = 0
  for (let at = start; at < end; at++) {
    if (bytes[at] !== quote) continue
    const next = bytes[at + 1]
    if (next === 0x65) {
      if (isKeyAt(bytes, at, errorKey)) marks |= markError
    } else if (next === 0x66) {
      if (isKeyAt(bytes, at, finishKey) && hasValue(bytes, at + finishKey.length)) marks |= markFinish
    } else if (next === 0x75) {
      if (isKeyAt(bytes, at, usageKey) && hasValue(bytes, at + usageKey.length)) marks |= markUsage
    }
  }
  return marks
}

function isKeyAt (bytes: Uint8Array, at: number, key: Uint8Array): boolean {
  for (let index = 2; index < key.length; index++) {
    if (bytes[at + index] !== key[index]) return false
  }
  return true
}

/** True when a colon follows, and then something other than null or "". */
function hasValue (bytes: Uint8Array, after: number): boolean {
  let next = after
  while (bytes[next] === 0x20) next++
  if (bytes[next] !== 0x3a) return false
  next++
  while (bytes[next] === 0x20) next++
  return bytes[next] !== 0x6e && !(bytes[next] === quote && bytes[next + 1] === quote)
}

function isDone (event: StreamEvent): boolean {
  if (event.dataLines !== 1) return false
  let end = event.dataEnd
  while (event.bytes[end - 1] === 0x20) end--
  if (end - event.dataStart !== doneMark.length) return false
  for (let index = 0; index < doneMark.length; index++) {
    if (event.bytes[event.dataStart + index] !== doneMark.charCodeAt(index)) return false
  }
  return true
}

function lastBrace (bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1
  while (at > start && (bytes[at] === 0x20 || bytes[at] === 0x09)) at--
  return at > start && bytes[at] === closeBrace ? at : -1
}
