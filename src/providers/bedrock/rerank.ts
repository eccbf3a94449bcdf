import type { JsonObject, RerankReply, RerankRequest } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import type { ProviderRequest, RerankProvider, TranslationContext } from '../family.ts'

const known: ReadonlySet<string> = new Set(['model', 'query', 'documents', 'top_n', 'return_documents', 'max_tokens_per_doc'])

/** Cohere's and Amazon's models have the same words; only Cohere's has versions of its API. @returns null for models that rank nothing */
export function rerankOf (provider: string, model: string, urlOf: (context: TranslationContext) => URL): RerankProvider | null {
  if (!/rerank/.test(model)) return null
  return {
    toRerankRequest (request: RerankRequest, context): ProviderRequest {
      const { query, documents, top_n: top, max_tokens_per_doc: tokensMax } = request
      if (tokensMax !== undefined && tokensMax !== null) context.drop('max_tokens_per_doc')
      const body: JsonObject = { query, documents: documents.map(textOf), ...top === undefined || top === null ? {} : { top_n: top }, .../cohere/.test(model) ? { api_version: 2 } : {} }
      for (const [name, value] of Object.entries(request)) {
        if (known.has(name) || value === undefined || value === null) continue
        if (context.passExtraParams) body[name] = value
        else context.drop(name)
      }
      return { url: urlOf(context), body }
    },

    fromRerankReply (body: unknown, request, context): RerankReply {
      const results = (body as { results?: { index: number, relevance_score: number }[] } | null)?.results
      if (!Array.isArray(results)) throw badResponse(provider, 'no results')
      return {
        model: context.model,
        results: results.map(({ index, relevance_score: score }) => {
          const document = request.documents[index]
          return { index, relevance_score: score, ...request.return_documents === true && document !== undefined ? { document: { text: textOf(document) } } : {} }
        })
      }
    }
  }
}

/** Of a document with other members than `text`, all of it counts. */
function textOf (document: RerankRequest['documents'][number]): string {
  if (typeof document === 'string') return document
  return typeof document.text === 'string' ? document.text : JSON.stringify(document)
}
