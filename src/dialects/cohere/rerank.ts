import type { JsonObject, RerankReply, RerankRequest } from '../../api/chat.ts'
import { invalid, isRecord, shown } from '../checks.ts'
import type { AnswerContext, RerankDialect } from '../dialect.ts'

/** `POST /v2/rerank`: the canonical form itself. */
export const cohereRerank: RerankDialect = {
  toRerankRequest (body: JsonObject, model: string): RerankRequest {
    if (typeof body['query'] !== 'string') throw invalid('query', 'query must be text.')
    checkDocuments(body['documents'])
    return { ...body, model } as RerankRequest
  },

  fromRerankReply ({ id, results, usage }: RerankReply, _request: RerankRequest, context: AnswerContext): JsonObject {
    return {
      id: id ?? context.newId(),
      results,
      meta: { api_version: { version: '2' }, billed_units: { search_units: 1 }, ...usage === undefined ? {} : { tokens: { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens } } }
    }
  }
}

/** @throws GatewayError BIFROST_INVALID_REQUEST that names the document */
export function checkDocuments (documents: unknown): void {
  if (!Array.isArray(documents)) throw invalid('documents', 'documents must be an array.')
  for (const [index, document] of (documents as unknown[]).entries()) {
    if (typeof document !== 'string' && !isRecord(document)) throw invalid(`documents[${index}]`, `documents[${index}] must be text or an object, not ${shown(document)}.`)
  }
}
