import type { EmbeddingReply, EmbeddingRequest, JsonObject } from '../../api/chat.ts'
import { invalid, shown } from '../checks.ts'
import type { AnswerContext, EmbeddingDialect } from '../dialect.ts'

/** `POST /api/embed`. */
export const ollamaEmbedding: EmbeddingDialect = {
  toEmbeddingRequest (body: JsonObject, model: string): EmbeddingRequest {
    const { input } = body
    const texts: unknown[] = Array.isArray(input) ? input : [input]
    if (!texts.every((text) => typeof text === 'string')) throw invalid('input', `input must be text or an array of texts, not ${shown(input)}.`)
    return { ...body, model, input: input as string | string[] }
  },

  fromEmbeddingReply (reply: EmbeddingReply, _request: EmbeddingRequest, context: AnswerContext): JsonObject {
    return { model: context.model, embeddings: reply.data.map((item) => item.embedding), prompt_eval_count: reply.usage.prompt_tokens }
  }
}
