import type { StreamEvent } from '../api/framing.ts'
import { GatewayError } from '../errors.ts'
import type { StreamSplitter } from './stream-splitter.ts'

const lineFeed = 0x0a

/** Cuts newline-delimited JSON into its lines; an empty line is an event without data. */
export class LineSplitter implements StreamSplitter {
  private readonly eventBytesMax: number
  /** The line that has no end yet, in the pieces in which it came: each byte is looked at once. */
  private pieces: Buffer[] = []
  unfinishedBytes = 0
  private readonly event: StreamEvent = { bytes: Buffer.alloc(0), start: 0, end: 0, dataLines: 1, dataStart: 0, dataEnd: 0, nameStart: 0, nameEnd: 0 }

  /** @param eventBytesMax longest line, in bytes */
  constructor (eventBytesMax: number) {
    this.eventBytesMax = eventBytesMax
  }

  push (chunk: Uint8Array, onEvent: (event: StreamEvent) => void): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let at = 0
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, at)) {
      const rest = bytes.subarray(at, end + 1)
      at = end + 1
      this.checkSize(rest.length)
      const line = this.pieces.length === 0 ? rest : Buffer.concat([...this.pieces, rest])
      this.pieces = []
      this.unfinishedBytes = 0
      this.emit(line, onEvent)
    }
    if (at === bytes.length) return
    this.checkSize(bytes.length - at)
    this.unfinishedBytes += bytes.length - at
    this.pieces.push(Buffer.from(bytes.subarray(at)))
  }

  private emit (line: Buffer, onEvent: (event: StreamEvent) => void): void {
    const { event } = this
    const dataEnd = line.length - (line[line.length - 2] === 0x0d ? 2 : 1)
    event.bytes = line
    event.start = event.dataStart = 0
    event.end = line.length
    event.dataEnd = dataEnd
    event.dataLines = dataEnd === 0 ? 0 : 1
    onEvent(event)
  }

  private checkSize (moreBytes: number): void {
    if (this.unfinishedBytes + moreBytes <= this.eventBytesMax) return
    throw new GatewayError('BIFROST_UPSTREAM_TOO_LARGE', { message: `The provider sent a stream event larger than network_config.max_stream_event_size_mb (${this.eventBytesMax} bytes).` })
  }
}
