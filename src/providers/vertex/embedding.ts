import type { EmbeddingReply, EmbeddingRequest } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import type { EmbeddingProvider, ProviderRequest, TranslationContext } from '../family.ts'
import type { UrlOfVerb } from '../gemini/chat.ts'
import { extraMembers, toTaskType, toTexts } from '../gemini/embedding.ts'

interface Prediction { embeddings?: { values?: number[], statistics?: { token_count?: number } } }

/** `:predict` of the text embedding models. */
export class VertexEmbeddingProvider implements EmbeddingProvider {
  private readonly provider: string
  private readonly urlOf: UrlOfVerb

  constructor (provider: string, urlOf: UrlOfVerb) {
    this.provider = provider
    this.urlOf = urlOf
  }

  toEmbeddingRequest (request: EmbeddingRequest, context: TranslationContext): ProviderRequest {
    const taskType = toTaskType(request.input_type)
    // A title belongs to a text, everything else to all of them.
    const { title, ...extra } = extraMembers(request, context)
    const shared = { ...taskType === undefined ? {} : { task_type: taskType }, ...title === undefined ? {} : { title } }
    const parameters = { ...typeof request.dimensions === 'number' ? { outputDimensionality: request.dimensions } : {}, ...extra }
    return {
      url: this.urlOf(context.model, 'predict', context.keyIndex),
      body: { instances: toTexts(request.input).map((content) => ({ content, ...shared })), ...Object.keys(parameters).length === 0 ? {} : { parameters } }
    }
  }

  fromEmbeddingReply (body: unknown, _request: EmbeddingRequest, context: TranslationContext): EmbeddingReply {
    const predictions = (body as { predictions?: Prediction[] } | null)?.predictions
    if (!Array.isArray(predictions)) throw badResponse(this.provider, 'no predictions')
    const data = predictions.map(({ embeddings }, index) => {
      if (!Array.isArray(embeddings?.values)) throw badResponse(this.provider, 'a prediction without embeddings')
      return { object: 'embedding' as const, index, embedding: embeddings.values }
    })
    const tokens = predictions.reduce((sum, { embeddings }) => sum + (embeddings?.statistics?.token_count ?? 0), 0)
    return { object: 'list', model: context.model, data, usage: { prompt_tokens: tokens, total_tokens: tokens } }
  }
}
