import type { JsonObject, RerankReply, RerankRequest } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import type { RerankProvider, TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'

const translated: ReadonlySet<string> = new Set(['model', 'query', 'documents', 'top_n', 'return_documents', 'max_tokens_per_doc'])

export function createRerank (provider: string, url: URL): RerankProvider {
  return {
    toRerankRequest: (request, context) => ({ url, body: toBody(request, context) }),
    fromRerankReply (body: unknown, request, context): RerankReply {
      const reply = body as { id?: string, results?: { index: number, relevance_score: number }[] } | null
      if (!Array.isArray(reply?.results)) throw badResponse(provider, 'no results')
      return {
        ...reply.id === undefined ? {} : { id: reply.id },
        model: context.model,
        results: reply.results.map(({ index, relevance_score: score }) => ({ index, relevance_score: score, ...request.return_documents === true ? { document: { text: textOf(request.documents[index]) } } : {} }))
      }
    }
  }
}

/** Version 2 of the API takes texts and does not send them back. */
function toBody (request: RerankRequest, context: TranslationContext): JsonObject {
  const body: JsonObject = { model: context.model, query: request.query, documents: request.documents.map(textOf) }
  if (isGiven(request.top_n)) body['top_n'] = request.top_n
  if (isGiven(request.max_tokens_per_doc)) body['max_tokens_per_doc'] = request.max_tokens_per_doc
  for (const [name, value] of Object.entries(request)) {
    if (translated.has(name) || !isGiven(value)) continue
    if (context.passExtraParams) body[name] = value
    else context.drop(name)
  }
  return body
}

/** Of a document with other members than `text`, all of it counts. */
function textOf (document: RerankRequest['documents'][number] | undefined): string {
  if (document === undefined || typeof document === 'string') return document ?? ''
  return typeof document.text === 'string' ? document.text : JSON.stringify(document)
}
