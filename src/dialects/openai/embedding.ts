import type { EmbeddingReply, EmbeddingRequest, JsonObject } from '../../api/chat.ts'
import { toBase64Floats } from '../../api/base64-floats.ts'
import type { EmbeddingDialect } from '../dialect.ts'

/** OpenAI's embeddings: the canonical form itself, but for the encoding that its SDK asks for. */
export const openAiEmbedding: EmbeddingDialect = {
  toEmbeddingRequest: (body: JsonObject, model: string): EmbeddingRequest => ({ ...body, model }) as EmbeddingRequest,

  fromEmbeddingReply (reply: EmbeddingReply, request: EmbeddingRequest): JsonObject {
    if (request.encoding_format !== 'base64') return { ...reply }
    return { ...reply, data: reply.data.map((item) => ({ ...item, embedding: toBase64Floats(item.embedding) })) }
  }
}
