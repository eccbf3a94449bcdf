import type { EmbeddingReply, EmbeddingRequest, JsonObject } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import { badResponse } from '../bad-response.ts'
import type { EmbeddingProvider, TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'

const translated: ReadonlySet<string> = new Set(['model', 'input', 'dimensions', 'encoding_format'])

/** `POST /api/embed`. */
export function createEmbedding (provider: string, url: URL): EmbeddingProvider {
  return {
    toEmbeddingRequest: (request, context) => ({ url, body: toBody(request, context) }),
    fromEmbeddingReply (body: unknown, _request, context): EmbeddingReply {
      const reply = body as { model?: string, embeddings?: number[][], prompt_eval_count?: number } | null
      if (!Array.isArray(reply?.embeddings)) throw badResponse(provider, 'no embeddings')
      const tokens = reply.prompt_eval_count ?? 0
      return {
        object: 'list',
        model: reply.model ?? context.model,
        data: reply.embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding })),
        usage: { prompt_tokens: tokens, total_tokens: tokens }
      }
    }
  }
}

function toBody (request: EmbeddingRequest, context: TranslationContext): JsonObject {
  const texts: unknown[] = Array.isArray(request.input) ? request.input : [request.input]
  if (!texts.every((text) => typeof text === 'string')) throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'input', message: 'input must be text or an array of texts: the provider takes no tokens.' })
  const body: JsonObject = { model: context.model, input: request.input }
  if (isGiven(request.dimensions)) body['dimensions'] = request.dimensions
  for (const [name, value] of Object.entries(request)) {
    if (translated.has(name) || !isGiven(value)) continue
    if (context.passExtraParams && name !== 'user' && name !== 'input_type') body[name] = value
    else context.drop(name)
  }
  return body
}
