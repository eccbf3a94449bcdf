import type { EmbeddingReply, EmbeddingRequest, JsonObject } from '../../api/chat.ts'
import { toBase64Floats } from '../../api/base64-floats.ts'
import { invalid, isRecord, shown } from '../checks.ts'
import type { AnswerContext, EmbeddingDialect } from '../dialect.ts'

/** What can be made of floats; the quantised types can only be had from Cohere itself. */
const types: ReadonlySet<unknown> = new Set(['float', 'base64'])
const translated: ReadonlySet<string> = new Set(['texts', 'images', 'inputs', 'embedding_types', 'output_dimension'])

/** `POST /v2/embed`. The types asked for go along as `encoding_format`, with commas between them. */
export const cohereEmbedding: EmbeddingDialect = {
  toEmbeddingRequest (body: JsonObject, model: string): EmbeddingRequest {
    const { output_dimension: dimensions, embedding_types: asked = ['float'] } = body
    if (!Array.isArray(asked) || !asked.every((type) => types.has(type))) throw invalid('embedding_types', `embedding_types must be an array of float and base64 for this provider, not ${shown(asked)}.`)
    const rest = Object.fromEntries(Object.entries(body).filter(([name]) => !translated.has(name)))
    return { ...rest, model, input: toTexts(body), encoding_format: asked.join(','), ...typeof dimensions === 'number' ? { dimensions } : {} }
  },

  fromEmbeddingReply (reply: EmbeddingReply, request: EmbeddingRequest, context: AnswerContext): JsonObject {
    const asked = (request.encoding_format ?? 'float').split(',')
    const vectors = reply.data.map((item) => item.embedding)
    return {
      id: context.newId(),
      embeddings: {
        ...asked.includes('float') ? { float: vectors } : {},
        ...asked.includes('base64') ? { base64: vectors.map(toBase64Floats) } : {}
      },
      texts: request.input,
      meta: { api_version: { version: '2' }, billed_units: { input_tokens: reply.usage.prompt_tokens } },
      response_type: 'embeddings_by_type'
    }
  }
}

function toTexts (body: JsonObject): string[] {
  const { texts, images, inputs } = body
  if (Array.isArray(images) && images.length > 0) throw invalid('images', 'images cannot be embedded by this provider.')
  if (Array.isArray(inputs)) return inputs.map((input: unknown, index) => toText(input, `inputs[${index}]`))
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string')) throw invalid('texts', 'texts must be an array of texts.')
  return texts
}

/** An input may be mixed of texts and images; only texts can go elsewhere. */
function toText (input: unknown, path: string): string {
  const content: unknown[] = isRecord(input) && Array.isArray(input['content']) ? input['content'] : []
  if (!content.every((part) => isRecord(part) && part['type'] === 'text' && typeof part['text'] === 'string')) throw invalid(path, `${path}.content must be of type text for this provider.`)
  return (content as { text: string }[]).map((part) => part.text).join('\n')
}
