import type { GatewayError } from '../errors.ts'
import type { Dialect } from './dialects.ts'
import type { HttpMethod } from './job.ts'
import type { Operation } from './operations.ts'
import type { ParsedRequest } from './parsed-request.ts'
import type { Reply } from './reply.ts'

/** A request as the transport hands it to the gateway. */
export interface GatewayRequest {
  id: string
  dialect: Dialect
  /** Who serves a model that names no provider: see `RequestRoute`, or the client's header. */
  defaultProvider: string | null
  operation: Operation
  /** As in `JobHead`. */
  method: HttpMethod
  resource: string
  /** See `RequestRoute`. */
  passthroughTo: string | null
  /** Its stream is to be one JSON array: see `json-array.ts`. */
  jsonArray: boolean
  /** Names (lower case) and values in turn, as they came. */
  headers: readonly string[]
  body: Buffer
  parsed: ParsedRequest
  receivedAtMs: number
}

/** The first value of a header, null when it is absent. */
export function headerOf (headers: readonly string[], name: string): string | null {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] === name) return headers[index + 1] as string
  }
  return null
}

/** Who answered, as users see it; built once per target and request type. */
export interface AnswerIdentity {
  /** `x-bifrost-*` headers as `name: value` lines joined by CR LF. */
  headers: string
  /** Members of `extra_fields` as ASCII JSON text without braces. */
  extraFields: string
  /** The model as it goes upstream, as JSON text. */
  modelJson: Uint8Array
  /** The shorter set that every chunk of a stream repeats. */
  chunkFields: string
}

/** What the client is told beside the error itself. */
export interface FailureContext {
  /** Who was asked; null when nobody was. */
  identity: AnswerIdentity | null
  /** `name: value` lines joined by CR LF, or empty. */
  headers: string
  upstreamMicroseconds: number
  /** The attempt trail as JSON text, or empty. */
  trail: string
}

/**
 * The client's end of a request. Every method is safe after the client has left: it does nothing then.
 * One of `answer`, `fail`, or `openStream ... closeStream | fail` is called, once.
 */
export interface Client {
  /** The reply with `extra_fields` spliced in. */
  answer (identity: AnswerIdentity, reply: Reply): void
  openStream (identity: AnswerIdentity, status: number, upstreamHeaders: string, upstreamMicroseconds: number): void
  write (bytes: Uint8Array): void
  closeStream (): void
  /** Before the stream opened: an error status. After: an in-band error, and the stream's end. */
  fail (error: GatewayError, context: FailureContext): void
}

/** What the transport tells the gateway about the client. */
export interface ClientWatcher {
  /** The client has taken this many bytes of the stream. */
  onTaken (bytes: number): void
  /** The client has left, or was cut off for `error`. */
  onGone (error: GatewayError): void
  /** Looked at now and then: a request past its deadline fails. */
  onTick (nowMs: number): void
}
