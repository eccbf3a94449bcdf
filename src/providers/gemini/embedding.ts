import type { EmbeddingReply, EmbeddingRequest, JsonObject } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import type { EmbeddingProvider, ProviderRequest, TranslationContext } from '../family.ts'
import type { UrlOfVerb } from './chat.ts'
import { invalidRequest } from './invalid-request.ts'

const taskTypes: Readonly<Record<string, string>> = { search_document: 'RETRIEVAL_DOCUMENT', search_query: 'RETRIEVAL_QUERY', classification: 'CLASSIFICATION', clustering: 'CLUSTERING' }

/** Google's word for what the vectors are for; its own words go through. */
export function toTaskType (inputType: string | null | undefined): string | undefined {
  return inputType === undefined || inputType === null ? undefined : taskTypes[inputType] ?? inputType.toUpperCase()
}

/** @throws GatewayError for tokens, which only OpenAI takes */
export function toTexts (input: EmbeddingRequest['input']): string[] {
  const list = Array.isArray(input) ? input : [input]
  if (!list.every((item) => typeof item === 'string')) throw invalidRequest('input', 'input must be text or an array of texts; Google takes no tokens.')
  return list
}

const understood: ReadonlySet<string> = new Set(['model', 'input', 'dimensions', 'encoding_format', 'input_type', 'fallbacks'])

/** Members that no canonical one stands for: into the body where the client wants that, else named as dropped. */
export function extraMembers (request: EmbeddingRequest, context: TranslationContext): JsonObject {
  const extra: JsonObject = {}
  for (const [name, value] of Object.entries(request)) {
    if (understood.has(name) || value === undefined || value === null) continue
    if (context.passExtraParams && name !== 'user') extra[name] = value
    else context.drop(name)
  }
  return extra
}

/** batchEmbedContents, for one text too. */
export class GeminiEmbeddingProvider implements EmbeddingProvider {
  private readonly provider: string
  private readonly urlOf: UrlOfVerb

  constructor (provider: string, urlOf: UrlOfVerb) {
    this.provider = provider
    this.urlOf = urlOf
  }

  toEmbeddingRequest (request: EmbeddingRequest, context: TranslationContext): ProviderRequest {
    const taskType = toTaskType(request.input_type)
    const shared = {
      model: toResourceName(context.model),
      ...taskType === undefined ? {} : { taskType },
      ...typeof request.dimensions === 'number' ? { outputDimensionality: request.dimensions } : {},
      ...extraMembers(request, context)
    }
    const requests = toTexts(request.input).map((text) => ({ ...shared, content: { parts: [{ text }] } }))
    return { url: this.urlOf(context.model, 'batchEmbedContents', context.keyIndex), body: { requests } }
  }

  fromEmbeddingReply (body: unknown, _request: EmbeddingRequest, context: TranslationContext): EmbeddingReply {
    const reply = body as { embeddings?: { values?: number[] }[], usageMetadata?: { promptTokenCount?: number, promptTokenDetails?: { tokenCount?: number }[] } } | null
    if (!Array.isArray(reply?.embeddings)) throw badResponse(this.provider, 'no embeddings')
    // Older models count nothing, newer ones only by modality.
    const { promptTokenCount, promptTokenDetails = [] } = reply.usageMetadata ?? {}
    const tokens = promptTokenCount ?? promptTokenDetails.reduce((sum, { tokenCount = 0 }) => sum + tokenCount, 0)
    return {
      object: 'list',
      model: context.model,
      data: reply.embeddings.map(({ values }, index) => {
        if (!Array.isArray(values)) throw badResponse(this.provider, 'an embedding without values')
        return { object: 'embedding', index, embedding: values }
      }),
      usage: { prompt_tokens: tokens, total_tokens: tokens }
    }
  }
}

/** The name of a model as bodies hold it. */
export function toResourceName (model: string): string {
  return /^(?:models|tunedModels)\//.test(model) ? model : `models/${model}`
}
