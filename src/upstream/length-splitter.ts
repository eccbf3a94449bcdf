import type { StreamEvent } from '../api/framing.ts'
import { GatewayError } from '../errors.ts'
import type { StreamSplitter } from './stream-splitter.ts'

/** Of the total length, which comes first. */
const lengthBytes = 4
/** Total length, length of the headers, checksum of both: each 4 bytes, big-endian. */
const preludeBytes = 12
/** Prelude and the checksum at the end. */
const frameBytesMin = preludeBytes + 4

/**
 * Cuts Amazon's event stream (application/vnd.amazon.eventstream) into its frames, which begin with their own length. What is in a frame,
 * and whether its checksums hold, is for the decoder: data is the whole frame.
 */
export class LengthSplitter implements StreamSplitter {
  private readonly eventBytesMax: number
  /** The frame that has no end yet, in the pieces in which it came: each byte is copied once, when the frame is whole. */
  private pieces: Buffer[] = []
  /** Bytes of that frame; 0 as long as its length is not known. */
  private frameBytes = 0
  unfinishedBytes = 0
  private readonly event: StreamEvent = { bytes: Buffer.alloc(0), start: 0, end: 0, dataLines: 1, dataStart: 0, dataEnd: 0, nameStart: 0, nameEnd: 0 }

  /** @param eventBytesMax longest frame, in bytes */
  constructor (eventBytesMax: number) {
    this.eventBytesMax = eventBytesMax
  }

  push (chunk: Uint8Array, onEvent: (event: StreamEvent) => void): void {
    const came = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (this.unfinishedBytes + came.length < Math.max(this.frameBytes, lengthBytes)) return this.keep(came)
    const bytes = this.pieces.length === 0 ? came : Buffer.concat([...this.pieces, came])
    this.pieces = []
    this.unfinishedBytes = 0
    this.frameBytes = 0
    let at = 0
    while (bytes.length - at >= lengthBytes) {
      const frameBytes = this.checkedLength(bytes.readUInt32BE(at))
      if (bytes.length - at < frameBytes) {
        this.frameBytes = frameBytes
        break
      }
      const { event } = this
      event.bytes = bytes
      event.start = event.dataStart = at
      event.end = event.dataEnd = at += frameBytes
      onEvent(event)
    }
    if (at < bytes.length) this.keep(bytes.subarray(at))
  }

  private keep (bytes: Buffer): void {
    this.unfinishedBytes += bytes.length
    // A copy: sockets read into the same memory again.
    this.pieces.push(Buffer.from(bytes))
  }

  private checkedLength (frameBytes: number): number {
    if (frameBytes < frameBytesMin) throw new GatewayError('BIFROST_UPSTREAM_BAD_RESPONSE', { message: `The provider sent an event-stream frame of ${frameBytes} bytes, which is too short to be one.` })
    if (frameBytes <= this.eventBytesMax) return frameBytes
    throw new GatewayError('BIFROST_UPSTREAM_TOO_LARGE', { message: `The provider sent a stream event larger than network_config.max_stream_event_size_mb (${this.eventBytesMax} bytes).` })
  }
}
