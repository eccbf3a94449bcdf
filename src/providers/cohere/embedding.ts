import type { EmbeddingReply, EmbeddingRequest, JsonObject } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import { badResponse } from '../bad-response.ts'
import type { EmbeddingProvider, TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import type { CohereMeta } from './wire.ts'

/** What OpenAI's clients embed is what they will search in; who searches says so by `input_type`. */
const inputTypeDefault = 'search_document'
const translated: ReadonlySet<string> = new Set(['model', 'input', 'dimensions', 'encoding_format', 'input_type'])

export function createEmbedding (provider: string, url: URL): EmbeddingProvider {
  return {
    toEmbeddingRequest: (request, context) => ({ url, body: toBody(request, context) }),
    fromEmbeddingReply (body: unknown, _request, context): EmbeddingReply {
      const reply = body as { embeddings?: { float?: number[][] } | number[][], meta?: CohereMeta } | null
      const vectors = Array.isArray(reply?.embeddings) ? reply.embeddings : reply?.embeddings?.float
      if (!Array.isArray(vectors)) throw badResponse(provider, 'no embeddings')
      const tokens = reply?.meta?.tokens?.input_tokens ?? reply?.meta?.billed_units?.input_tokens ?? 0
      return {
        object: 'list',
        model: context.model,
        data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
        usage: { prompt_tokens: tokens, total_tokens: tokens }
      }
    }
  }
}

function toBody (request: EmbeddingRequest, context: TranslationContext): JsonObject {
  const body: JsonObject = { model: context.model, input_type: request.input_type ?? inputTypeDefault, embedding_types: ['float'] }
  if (isGiven(request.dimensions)) body['output_dimension'] = request.dimensions
  body['texts'] = toTexts(request.input)
  for (const [name, value] of Object.entries(request)) {
    if (translated.has(name) || !isGiven(value)) continue
    if (context.passExtraParams && name !== 'user') body[name] = value
    else context.drop(name)
  }
  return body
}

function toTexts (input: EmbeddingRequest['input']): string[] {
  const texts: unknown[] = Array.isArray(input) ? input : [input]
  if (!texts.every((text) => typeof text === 'string')) throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'input', message: 'input must be text or an array of texts: the provider takes no tokens.' })
  return texts
}
