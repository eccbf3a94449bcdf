import type { JsonObject, RerankReply, RerankRequest } from '../../api/chat.ts'
import { cohereRerank } from '../cohere/rerank.ts'
import type { RerankDialect } from '../dialect.ts'

/** Cohere's and Amazon's ranking: Cohere's words, with the version of its API in the body. */
export const invokeRerank: RerankDialect = {
  toRerankRequest: ({ api_version: _version, ...body }: JsonObject, model: string): RerankRequest => cohereRerank.toRerankRequest(body, model),
  fromRerankReply: ({ results }: RerankReply): JsonObject => ({ results })
}
