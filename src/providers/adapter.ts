import type { EventSink, StreamEvent, StreamEventKind, StreamFraming } from '../api/framing.ts'
import type { HttpMethod, JobFrame } from '../api/job.ts'
import type { Usage } from '../api/usage.ts'
import type { GatewayError } from '../errors.ts'

/** An upstream request without its connection. */
export interface AdapterRequest {
  origin: string
  path: string
  /** Names (lower case) and values in turn. */
  headers: string[]
  /** Absent: POST. Without a body for every other one. */
  method?: HttpMethod
  body: Uint8Array
}

export interface AdapterReply {
  body: Uint8Array
  /** Absent: JSON. */
  contentType?: string
  usage: Usage
  /** Offset of the closing brace, where `extra_fields` goes; -1: not a JSON object, or one of a dialect that has no such member. */
  spliceOffset: number
  /** More members of `extra_fields` as JSON text, or empty. */
  extraFields: string
  /** More headers of the answer, `name: value` joined by CR LF; absent or empty for none. */
  headers?: string
}

/**
 * Follows one stream. `classify` looks at an event and remembers what it says about usage and the
 * finish; `write` turns it into the client's dialect. Pure: no socket, no clock of its own.
 */
export interface StreamTranslator {
  readonly usage: Usage
  /** Output tokens since the provider's last count, estimated: where the client leaves, nobody says more. */
  readonly unreportedTokens: number
  /** The model has finished its answer; an end of the connection is a clean end now. */
  readonly finished: boolean
  /** Finished, and the usage that comes last has come: only the end mark can still follow. */
  readonly complete: boolean
  /** The failure that an `error` event reports; valid after `classify` said so. */
  readonly error: GatewayError | null
  classify (event: StreamEvent): StreamEventKind
  /** Whether a `content` event only opens the answer and says nothing yet. Asked until the first one that does. */
  isOpening (event: StreamEvent): boolean
  /**
   * Follows the `classify` of the same event, unless that was `hidden` or `error`.
   * @param latencyMs since the attempt began, for `extra_fields`
   */
  write (event: StreamEvent, kind: StreamEventKind, latencyMs: number, sink: EventSink): void
  /** Bytes that a finished stream still owes the client when the provider sent no end mark. Asked once. */
  takeMissingEnd (): Uint8Array
}

/** The content type of an upstream answer and what else its headers say, names in lower case. */
export type ReplyHeaders = Record<string, string | string[] | undefined>

/** One job on its way through a provider's wire format. `toRequest` comes before what follows it here, which sees what it made of the job. */
export interface AdapterCall {
  /**
   * Gets from elsewhere what the request needs: media that the client names by their address. Before `toRequest`.
   * @returns null where nothing is needed, as nearly always
   * @throws GatewayError as `toRequest`
   */
  prepare? (): Promise<void> | null
  /** The attempt is over, whatever its ending: what still runs for it stops, what it holds is given back. */
  end? (): void
  /**
   * A promise where credentials have to be fetched or a signature computed.
   * @throws GatewayError when the request cannot be put into the provider's words
   */
  toRequest (): AdapterRequest | Promise<AdapterRequest>
  /** @throws GatewayError when the body is not what the API defines, or is an error inside a 200 */
  fromReply (body: Uint8Array, headers: ReplyHeaders): AdapterReply
  fromErrorReply (status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError
  readonly streamFraming: StreamFraming
  createStreamTranslator (): StreamTranslator
}

/** A provider's wire format, made once for each version of its settings. */
export interface Adapter {
  open (job: JobFrame): AdapterCall
  /** The provider has it only as a whole, although the gateway would send it on as it comes. Absent: never. */
  isWhole? (job: JobFrame): boolean
}
