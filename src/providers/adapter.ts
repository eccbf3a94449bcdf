import type { JobFrame } from '../api/job.ts'
import type { Usage } from '../api/usage.ts'
import type { GatewayError } from '../errors.ts'

/** An upstream request without its connection. */
export interface AdapterRequest {
  origin: string
  path: string
  /** Names and values in turn. */
  headers: string[]
  body: Uint8Array
}

export interface AdapterReply {
  body: Uint8Array
  usage: Usage
  /** Offset of the closing brace, where `extra_fields` goes; -1: not a JSON object. */
  spliceOffset: number
}

/** What an upstream event means for the stream. */
export type StreamEventKind =
  /** Comment or bare field: goes through, starts nothing. */
  | 'comment'
  /** Part of the answer. */
  | 'content'
  /** Not for the client. */
  | 'hidden'
  /** The dialect's end mark. */
  | 'done'
  /** The provider reports a failure inside the stream. */
  | 'error'

/** Where a translator writes the bytes that the client gets. */
export interface EventSink {
  append (bytes: Uint8Array, start: number, end: number): void
  appendAscii (text: string): void
}

/** An event as the splitter gives it; see `src/upstream/sse-splitter.ts`. */
export interface StreamEvent {
  bytes: Uint8Array
  start: number
  end: number
  dataLines: number
  dataStart: number
  dataEnd: number
}

/**
 * Follows one stream. `classify` looks at an event and remembers what it says about usage and the
 * finish; `write` turns it into the client's dialect. Pure: no socket, no clock of its own.
 */
export interface StreamTranslator {
  readonly usage: Usage
  /** The model has finished its answer; an end of the connection is a clean end now. */
  readonly finished: boolean
  /** Finished, and the usage that comes last has come: only the end mark can still follow. */
  readonly complete: boolean
  /** The failure that an `error` event reports; valid after `classify` said so. */
  readonly error: GatewayError | null
  classify (event: StreamEvent): StreamEventKind
  /** Whether a `content` event only opens the answer and says nothing yet. Asked until the first one that does. */
  isOpening (event: StreamEvent): boolean
  /** @param latencyMs since the attempt began, for `extra_fields` */
  write (event: StreamEvent, latencyMs: number, sink: EventSink): void
  /** Bytes that a finished stream still owes the client when the provider sent no end mark. */
  readonly missingEnd: string
}

/** One provider's wire format. Pure functions of the job and the settings they were made with. */
export interface Adapter {
  toRequest (job: JobFrame): AdapterRequest
  /** @throws GatewayError when the body is not what the API defines, or is an error inside a 200 */
  fromReply (job: JobFrame, body: Uint8Array): AdapterReply
  fromErrorReply (status: number, contentType: string, body: Uint8Array): GatewayError
  createStreamTranslator (job: JobFrame): StreamTranslator
}
