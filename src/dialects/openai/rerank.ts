import type { JsonObject, RerankReply, RerankRequest } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import { checkDocuments } from '../cohere/rerank.ts'
import type { RerankDialect } from '../dialect.ts'

/** `POST /v1/rerank`, in Cohere's words, which everybody copied. */
export const openAiRerank: RerankDialect = {
  toRerankRequest (body: JsonObject, model: string): RerankRequest {
    if (typeof body['query'] !== 'string') throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'query', message: 'query must be text.' })
    checkDocuments(body['documents'])
    return { ...body, model } as RerankRequest
  },
  fromRerankReply: (reply: RerankReply): JsonObject => ({ ...reply })
}
