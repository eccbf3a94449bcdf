import type { Operation } from '../../api/operations.ts'
import type { Usage } from '../../api/usage.ts'
import type { GatewayError } from '../../errors.ts'
import type { JobFrame } from '../../api/job.ts'
import { parseEventData } from '../event-data.ts'
import type { EventSink, StreamEvent, StreamEventKind, StreamTranslator } from '../adapter.ts'
import { toEmbeddedError } from './errors.ts'
import { toUsage } from './usage.ts'

const quote = 0x22
const openBrace = 0x7b
const closeBrace = 0x7d
const doneMark = '[DONE]'
const finishKey = Buffer.from('"finish_reason"')
const usageKey = Buffer.from('"usage"')
const errorKey = Buffer.from('"error"')
const responseEnds = ['"response.completed"', '"response.incomplete"', '"response.failed"'].map((mark) => Buffer.from(mark))

/**
 * OpenAI's chat, completion and Responses streams, whose dialect the client speaks too: events go
 * through as they came. Only an event that says something new (a finish, usage, an error) is parsed,
 * found by a byte search; `extra_fields` is spliced in before the last brace.
 */
export class OpenAiStream implements StreamTranslator {
  readonly usage: Usage = { inputTokens: 0, outputTokens: 0 }
  finished = false
  error: GatewayError | null = null
  readonly missingEnd: string
  private readonly provider: string
  private readonly operation: Operation
  private readonly usageInjected: boolean
  private readonly extraFields: string
  private chunkIndex = 0

  constructor (provider: string, job: JobFrame) {
    this.provider = provider
    this.operation = job.operation
    this.usageInjected = job.usageInjected
    this.extraFields = job.extraFields
    this.missingEnd = job.operation === 'responses' ? '' : 'data: [DONE]\n\n'
  }

  classify (event: StreamEvent): StreamEventKind {
    if (event.dataLines === 0) return 'comment'
    if (isDone(event)) return 'done'
    const data = Buffer.from(event.bytes.buffer, event.bytes.byteOffset + event.start, event.end - event.start)
    if (this.operation === 'responses') return this.classifyResponses(event, data)
    if (data.includes(errorKey) && this.noteError(event)) return 'error'
    if (hasValue(data, finishKey)) this.finished = true
    if (hasValue(data, usageKey) && this.noteUsage(event)) return 'hidden'
    return 'content'
  }

  write (event: StreamEvent, latencyMs: number, sink: EventSink): void {
    const { bytes, start, end, dataEnd } = event
    const brace = event.dataLines === 1 && bytes[event.dataStart] === openBrace ? lastBrace(bytes, event.dataStart, dataEnd) : -1
    if (brace < 0) return sink.append(bytes, start, end)
    sink.append(bytes, start, brace)
    let before = brace - 1
    while (bytes[before] === 0x20) before--
    sink.appendAscii(`${before === event.dataStart ? '' : ','}"extra_fields":{${this.extraFields},"chunk_index":${this.chunkIndex++},"latency":${latencyMs}}`)
    sink.append(bytes, brace, end)
  }

  private classifyResponses (event: StreamEvent, data: Buffer): StreamEventKind {
    if (data.includes('"type":"error"') || data.includes('"type": "error"')) {
      if (this.noteError(event)) return 'error'
    }
    const end = responseEnds.findIndex((mark) => data.includes(mark))
    if (end < 0) return 'content'
    const body = parseEventData(event) as { type?: unknown, response?: { usage?: unknown } } | null
    if (typeof body?.type !== 'string' || !responseEnds.some((mark) => mark.toString() === `"${body.type as string}"`)) return 'content'
    toUsage(body.response?.usage, this.usage)
    this.finished = true
    // A failed response is reported as an error, before and after output has begun, as everywhere else.
    return body.type === 'response.failed' && this.noteError(event) ? 'error' : 'content'
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
    toUsage(body.usage, this.usage)
    return this.usageInjected && Array.isArray(body.choices) && body.choices.length === 0
  }
}

/** Some providers send `"error": null` or warnings beside real choices; those are answers. */
function hasOutput (body: Record<string, unknown>): boolean {
  return Array.isArray(body.choices) && body.choices.some((choice: unknown) => {
    const finish = (choice as { finish_reason?: unknown } | null)?.finish_reason
    return finish !== 'error'
  }) && body.choices.length > 0
}

/** True when the key is followed by something other than null or ""; text that only spells the key is skipped. */
function hasValue (data: Buffer, key: Buffer): boolean {
  for (let at = data.indexOf(key); at >= 0; at = data.indexOf(key, at + key.length)) {
    let next = at + key.length
    while (data[next] === 0x20) next++
    if (data[next] !== 0x3a) continue
    next++
    while (data[next] === 0x20) next++
    if (data[next] !== 0x6e && !(data[next] === quote && data[next + 1] === quote)) return true
  }
  return false
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
