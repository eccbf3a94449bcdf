import { GatewayError } from '../errors.ts'

/**
 * One event as it arrived. The object is reused: it is valid until the callback returns.
 * Offsets index into `bytes`; `start` to `end` is the event with its blank line, byte for byte.
 */
export interface SseEvent {
  bytes: Uint8Array
  start: number
  end: number
  /** Lines of `data:`; 0 for comments and bare fields. */
  dataLines: number
  /** First data line, without field name and leading space. */
  dataStart: number
  dataEnd: number
  /** Value of the `event:` line; equal offsets when there is none. */
  nameStart: number
  nameEnd: number
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const colon = 0x3a

/**
 * Cuts a byte stream into server-sent events without changing a byte: the events' bytes, joined,
 * are the stream. Knows LF, CR LF and CR lines in any mix, a byte-order mark, comments and data over
 * several lines, cut anywhere. Each byte is looked at once.
 *
 * Between calls it is in one of two states: at the start of an event (`pendingBytes` 0), or inside one
 * (`pending` holds it so far, `scanned` says up to where it was looked at).
 */
export class SseSplitter {
  private readonly eventBytesMax: number
  private pending: Buffer = Buffer.alloc(0)
  private pendingBytes = 0
  private scanned = 0
  private lineStart = 0
  /** The last event ended in a CR at the very end of a chunk: a LF that follows belongs to it. */
  private afterCarriageReturn = false
  private isFirstEvent = true
  private readonly event: SseEvent = { bytes: this.pending, start: 0, end: 0, dataLines: 0, dataStart: 0, dataEnd: 0, nameStart: 0, nameEnd: 0 }

  /** @param eventBytesMax longest event, in bytes with its blank line */
  constructor (eventBytesMax: number) {
    this.eventBytesMax = eventBytesMax
  }

  /** Bytes of an event that has no end yet. */
  get unfinishedBytes (): number {
    return this.pendingBytes
  }

  /** @throws GatewayError BIFROST_UPSTREAM_TOO_LARGE past `eventBytesMax` */
  push (chunk: Uint8Array, onEvent: (event: SseEvent) => void): void {
    if (this.pendingBytes === 0) {
      this.keep(chunk, this.scan(chunk, chunk.length, onEvent))
    } else {
      this.grow(chunk)
      const consumed = this.scan(this.pending, this.pendingBytes, onEvent)
      if (consumed > 0) this.keep(this.pending.subarray(0, this.pendingBytes), consumed)
    }
    if (this.pendingBytes > this.eventBytesMax) throw this.tooLarge()
  }

  /** Looks at the bytes from `scanned` on. @returns where the unfinished event starts */
  private scan (bytes: Uint8Array, length: number, onEvent: (event: SseEvent) => void): number {
    let eventStart = 0
    let index = this.scanned
    if (index === 0) this.startEvent(bytes, 0)
    for (; index < length; index++) {
      const byte = bytes[index]
      if (byte !== lineFeed && byte !== carriageReturn) continue
      if (index > this.lineStart) {
        this.noteLine(bytes, this.lineStart, index)
        this.lineStart = index + 1
      } else if (byte === lineFeed && this.isSecondHalf(bytes, index, eventStart)) {
        this.lineStart = index + 1
        this.afterCarriageReturn = false
      } else {
        const endsInCarriageReturn = byte === carriageReturn
        const hasSecondHalf = endsInCarriageReturn && bytes[index + 1] === lineFeed && index + 1 < length
        if (hasSecondHalf) index++
        this.afterCarriageReturn = endsInCarriageReturn && !hasSecondHalf
        if (index + 1 - eventStart > this.eventBytesMax) throw this.tooLarge()
        this.event.start = eventStart
        this.event.end = index + 1
        eventStart = index + 1
        this.isFirstEvent = false
        onEvent(this.event)
        this.startEvent(bytes, eventStart)
      }
    }
    this.scanned = length - eventStart
    return eventStart
  }

  /** A LF right after the CR that ended a line or the event before. */
  private isSecondHalf (bytes: Uint8Array, index: number, eventStart: number): boolean {
    return index > eventStart ? bytes[index - 1] === carriageReturn : this.afterCarriageReturn
  }

  private startEvent (bytes: Uint8Array, at: number): void {
    const event = this.event
    event.bytes = bytes
    event.dataLines = 0
    event.dataStart = event.dataEnd = event.nameStart = event.nameEnd = 0
    this.lineStart = at
  }

  private noteLine (bytes: Uint8Array, start: number, end: number): void {
    const event = this.event
    this.afterCarriageReturn = false
    if (this.isFirstEvent && start === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) start = 3
    if (isField(bytes, start, end, 'data')) {
      if (++event.dataLines > 1) return
      event.dataStart = valueStart(bytes, start + 4, end)
      event.dataEnd = end
    } else if (isField(bytes, start, end, 'event')) {
      event.nameStart = valueStart(bytes, start + 5, end)
      event.nameEnd = end
    }
  }

  /** Keeps `bytes` from `from` on as the unfinished event and moves every offset along. */
  private keep (bytes: Uint8Array, from: number): void {
    const rest = bytes.length - from
    if (rest > 0) {
      const kept = Buffer.allocUnsafe(Math.max(rest, 1024))
      kept.set(from === 0 ? bytes : bytes.subarray(from))
      this.pending = kept
    }
    this.pendingBytes = rest
    this.rebase(this.pending, from)
  }

  private grow (chunk: Uint8Array): void {
    const needed = this.pendingBytes + chunk.length
    if (needed > this.pending.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.pending.length * 2))
      this.pending.copy(grown, 0, 0, this.pendingBytes)
      this.pending = grown
      this.event.bytes = grown
    }
    this.pending.set(chunk, this.pendingBytes)
    this.pendingBytes = needed
  }

  private rebase (bytes: Uint8Array, by: number): void {
    const event = this.event
    event.bytes = bytes
    this.lineStart -= by
    event.dataStart -= by
    event.dataEnd -= by
    event.nameStart -= by
    event.nameEnd -= by
  }

  private tooLarge (): GatewayError {
    return new GatewayError('BIFROST_UPSTREAM_TOO_LARGE', {
      message: `The provider sent a stream event larger than network_config.max_stream_event_size_mb (${this.eventBytesMax} bytes).`
    })
  }
}

function isField (bytes: Uint8Array, start: number, end: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    if (bytes[start + index] !== name.charCodeAt(index)) return false
  }
  return start + name.length === end || bytes[start + name.length] === colon
}

function valueStart (bytes: Uint8Array, colonAt: number, end: number): number {
  if (colonAt >= end) return end
  return bytes[colonAt + 1] === space && colonAt + 1 < end ? colonAt + 2 : colonAt + 1
}
