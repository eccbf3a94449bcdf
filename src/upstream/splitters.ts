import type { StreamFraming } from '../api/framing.ts'
import { ByteSplitter } from './byte-splitter.ts'
import { LengthSplitter } from './length-splitter.ts'
import { LineSplitter } from './line-splitter.ts'
import { SseSplitter } from './sse-splitter.ts'
import type { StreamSplitter } from './stream-splitter.ts'

interface Framing {
  mediaType: string
  /** What closes an event that lacks its end when the stream ends; empty where half an event is always a broken one. */
  terminator: Uint8Array
  create (eventBytesMax: number): StreamSplitter
}

export const framings: Readonly<Record<StreamFraming, Framing>> = {
  sse: { mediaType: 'text/event-stream', terminator: Buffer.from('\n\n'), create: (eventBytesMax) => new SseSplitter(eventBytesMax) },
  'event-stream': { mediaType: 'application/vnd.amazon.eventstream', terminator: Buffer.alloc(0), create: (eventBytesMax) => new LengthSplitter(eventBytesMax) },
  // Nothing is cut: a chunk is what came at once, of whatever type.
  bytes: { mediaType: '', terminator: Buffer.alloc(0), create: () => new ByteSplitter() },
  lines: { mediaType: 'application/x-ndjson', terminator: Buffer.from('\n'), create: (eventBytesMax) => new LineSplitter(eventBytesMax) }
}
