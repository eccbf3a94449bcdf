import type { ChatRequest, EmbeddingRequest, JsonObject, RerankRequest } from '../api/chat.ts'
import type { JobFrame } from '../api/job.ts'
import { requestTypeOf } from '../api/operations.ts'
import type { ProviderSettings } from '../api/settings.ts'
import { createUsage } from '../api/usage.ts'
import type { Usage } from '../api/usage.ts'
import type { AnswerContext } from '../dialects/dialect.ts'
import { chatDialectOf, embeddingDialectOf, rerankDialectOf, tokenCountDialectOf } from '../dialects/registry.ts'
import { GatewayError } from '../errors.ts'
import type { StreamFraming } from '../api/framing.ts'
import type { Adapter, AdapterCall, AdapterReply, AdapterRequest, ReplyHeaders, StreamTranslator } from '../providers/adapter.ts'
import { toUsage } from '../providers/chat-usage.ts'
import type { ChatProvider, EmbeddingProvider, Family, ProviderRequest, RerankProvider, TokenCounter, TranslationContext } from '../providers/family.ts'
import { NativeArrayStream, NativeStream } from './native-stream.ts'
import { toUpstreamHeaders } from '../providers/upstream-headers.ts'
import { TranslatedStream } from './translated-stream.ts'

/** What the adapters read of the outside world. */
export interface AdapterContext {
  nowSeconds: () => number
  /** @returns 24 letters and digits that nobody else has */
  newId: () => string
}

/** The adapter of a provider that is described as a family. */
export function createFamilyAdapter (family: Family, settings: ProviderSettings, context: AdapterContext): Adapter {
  return {
    open (job: JobFrame): AdapterCall {
      if (family.isNative(job.dialect, job.operation, job.model)) return new NativeCall(family, settings, job)
      switch (job.operation) {
        case 'embedding': return new EmbeddingCall(family, settings, job, context)
        case 'rerank': return new RerankCall(family, settings, job, context)
        case 'count_tokens': return new TokenCountCall(family, settings, job, context)
        default: return new ChatCall(family, settings, job, context)
      }
    }
  }
}

/** What the calls of a family share: credentials, headers, errors. */
abstract class FamilyCall implements AdapterCall {
  protected readonly family: Family
  protected readonly settings: ProviderSettings
  protected readonly job: JobFrame

  constructor (family: Family, settings: ProviderSettings, job: JobFrame) {
    this.family = family
    this.settings = settings
    this.job = job
  }

  get streamFraming (): StreamFraming {
    return this.family.streamFraming(this.job.model)
  }

  abstract toRequest (): AdapterRequest | Promise<AdapterRequest>
  abstract fromReply (body: Uint8Array): AdapterReply

  fromErrorReply (status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
    return this.family.toError(status, headers, body)
  }

  createStreamTranslator (): StreamTranslator {
    throw new GatewayError('BIFROST_INTERNAL', { cause: new Error(`${this.job.operation} has no streams`) })
  }

  protected authorized (url: URL, headers: Readonly<Record<string, string>> | undefined, body: Uint8Array): AdapterRequest | Promise<AdapterRequest> {
    return this.family.authorize({
      origin: url.origin,
      path: url.pathname + url.search,
      headers: toUpstreamHeaders(this.settings, this.job, this.streamFraming, headers),
      body
    }, this.job.keyIndex)
  }

  /** @throws GatewayError for an answer that is no JSON, or an error inside a 200 */
  protected parse (body: Uint8Array): unknown {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw new GatewayError('BIFROST_UPSTREAM_BAD_RESPONSE', { message: `${this.settings.name} answered 200 with a body that is not JSON.`, provider: this.settings.name, cause })
    }
  }
}

/** The client speaks the provider's own dialect: bytes go through. */
class NativeCall extends FamilyCall {
  toRequest (): AdapterRequest | Promise<AdapterRequest> {
    const { url, headers, body } = this.family.toNativeRequest(this.job)
    return this.authorized(url, headers, body)
  }

  fromReply (body: Uint8Array): AdapterReply {
    const usage = createUsage()
    const found = this.family.toUsage(this.parse(body), this.job.operation)
    if (found !== null) toUsage(found, usage)
    return { body, usage, spliceOffset: -1, extraFields: '' }
  }

  override createStreamTranslator (): StreamTranslator {
    const chat = this.family.chat(this.job.model)
    if (chat === null) return super.createStreamTranslator()
    const decoder = chat.createChatDecoder(null)
    return this.job.jsonArray ? new NativeArrayStream(decoder) : new NativeStream(decoder)
  }
}

/** The request is taken apart in the client's words and put together in the provider's, the answer the other way round. */
abstract class TranslatedCall extends FamilyCall {
  private readonly context: AdapterContext
  private readonly dropped: string[] = []

  constructor (family: Family, settings: ProviderSettings, job: JobFrame, context: AdapterContext) {
    super(family, settings, withoutDialectHeaders(job))
    this.context = context
  }

  protected abstract translate (body: JsonObject, context: TranslationContext): ProviderRequest
  protected abstract translateBack (body: unknown): { answer: JsonObject, usage: Usage }

  toRequest (): AdapterRequest | Promise<AdapterRequest> {
    // The front has looked at the body: it is a JSON object.
    const { url, headers, body } = this.translate(JSON.parse(this.job.body.toString('utf8')) as JsonObject, this.translation())
    return this.authorized(url, headers, Buffer.from(JSON.stringify(body)))
  }

  fromReply (body: Uint8Array): AdapterReply {
    const { answer, usage } = this.translateBack(this.parse(body))
    const bytes = Buffer.from(JSON.stringify(answer))
    const spliceOffset = this.job.dialect === 'openai' ? bytes.length - 1 : -1
    return { body: bytes, usage, spliceOffset, extraFields: this.droppedFields() }
  }

  protected translation (): TranslationContext {
    return {
      model: this.job.model,
      keyIndex: this.job.keyIndex,
      stream: this.job.stream,
      passExtraParams: this.job.passExtraParams,
      forwardedHeaders: this.job.forwardedHeaders,
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

/** Anthropic's clients send its headers whoever serves them; they mean nothing to a provider that is spoken to in other words. */
function withoutDialectHeaders (job: JobFrame): JobFrame {
  if (job.dialect !== 'anthropic' || job.forwardedHeaders === '') return job
  return { ...job, forwardedHeaders: job.forwardedHeaders.split('\n').filter((line) => !line.startsWith('anthropic-')).join('\n') }
}

class ChatCall extends TranslatedCall {
  private request: ChatRequest | null = null

  protected translate (body: JsonObject, context: TranslationContext): ProviderRequest {
    const { job } = this
    this.request = chatDialectOf(job.dialect, job.operation).toChatRequest(body, job.model, job.stream, (member) => { context.drop(member) })
    return this.chat().toChatRequest(this.request, context)
  }

  protected translateBack (body: unknown): { answer: JsonObject, usage: Usage } {
    const { job } = this
    const request = this.request as ChatRequest
    const reply = this.chat().fromChatReply(body, request, this.translation())
    const usage = createUsage()
    if (reply.usage !== undefined) toUsage(reply.usage, usage)
    return { answer: chatDialectOf(job.dialect, job.operation).fromChatReply(reply, request, this.answerContext(true)), usage }
  }

  override createStreamTranslator (): StreamTranslator {
    const { job } = this
    const request = this.request as ChatRequest
    const includeUsage = request.stream_options?.include_usage === true && !job.usageInjected
    return new TranslatedStream(this.chat().createChatDecoder(request), chatDialectOf(job.dialect, job.operation).createChatEncoder(request, this.answerContext(includeUsage)))
  }

  private chat (): ChatProvider {
    return this.family.chat(this.job.model) ?? this.refuse()
  }
}

class EmbeddingCall extends TranslatedCall {
  private request: EmbeddingRequest | null = null

  protected translate (body: JsonObject, context: TranslationContext): ProviderRequest {
    this.request = embeddingDialectOf(this.job.dialect).toEmbeddingRequest(body, this.job.model)
    return this.embedding().toEmbeddingRequest(this.request, context)
  }

  protected translateBack (body: unknown): { answer: JsonObject, usage: Usage } {
    const request = this.request as EmbeddingRequest
    const reply = this.embedding().fromEmbeddingReply(body, request, this.translation())
    return {
      answer: embeddingDialectOf(this.job.dialect).fromEmbeddingReply(reply, request, this.answerContext(true)),
      usage: createUsage(reply.usage.prompt_tokens)
    }
  }

  private embedding (): EmbeddingProvider {
    return this.family.embedding(this.job.model) ?? this.refuse()
  }
}

class RerankCall extends TranslatedCall {
  private request: RerankRequest | null = null

  protected translate (body: JsonObject, context: TranslationContext): ProviderRequest {
    this.request = rerankDialectOf(this.job.dialect).toRerankRequest(body, this.job.model)
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

class TokenCountCall extends TranslatedCall {
  protected translate (body: JsonObject, context: TranslationContext): ProviderRequest {
    return this.counter().toCountRequest(tokenCountDialectOf(this.job.dialect).toChatRequest(body, this.job.model, (member) => { context.drop(member) }), context)
  }

  protected translateBack (body: unknown): { answer: JsonObject, usage: Usage } {
    return { answer: tokenCountDialectOf(this.job.dialect).fromTokenCount(this.counter().fromCountReply(body)), usage: createUsage() }
  }

  private counter (): TokenCounter {
    return this.family.tokenCounter(this.job.model) ?? this.refuse()
  }
}
