/**
 * What one event of a chat or completion stream says, for who has to go on with a stream that broke. Only text of a single
 * choice can be continued; whatever else an event holds is told apart, not understood.
 */
export interface StreamEvent {
  /** What it adds to the text of choice 0; empty when nothing. */
  text: string
  /** A finish reason or the end mark: no text follows. */
  isEnd: boolean
  /** Something that is no text: a tool call, a refusal, reasoning, audio, log probabilities, another choice, or what cannot be read. */
  hasOther: boolean
  /** The data, for `printEvent`; null when it is no JSON object. */
  body: Members | null
}

type Members = Record<string, unknown>

const lineFeed = 0x0a
const carriageReturn = 0x0d
const field = Buffer.from('data:')
const byteOrderMark = Buffer.from('\ufeff')

/**
 * The event that begins at `start` of bytes that hold whole events. Knows LF, CR LF and CR lines.
 * @returns where it ends, after its blank line, and its data; null for comments and bare fields
 */
export function cutEvent (bytes: Uint8Array, start: number): { end: number, data: string | null } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let data: string | null = null
  let lineStart = startsWith(buffer, byteOrderMark, start) ? start + byteOrderMark.length : start
  for (let index = lineStart; index < buffer.length; index++) {
    const byte = buffer[index]
    if (byte !== lineFeed && byte !== carriageReturn) continue
    const lineEnd = index
    if (byte === carriageReturn && buffer[index + 1] === lineFeed) index++
    if (lineEnd === lineStart) return { end: index + 1, data }
    data = withLine(data, buffer, lineStart, lineEnd)
    lineStart = index + 1
  }
  return { end: buffer.length, data: lineStart < buffer.length ? withLine(data, buffer, lineStart, buffer.length) : data }
}

function withLine (data: string | null, buffer: Buffer, start: number, end: number): string | null {
  if (!startsWith(buffer, field, start)) return data
  const line = buffer.toString('utf8', start + field.length, end)
  return data === null ? line : `${data}\n${line}`
}

function startsWith (buffer: Buffer, prefix: Buffer, start: number): boolean {
  for (let index = 0; index < prefix.length; index++) {
    if (buffer[start + index] !== prefix[index]) return false
  }
  return true
}

const silent: StreamEvent = { text: '', isEnd: false, hasOther: false, body: null }
const endMark: StreamEvent = { ...silent, isEnd: true }
const unreadable: StreamEvent = { ...silent, hasOther: true }

/** @param data of one event, null for none */
export function readEvent (data: string | null): StreamEvent {
  if (data === null) return silent
  const body = parseObject(data)
  if (body === null) return data.trim() === '[DONE]' ? endMark : unreadable
  const choice = onlyChoice(body)
  if (choice === null) return { text: '', isEnd: false, hasOther: Array.isArray(body.choices) && body.choices.length > 0, body }
  const { delta, finish_reason: finish, index } = choice
  const content = isMembers(delta) ? delta.content : choice.text
  return {
    text: typeof content === 'string' ? content : '',
    isEnd: isSaid(finish),
    hasOther: (isSaid(content) && typeof content !== 'string') || (index !== undefined && index !== 0) || isSaid(choice.logprobs) || isSaid(choice.message) ||
      (isMembers(delta) ? saysOther(delta) : isSaid(delta)),
    body
  }
}

/** The event with other text, and without the role: its stream has begun already. Changes `event.body`. */
export function printEvent ({ body }: StreamEvent, text: string): Buffer {
  const choice = body === null ? null : onlyChoice(body)
  const holder = choice !== null && isMembers(choice.delta) ? choice.delta : choice
  if (holder !== null) {
    delete holder.role
    if (typeof holder.content === 'string') holder.content = text
    if (typeof holder.text === 'string') holder.text = text
  }
  return Buffer.from(`data: ${JSON.stringify(body)}\n\n`)
}

function parseObject (data: string): Members | null {
  try {
    const body: unknown = JSON.parse(data)
    return isMembers(body) ? body : null
  } catch {
    return null
  }
}

function onlyChoice ({ choices }: Members): Members | null {
  const choice: unknown = Array.isArray(choices) && choices.length === 1 ? choices[0] : null
  return isMembers(choice) ? choice : null
}

function saysOther (delta: Members): boolean {
  for (const name in delta) if (name !== 'role' && name !== 'content' && isSaid(delta[name])) return true
  return false
}

/** Providers print members that say nothing as null, empty or not at all. */
function isSaid (value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

function isMembers (value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
