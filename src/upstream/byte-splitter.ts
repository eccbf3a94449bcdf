import type { StreamEvent } from '../api/framing.ts'
import type { StreamSplitter } from './stream-splitter.ts'

/** For bytes that mean nothing to the gateway, such as sound: every chunk of the connection is an event. */
export class ByteSplitter implements StreamSplitter {
  readonly unfinishedBytes = 0
  private readonly event: StreamEvent = { bytes: Buffer.alloc(0), start: 0, end: 0, dataLines: 1, dataStart: 0, dataEnd: 0, nameStart: 0, nameEnd: 0 }

  push (chunk: Uint8Array, onEvent: (event: StreamEvent) => void): void {
    if (chunk.length === 0) return
    const { event } = this
    event.bytes = chunk
    event.end = event.dataEnd = chunk.length
    onEvent(event)
  }
}
