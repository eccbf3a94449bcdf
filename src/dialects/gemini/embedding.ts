import type { EmbeddingReply, EmbeddingRequest, JsonObject } from '../../api/chat.ts'
import type { EmbeddingDialect } from '../dialect.ts'
import { invalidRequest, isRecord, listOf, membersOf } from './members.ts'

const inputTypes: Readonly<Record<string, string>> = { RETRIEVAL_DOCUMENT: 'search_document', RETRIEVAL_QUERY: 'search_query', CLASSIFICATION: 'classification', CLUSTERING: 'clustering' }

/** embedContent and batchEmbedContents: a list as input stands for the second one. */
export const geminiEmbedding: EmbeddingDialect = {
  toEmbeddingRequest (body: JsonObject, model: string): EmbeddingRequest {
    const { requests, fallbacks: _fallbacks, ...single } = membersOf(body, '')
    if (requests === undefined) return toRequest(single, model, toText(single['content'], 'content'))
    const list = listOf(requests, 'requests').map((request, index) => membersOf(request, `requests[${index}]`))
    const [first] = list
    if (first === undefined) throw invalidRequest('requests', 'requests must not be empty.')
    const shared = JSON.stringify(settingsOf(first))
    const other = list.findIndex((request) => JSON.stringify(settingsOf(request)) !== shared)
    if (other >= 0) throw invalidRequest(`requests[${other}]`, `requests[${other}] must have the same taskType, title and outputDimensionality as the first one: other providers take them once for all texts.`)
    return toRequest(first, model, list.map((request, index) => toText(request['content'], `requests[${index}].content`)))
  },

  fromEmbeddingReply (reply: EmbeddingReply, request: EmbeddingRequest): JsonObject {
    const embeddings = reply.data.map(({ embedding }) => ({ values: embedding }))
    return Array.isArray(request.input) ? { embeddings } : { embedding: embeddings[0] ?? { values: [] } }
  }
}

/** What a request says beside its text. */
function settingsOf ({ taskType, title, outputDimensionality }: JsonObject): JsonObject {
  return {
    ...typeof taskType === 'string' && taskType !== 'TASK_TYPE_UNSPECIFIED' ? { input_type: inputTypes[taskType] ?? taskType.toLowerCase() } : {},
    ...typeof title === 'string' ? { title } : {},
    ...typeof outputDimensionality === 'number' ? { dimensions: outputDimensionality } : {}
  }
}

function toRequest (members: JsonObject, model: string, input: string | string[]): EmbeddingRequest {
  return { model, input, ...settingsOf(members) }
}

function toText (content: unknown, path: string): string {
  if (typeof content === 'string') return content
  const parts = listOf(membersOf(content, path)['parts'], `${path}.parts`)
  return parts.map((part, index) => {
    if (!isRecord(part) || typeof part['text'] !== 'string') throw invalidRequest(`${path}.parts[${index}]`, `${path}.parts[${index}] must be a text: nothing else can be translated.`)
    return part['text']
  }).join('')
}
