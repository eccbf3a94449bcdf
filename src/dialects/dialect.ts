import type { ChatReply, ChatRequest, EmbeddingReply, EmbeddingRequest, JsonObject, RerankReply, RerankRequest } from '../api/chat.ts'
import type { EventSink } from '../api/framing.ts'
import type { ChatSink } from '../api/chat-sink.ts'

/** What an answer in a client's dialect needs beside what the provider said. */
export interface AnswerContext {
  /** As the client knows it. */
  model: string
  /** Seconds since 1970. */
  nowSeconds: number
  /** @returns a name that nobody else has, for answers whose provider gave none: 24 letters and digits */
  newId (): string
  /** The client wants to know the usage of a stream. */
  includeUsage: boolean
  /** Members of `extra_fields` for every piece of a stream, as ASCII JSON text without braces; empty for dialects without. */
  extraFields: string
  /** A stream is to be one JSON array, in the dialect that has such a form. */
  jsonArray: boolean
}

/**
 * Writes one stream in the client's dialect. What it is told between `begin` and the end of the event goes to that sink.
 */
export interface ChatEncoder extends ChatSink {
  /** @param latencyMs since the attempt began */
  begin (sink: EventSink, latencyMs: number): void
  /** The answer is complete: everything that is still open is closed. Once, last. */
  end (): void
  /** The provider lives but says nothing; the client may be told so. */
  ping (): void
}

/** How the events of an encoder become bytes, where the same events travel in more than one kind of frame. */
export type ToEventBytes = (type: string, payload: object) => Uint8Array

/** Chat in the words of a client: pure functions between a dialect and the canonical form. `toChatRequest` throws GatewayError BIFROST_INVALID_REQUEST with `param`. */
export interface ChatDialect {
  /**
   * @param model what the request is for, wherever the dialect says it
   * @param drop notes a member of the request that the canonical form has no place for; the client is told
   */
  toChatRequest (body: JsonObject, model: string, stream: boolean, drop?: (member: string) => void): ChatRequest
  fromChatReply (reply: ChatReply, request: ChatRequest, context: AnswerContext): JsonObject
  createChatEncoder (request: ChatRequest, context: AnswerContext): ChatEncoder
}

export interface EmbeddingDialect {
  toEmbeddingRequest (body: JsonObject, model: string): EmbeddingRequest
  fromEmbeddingReply (reply: EmbeddingReply, request: EmbeddingRequest, context: AnswerContext): JsonObject
}

export interface RerankDialect {
  toRerankRequest (body: JsonObject, model: string): RerankRequest
  fromRerankReply (reply: RerankReply, request: RerankRequest, context: AnswerContext): JsonObject
}

export interface TokenCountDialect {
  /** @param drop as in `ChatDialect` */
  toChatRequest (body: JsonObject, model: string, drop?: (member: string) => void): ChatRequest
  fromTokenCount (tokens: number): JsonObject
}
