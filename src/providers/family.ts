import type { ChatSink } from '../api/chat-sink.ts'
import type { ChatReply, ChatRequest, ChatUsage, EmbeddingReply, EmbeddingRequest, JsonObject, RerankReply, RerankRequest } from '../api/chat.ts'
import type { Dialect } from '../api/dialects.ts'
import type { StreamEvent, StreamEventKind, StreamFraming } from '../api/framing.ts'
import type { JobFrame } from '../api/job.ts'
import type { ImageReply, ImageRequest, Sound, SpeechRequest, TranscriptionReply, TranscriptionRequest } from '../api/media.ts'
import type { MediaReference } from '../api/media-reference.ts'
import type { Operation } from '../api/operations.ts'
import type { GatewayError } from '../errors.ts'
import type { AdapterRequest, ReplyHeaders } from './adapter.ts'

/** What a translation knows beside the request. */
export interface TranslationContext {
  /** As it goes upstream. */
  model: string
  keyIndex: number
  stream: boolean
  /** Members that the canonical form does not name go along (`x-bf-passthrough-extra-params`). */
  passExtraParams: boolean
  /** Headers of the client that go upstream, as `name: value` lines; absent means none. */
  forwardedHeaders?: string
  /** Of the provider's answer; absent until it is there. */
  replyHeaders?: ReplyHeaders
  /** Notes a member of the request that the provider cannot take; the client is told. */
  drop (member: string): void
}

/** A request in the provider's own words, before credentials. */
export interface ProviderRequest {
  url: URL
  /** Beside content type, accept and user agent; names in lower case. */
  headers?: Readonly<Record<string, string>>
  body: JsonObject
}

/**
 * Chat on a provider: pure functions between the canonical form and its wire format. All of them throw GatewayError:
 * BIFROST_INVALID_REQUEST with `param` for what the provider cannot be asked, BIFROST_UPSTREAM_BAD_RESPONSE for what it should not have said.
 */
export interface ChatProvider {
  toChatRequest (request: ChatRequest, context: TranslationContext): ProviderRequest
  /** @param request as it came from the client, for what has to be mapped back */
  fromChatReply (body: unknown, request: ChatRequest, context: TranslationContext): ChatReply
  /** @param request null where the answer goes through as it is, and only its usage and end matter */
  createChatDecoder (request: ChatRequest | null): ChatDecoder
}

/** Reads one stream of a provider. */
export interface ChatDecoder {
  /** The failure that an `error` event reports; set when `decode` says so. */
  readonly error: GatewayError | null
  /** The model has finished its answer; an end of the connection is a clean end now. */
  readonly finished: boolean
  /** Finished, and the usage that comes last has come. */
  readonly complete: boolean
  /** `content` when the sink was called and it may be for the client, `hidden` when the event says nothing. */
  decode (event: StreamEvent, sink: ChatSink): StreamEventKind
}

export interface EmbeddingProvider {
  toEmbeddingRequest (request: EmbeddingRequest, context: TranslationContext): ProviderRequest
  fromEmbeddingReply (body: unknown, request: EmbeddingRequest, context: TranslationContext): EmbeddingReply
}

export interface RerankProvider {
  toRerankRequest (request: RerankRequest, context: TranslationContext): ProviderRequest
  fromRerankReply (body: unknown, request: RerankRequest, context: TranslationContext): RerankReply
}

export interface ImageProvider {
  toImageRequest (request: ImageRequest, context: TranslationContext): ProviderRequest
  fromImageReply (body: unknown, request: ImageRequest): ImageReply
}

export interface SpeechProvider {
  toSpeechRequest (request: SpeechRequest, context: TranslationContext): ProviderRequest
  fromSpeechReply (body: unknown, request: SpeechRequest): Sound
}

export interface TranscriptionProvider {
  toTranscriptionRequest (request: TranscriptionRequest, context: TranslationContext): ProviderRequest
  fromTranscriptionReply (body: unknown, request: TranscriptionRequest): TranscriptionReply
}

/** How many tokens a chat request has, by the provider's own count. */
export interface TokenCounter {
  toCountRequest (request: ChatRequest, context: TranslationContext): ProviderRequest
  fromCountReply (body: unknown): number
}

/** A provider's wire format with one version of its settings: what `src/providers/<name>/provider.ts` makes. */
export interface Family {
  streamFraming (model: string): StreamFraming
  /** Whether a client's body goes through byte for byte, and the answer back. */
  isNative (dialect: Dialect, operation: Operation, model: string, body?: Buffer): boolean
  /** Where a native body goes; `headers` as in `ProviderRequest`. */
  toNativeRequest (job: JobFrame): { url: URL, headers?: Readonly<Record<string, string>>, body: Uint8Array }
  /** Reads a native stream, where it is in other words than those of `chat`. */
  createNativeDecoder?: (dialect: Dialect) => ChatDecoder | undefined
  /** Null when the provider has no such operation for this model. */
  chat (model: string): ChatProvider | null
  embedding (model: string): EmbeddingProvider | null
  rerank (model: string): RerankProvider | null
  tokenCounter (model: string): TokenCounter | null
  /** Absent: it has none, or OpenAI's own. */
  image? (model: string): ImageProvider | null
  speech? (model: string): SpeechProvider | null
  transcription? (model: string): TranscriptionProvider | null
  /**
   * The media types that this model takes as bytes in place of the reference, which the gateway then fetches; null when it is to be told
   * the address. Absent: always null.
   */
  fetchedTypes? (media: MediaReference, model: string): readonly string[] | null
  /**
   * Tokens in a native unary answer; the body is parsed JSON.
   * @throws GatewayError for an error in the place of an answer
   */
  toUsage (body: unknown, operation: Operation, headers?: ReplyHeaders): ChatUsage | null
  /** Adds credentials. @throws GatewayError BIFROST_UPSTREAM_STATUS 401 when none can be had */
  authorize (request: AdapterRequest, keyIndex: number): AdapterRequest | Promise<AdapterRequest>
  /** An error status. Also called with 200 for an answer that holds an error instead. */
  toError (status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError
}
