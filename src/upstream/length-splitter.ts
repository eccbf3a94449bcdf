import type { StreamEvent } from '../api/framing.ts'
import { GatewayError } from '../errors.ts'
import type { StreamSplitter } from './stream-splitter.ts'

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
  private pending: Buffer = Buffer.alloc(0)
  private readonly event: StreamEvent = { bytes: this.pending, start: 0, end: 0, dataLines: 1, dataStart: 0, dataEnd: 0, nameStart: 0, nameEnd: 0 }

  /** @param eventBytesMax longest frame, in bytes */
  constructor (eventBytesMax: number) {
    this.eventBytesMax = eventBytesMax
  }

  get unfinishedBytes (): number { return this.pending.length }

  push (chunk: Uint8Array, onEvent: (event: StreamEvent) => void): void {
    const bytes = this.pending.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([this.pending, chunk])
    let at = 0
    while (bytes.length - at >= 4) {
      const frameBytes = bytes.readUInt32BE(at)
      if (frameBytes < frameBytesMin) throw new GatewayError('BIFROST_UPSTREAM_BAD_RESPONSE', { message: `The provider sent an event-stream frame of ${frameBytes} bytes, which is too short to be one.` })
      if (frameBytes > this.eventBytesMax) {
        throw new GatewayError('BIFROST_UPSTREAM_TOO_LARGE', { message: `The provider sent a stream event larger than network_config.max_stream_event_size_mb (${this.eventBytesMax} bytes).` })
      }
      if (bytes.length - at < frameBytes) break
      const { event } = this
      event.bytes = bytes
      event.start = event.dataStart = at
      event.end = event.dataEnd = at += frameBytes
      onEvent(event)
    }
    this.pending = Buffer.from(bytes.subarray(at))
  }
}
