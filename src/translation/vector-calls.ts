import type { EmbeddingRequest, JsonObject, RerankRequest } from '../api/chat.ts'
import { createUsage } from '../api/usage.ts'
import type { Usage } from '../api/usage.ts'
import type { EmbeddingDialect } from '../dialects/dialect.ts'
import { embeddingDialectOf, rerankDialectOf } from '../dialects/registry.ts'
import type { EmbeddingProvider, ProviderRequest, RerankProvider, TranslationContext } from '../providers/family.ts'
import { TranslatedCall } from './translated-call.ts'

export class EmbeddingCall extends TranslatedCall {
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

export class RerankCall extends TranslatedCall {
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
