import type { ChatRequest, EmbeddingRequest, JsonObject, RerankRequest } from '../api/chat.ts'
import type { Dialect } from '../api/dialects.ts'
import type { JobFrame } from '../api/job.ts'
import { requestTypeOf } from '../api/operations.ts'
import type { ProviderSettings } from '../api/settings.ts'
import { createUsage } from '../api/usage.ts'
import type { Usage } from '../api/usage.ts'
import type { AnswerContext, ChatDialect, EmbeddingDialect } from '../dialects/dialect.ts'
import { chatDialectOf, embeddingDialectOf, rerankDialectOf, tokenCountDialectOf } from '../dialects/registry.ts'
import { GatewayError } from '../errors.ts'
import { findMedia, withBytes } from '../fetch/chat-media.ts'
import type { MediaFetch, MediaFetcher } from '../fetch/media-fetcher.ts'
import type { Adapter, AdapterCall, AdapterReply, AdapterRequest, ReplyHeaders, StreamTranslator } from '../providers/adapter.ts'
import { toUsage } from '../providers/chat-usage.ts'
import type { ChatProvider, EmbeddingProvider, Family, ProviderRequest, RerankProvider, TokenCounter, TranslationContext } from '../providers/family.ts'
import { RelayedBytes } from '../providers/relayed-bytes.ts'
import { FamilyCall } from './family-call.ts'
import { ImageCall, SpeechCall, TranscriptionCall } from './media-calls.ts'
import { NativeArrayStream, NativeStream } from './native-stream.ts'
import { TranslatedStream } from './translated-stream.ts'

/** What the adapters read of the outside world. */
export interface AdapterContext {
  nowSeconds: () => number
  /** @returns 24 letters and digits that nobody else has */
  newId: () => string
  /** The thread's. */
  mediaFetcher: MediaFetcher
}

/** The adapter of a provider that is described as a family. */
export function createFamilyAdapter (family: Family, settings: ProviderSettings, context: AdapterContext): Adapter {
  return {
    open (job: JobFrame): AdapterCall {
      if (family.isNative(job.dialect, job.operation, job.model, job.body)) return new NativeCall(family, settings, job)
      if (job.passthrough) return new RefusedCall(family, settings, job, `Only its own API goes through to ${settings.name} unread, and this is not it.`)
      switch (job.operation) {
        case 'embedding': return new EmbeddingCall(family, settings, job, context)
        case 'rerank': return new RerankCall(family, settings, job, context)
        case 'count_tokens': return new TokenCountCall(family, settings, job, context)
        case 'chat_completion':
        case 'text_completion':
        case 'responses': return new ChatCall(family, settings, job, context)
        case 'image_generation':
        case 'image_edit':
        case 'image_variation':
        case 'speech':
        case 'transcription':
        case 'translation': return openMedia(family, settings, job, context) ?? new RefusedCall(family, settings, job, toRefusal(job, settings))
        default: return new RefusedCall(family, settings, job, toRefusal(job, settings))
      }
    },
    // What was translated from another answer is no bytes that came.
    isWhole: (job) => job.relay && !family.isNative(job.dialect, job.operation, job.model, job.body)
  }
}

/** @returns null when the provider has no such thing for this model, or the client's dialect no words for it */
function openMedia (family: Family, settings: ProviderSettings, job: JobFrame, context: AdapterContext): AdapterCall | null {
  const { operation, model } = job
  if (job.dialect !== 'openai') return null
  if (operation === 'speech') {
    const speech = family.speech?.(model) ?? null
    return speech === null ? null : new SpeechCall(family, settings, job, speech)
  }
  if (operation === 'transcription' || operation === 'translation') {
    const transcription = family.transcription?.(model) ?? null
    return transcription === null ? null : new TranscriptionCall(family, settings, job, transcription)
  }
  const image = family.image?.(model) ?? null
  return image === null ? null : new ImageCall(family, settings, job, image, context.nowSeconds)
}

function toRefusal ({ operation, stream, relay, dialect, model }: JobFrame, { name }: ProviderSettings): string {
  return `${requestTypeOf(operation, stream && !relay)} of ${model} in the words of ${dialect} is not supported by ${name}.`
}

/** Nothing is sent. */
class RefusedCall extends FamilyCall {
  private readonly message: string

  constructor (family: Family, settings: ProviderSettings, job: JobFrame, message: string) {
    super(family, settings, job)
    this.message = message
  }

  toRequest (): never {
    throw new GatewayError('BIFROST_UNSUPPORTED_OPERATION', { provider: this.settings.name, message: this.message })
  }

  fromReply (): never {
    return this.toRequest()
  }
}

/** The client speaks the provider's own dialect: bytes go through. */
class NativeCall extends FamilyCall {
  toRequest (): AdapterRequest | Promise<AdapterRequest> {
    const { url, headers, body } = this.family.toNativeRequest(this.job)
    return this.authorized(url, headers, body)
  }

  fromReply (body: Uint8Array, headers: ReplyHeaders): AdapterReply {
    const usage = createUsage()
    const found = this.family.toUsage(this.parse(body), this.job.operation, headers)
    if (found !== null) toUsage(found, usage)
    return { body, usage, spliceOffset: -1, extraFields: '' }
  }

  override createStreamTranslator (): StreamTranslator {
    if (this.job.relay) return new RelayedBytes()
    const decoder = this.family.createNativeDecoder?.(this.job.dialect) ?? this.family.chat(this.job.model)?.createChatDecoder(null)
    if (decoder === undefined) return super.createStreamTranslator()
    return this.job.jsonArray ? new NativeArrayStream(decoder) : new NativeStream(decoder)
  }
}

/** The request is taken apart in the client's words and put together in the provider's, the answer the other way round. */
abstract class TranslatedCall extends FamilyCall {
  protected readonly context: AdapterContext
  private readonly dropped: string[] = []
  /** Empty until the answer is there. */
  private replyHeaders: ReplyHeaders = {}

  constructor (family: Family, settings: ProviderSettings, job: JobFrame, context: AdapterContext) {
    super(family, settings, withoutDialectHeaders(job))
    this.context = context
  }

  protected abstract translate (context: TranslationContext): ProviderRequest
  protected abstract translateBack (body: unknown): { answer: JsonObject, usage: Usage }

  toRequest (): AdapterRequest | Promise<AdapterRequest> {
    const { url, headers, body } = this.translate(this.translation())
    return this.authorized(url, headers, Buffer.from(JSON.stringify(body)))
  }

  fromReply (body: Uint8Array, headers: ReplyHeaders): AdapterReply {
    this.replyHeaders = headers
    const { answer, usage } = this.translateBack(this.parse(body))
    const bytes = Buffer.from(JSON.stringify(answer))
    const spliceOffset = this.job.dialect === 'openai' ? bytes.length - 1 : -1
    return { body: bytes, usage, spliceOffset, extraFields: this.droppedFields(), headers: this.job.dialect === 'invoke' ? toCountHeaders(usage) : '' }
  }

  /** The front has looked at the body: it is a JSON object. */
  protected get body (): JsonObject {
    return JSON.parse(this.job.body.toString('utf8')) as JsonObject
  }

  protected translation (): TranslationContext {
    return {
      model: this.job.model,
      keyIndex: this.job.keyIndex,
      stream: this.job.stream,
      passExtraParams: this.job.passExtraParams,
      forwardedHeaders: this.job.forwardedHeaders,
      replyHeaders: this.replyHeaders,
      drop: (member) => { if (!this.dropped.includes(member)) this.dropped.push(member) }
    }
  }

  /** Where the dialect has a place for it: what the provider could not be asked. */
  protected droppedFields (): string {
    return this.dropped.length === 0 ? '' : `"dropped_params":${JSON.stringify(this.dropped)}`
  }

  protected answerContext (includeUsage: boolean): AnswerContext {
    const dropped = this.droppedFields()
    return {
      model: this.job.model,
      nowSeconds: this.context.nowSeconds(),
      newId: this.context.newId,
      includeUsage,
      jsonArray: this.job.jsonArray,
      extraFields: this.job.dialect !== 'openai' ? '' : dropped === '' ? this.job.extraFields : `${this.job.extraFields},${dropped}`
    }
  }

  protected refuse (): never {
    throw new GatewayError('BIFROST_UNSUPPORTED_OPERATION', { provider: this.settings.name, message: `${requestTypeOf(this.job.operation, this.job.stream)} of ${this.job.model} is not supported by ${this.settings.name}.` })
  }
}

/** Headers of a dialect begin so. Its clients send them whoever serves them; they mean nothing to a provider that is spoken to in other words. */
const headerPrefixes: Readonly<Partial<Record<Dialect, string>>> = { anthropic: 'anthropic-', invoke: 'x-amzn-bedrock-' }

function withoutDialectHeaders (job: JobFrame): JobFrame {
  const prefix = headerPrefixes[job.dialect]
  if (prefix === undefined || job.forwardedHeaders === '') return job
  return { ...job, forwardedHeaders: job.forwardedHeaders.split('\n').filter((line) => !line.startsWith(prefix)).join('\n') }
}

/** Bedrock's own counts, as its clients look for them. */
function toCountHeaders ({ inputTokens, cachedTokens, cacheWriteTokens, outputTokens }: Usage): string {
  return `x-amzn-bedrock-input-token-count: ${Math.max(0, inputTokens - cachedTokens - cacheWriteTokens)}\r\nx-amzn-bedrock-output-token-count: ${outputTokens}`
}

/** What holds a conversation: media that the provider takes only as bytes are put in before it is translated. */
abstract class ConversationCall extends TranslatedCall {
  /** As it came from the client. */
  protected request: ChatRequest | null = null
  /** The same with fetched media in it, until it is translated. */
  private filled: ChatRequest | null = null
  private fetch: MediaFetch | null = null

  protected abstract read (body: JsonObject, context: TranslationContext): ChatRequest
  protected abstract write (request: ChatRequest, context: TranslationContext): ProviderRequest

  prepare (): Promise<void> | null {
    const { family, job: { model }, settings: { mediaFetch } } = this
    if (mediaFetch === null || family.fetchedTypes === undefined) return null
    const request = this.request = this.read(this.body, this.translation())
    const media = findMedia(request, (reference) => family.fetchedTypes?.(reference, model) ?? null)
    if (media.length === 0) return null
    this.fetch = this.context.mediaFetcher.open(mediaFetch)
    return this.fetch.run(media).then((files) => { this.filled = withBytes(request, media, files) })
  }

  end (): void {
    this.fetch?.end()
  }

  protected translate (context: TranslationContext): ProviderRequest {
    this.request ??= this.read(this.body, context)
    const request = this.filled ?? this.request
    this.filled = null
    return this.write(request, context)
  }
}

class ChatCall extends ConversationCall {
  /** Set with the request. */
  private dialect!: ChatDialect

  protected read (body: JsonObject, context: TranslationContext): ChatRequest {
    const { job } = this
    this.dialect = chatDialectOf(job.dialect, job.operation, body)
    return this.dialect.toChatRequest(body, job.model, job.stream, (member) => { context.drop(member) })
  }

  protected write (request: ChatRequest, context: TranslationContext): ProviderRequest {
    return this.chat().toChatRequest(request, context)
  }

  protected translateBack (body: unknown): { answer: JsonObject, usage: Usage } {
    const request = this.request as ChatRequest
    const reply = this.chat().fromChatReply(body, request, this.translation())
    const usage = createUsage()
    if (reply.usage !== undefined) toUsage(reply.usage, usage)
    return { answer: this.dialect.fromChatReply(reply, request, this.answerContext(true)), usage }
  }

  override createStreamTranslator (): StreamTranslator {
    const { job } = this
    const request = this.request as ChatRequest
    const includeUsage = request.stream_options?.include_usage === true && !job.usageInjected
    return new TranslatedStream(this.chat().createChatDecoder(request), this.dialect.createChatEncoder(request, this.answerContext(includeUsage)))
  }

  private chat (): ChatProvider {
    return this.family.chat(this.job.model) ?? this.refuse()
  }
}

class EmbeddingCall extends TranslatedCall {
  private request: EmbeddingRequest | null = null
  /** Set with the request. */
  private dialect!: EmbeddingDialect

  protected translate (context: TranslationContext): ProviderRequest {
    const { body } = this
    this.dialect = embeddingDialectOf(this.job.dialect, body)
    this.request = this.dialect.toEmbeddingRequest(body, this.job.model)
    return this.embedding().toEmbeddingRequest(this.request, context)
  }

  protected translateBack (body: unknown): { answer: JsonObject, usage: Usage } {
    const request = this.request as EmbeddingRequest
    const reply = this.embedding().fromEmbeddingReply(body, request, this.translation())
    return {
      answer: this.dialect.fromEmbeddingReply(reply, request, this.answerContext(true)),
      usage: createUsage(reply.usage.prompt_tokens)
    }
  }

  private embedding (): EmbeddingProvider {
    return this.family.embedding(this.job.model) ?? this.refuse()
  }
}

class RerankCall extends TranslatedCall {
  private request: RerankRequest | null = null

  protected translate (context: TranslationContext): ProviderRequest {
    this.request = rerankDialectOf(this.job.dialect).toRerankRequest(this.body, this.job.model)
    return this.rerank().toRerankRequest(this.request, context)
  }

  protected translateBack (body: unknown): { answer: JsonObject, usage: Usage } {
    const request = this.request as RerankRequest
    const reply = this.rerank().fromRerankReply(body, request, this.translation())
    const usage = createUsage(reply.usage?.prompt_tokens, reply.usage?.completion_tokens)
    return { answer: rerankDialectOf(this.job.dialect).fromRerankReply(reply, request, this.answerContext(true)), usage }
  }

  private rerank (): RerankProvider {
    return this.family.rerank(this.job.model) ?? this.refuse()
  }
}

class TokenCountCall extends ConversationCall {
  protected read (body: JsonObject, context: TranslationContext): ChatRequest {
    return tokenCountDialectOf(this.job.dialect).toChatRequest(body, this.job.model, (member) => { context.drop(member) })
  }

  protected write (request: ChatRequest, context: TranslationContext): ProviderRequest {
    return this.counter().toCountRequest(request, context)
  }

  protected translateBack (body: unknown): { answer: JsonObject, usage: Usage } {
    return { answer: tokenCountDialectOf(this.job.dialect).fromTokenCount(this.counter().fromCountReply(body)), usage: createUsage() }
  }

  private counter (): TokenCounter {
    return this.family.tokenCounter(this.job.model) ?? this.refuse()
  }
}
