import type { EmbeddingReply, EmbeddingRequest } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import { isGiven } from '../is-given.ts'
import type { EmbeddingProvider, ProviderRequest, TranslationContext } from '../family.ts'

const members: ReadonlySet<string> = new Set(['model', 'input', 'dimensions', 'encoding_format', 'user'])

/** Embeddings for a client of another dialect: the canonical form, as plain numbers. */
export class OpenAiEmbeddingProvider implements EmbeddingProvider {
  private readonly provider: string
  private readonly toUrl: (context: TranslationContext) => URL

  constructor (provider: string, toUrl: (context: TranslationContext) => URL) {
    this.provider = provider
    this.toUrl = toUrl
  }

  toEmbeddingRequest (request: EmbeddingRequest, context: TranslationContext): ProviderRequest {
    const rest = Object.fromEntries(Object.entries(request).filter(([name, value]) => {
      if (members.has(name) || (context.passExtraParams && name !== 'input_type')) return true
      if (isGiven(value)) context.drop(name)
      return false
    }))
    return { url: this.toUrl(context), body: { ...rest, model: context.model, encoding_format: 'float' } }
  }

  fromEmbeddingReply (body: unknown): EmbeddingReply {
    const reply = body as EmbeddingReply | null
    if (!Array.isArray(reply?.data)) throw badResponse(this.provider, 'no data')
    return reply
  }
}
