/** How a provider cuts its streams into events; `src/upstream/splitters.ts` has the splitters. */
export type StreamFraming = 'sse' | 'event-stream' | 'lines' | 'bytes'

/** An event as a splitter gives it; the object is reused, and valid until the splitter's callback returns. */
export interface StreamEvent {
  bytes: Uint8Array
  start: number
  end: number
  dataLines: number
  dataStart: number
  dataEnd: number
  /** Where the event's name stands; equal offsets when there is none. */
  nameStart: number
  nameEnd: number
}

/** What an upstream event means for the stream. */
export type StreamEventKind =
  /** Comment or bare field: starts nothing. */
  | 'comment'
  /** Part of the answer. */
  | 'content'
  /** Not for the client. */
  | 'hidden'
  /** The provider's end mark. */
  | 'done'
  /** The provider reports a failure inside the stream. */
  | 'error'

/** Where a translator writes the bytes that the client gets. */
export interface EventSink {
  append (bytes: Uint8Array, start: number, end: number): void
  appendAscii (text: string): void
}
