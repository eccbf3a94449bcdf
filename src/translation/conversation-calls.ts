import type { ChatRequest, JsonObject } from '../api/chat.ts'
import { createUsage } from '../api/usage.ts'
import type { Usage } from '../api/usage.ts'
import type { ChatDialect } from '../dialects/dialect.ts'
import { chatDialectOf, tokenCountDialectOf } from '../dialects/registry.ts'
import { findMedia, withBytes } from '../fetch/chat-media.ts'
import type { MediaFetch } from '../fetch/media-fetcher.ts'
import type { StreamTranslator } from '../providers/adapter.ts'
import { toUsage } from '../providers/chat-usage.ts'
import type { ChatProvider, ProviderRequest, TokenCounter, TranslationContext } from '../providers/family.ts'
import { TranslatedCall } from './translated-call.ts'
import { TranslatedStream } from './translated-stream.ts'

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

export class ChatCall extends ConversationCall {
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

export class TokenCountCall extends ConversationCall {
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
