import type { EmbeddingReply, EmbeddingRequest, JsonObject } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import type { EmbeddingProvider, ProviderRequest, TranslationContext } from '../family.ts'
import { invalid } from './invalid.ts'
import { toInvokeUsage } from './invoke-usage.ts'

/** The words of one family of embedding models. */
interface EmbeddingModel {
  /** Texts that one call may hold. */
  textsMax: number
  toBody (texts: string[], request: EmbeddingRequest, context: TranslationContext): JsonObject
  /** @returns the vectors and the tokens of the input, null when there are none */
  fromBody (body: JsonObject): { vectors: unknown[], tokens: number } | null
}

/** Amazon's Nova calls what the vectors are for by names of its own. */
const novaPurposes: Readonly<Record<string, string>> = {
  search_document: 'GENERIC_INDEX', search_query: 'GENERIC_RETRIEVAL', classification: 'CLASSIFICATION', clustering: 'CLUSTERING'
}

const titan: EmbeddingModel = {
  textsMax: 1,
  toBody ([inputText], { dimensions, input_type: inputType }, context) {
    if (isSet(inputType)) context.drop('input_type')
    const hasDimensions = isSet(dimensions) && !/titan-embed-(text-v1|g1)/.test(context.model)
    if (isSet(dimensions) && !hasDimensions) context.drop('dimensions')
    // The image model has the dimensions in a block of their own.
    if (/embed-image/.test(context.model)) return { inputText, ...hasDimensions ? { embeddingConfig: { outputEmbeddingLength: dimensions } } : {} }
    return { inputText, ...hasDimensions ? { dimensions } : {} }
  },
  fromBody: ({ embedding, inputTextTokenCount: tokens }) => Array.isArray(embedding) ? { vectors: [embedding], tokens: toCount(tokens) } : null
}

const nova: EmbeddingModel = {
  textsMax: 1,
  toBody ([value], { dimensions, input_type: inputType }) {
    const purpose = isSet(inputType) ? novaPurposes[inputType] ?? inputType : 'GENERIC_INDEX'
    return { taskType: 'SINGLE_EMBEDDING', singleEmbeddingParams: { embeddingPurpose: purpose, ...isSet(dimensions) ? { embeddingDimension: dimensions } : {}, text: { truncationMode: 'END', value } } }
  },
  fromBody ({ embeddings, inputTextTokenCount: tokens }) {
    return Array.isArray(embeddings) ? { vectors: (embeddings as ({ embedding?: unknown } | null)[]).map((item) => item?.embedding), tokens: toCount(tokens) } : null
  }
}

const cohere: EmbeddingModel = {
  textsMax: 96,
  toBody (texts, { dimensions, input_type: inputType }, context) {
    const isFixed = /embed-(english|multilingual)/.test(context.model)
    if (isSet(dimensions) && isFixed) context.drop('dimensions')
    return { texts, input_type: inputType ?? 'search_document', embedding_types: ['float'], ...isSet(dimensions) && !isFixed ? { output_dimension: dimensions } : {} }
  },
  fromBody ({ embeddings }) {
    const vectors = Array.isArray(embeddings) ? embeddings as unknown[] : (embeddings as { float?: unknown } | null | undefined)?.float
    return Array.isArray(vectors) ? { vectors, tokens: 0 } : null
  }
}

/** By the id of the model; the first match wins. */
const models: readonly [RegExp, EmbeddingModel][] = [[/titan-embed/, titan], [/nova.*embed/, nova], [/cohere\.embed/, cohere]]
const known: ReadonlySet<string> = new Set(['model', 'input', 'dimensions', 'encoding_format', 'input_type'])

/** @returns null for models that make no vectors */
export function embeddingOf (provider: string, model: string, urlOf: (context: TranslationContext) => URL): EmbeddingProvider | null {
  const words = models.find(([name]) => name.test(model))?.[1]
  if (words === undefined) return null
  return {
    toEmbeddingRequest (request: EmbeddingRequest, context): ProviderRequest {
      const texts = toTexts(request.input)
      // Several upstream calls for one request would have to be limited, retried and counted one by one: a request is one call.
      if (texts.length > words.textsMax) throw invalid('input', `input holds ${texts.length} texts; ${context.model} takes at most ${words.textsMax} per request: send ${words.textsMax === 1 ? 'each in a request of its own' : 'the others in further requests'}.`)
      return { url: urlOf(context), body: { ...passedMembers(request, context), ...words.toBody(texts, request, context) } }
    },
    fromEmbeddingReply (body: unknown, _request, context): EmbeddingReply {
      const found = words.fromBody((body ?? {}) as JsonObject)
      if (found === null || !found.vectors.every((vector) => Array.isArray(vector))) throw badResponse(provider, 'no embedding')
      // Cohere's answers have no count of their own.
      const tokens = found.tokens > 0 ? found.tokens : toInvokeUsage(null, context.replyHeaders ?? {})?.prompt_tokens ?? 0
      return {
        object: 'list',
        model: context.model,
        data: found.vectors.map((vector, index) => ({ object: 'embedding', index, embedding: vector as number[] })),
        usage: { prompt_tokens: tokens, total_tokens: tokens }
      }
    }
  }
}

function toTexts (input: EmbeddingRequest['input']): string[] {
  const texts: unknown[] = Array.isArray(input) ? input : [input]
  if (texts.length === 0) throw invalid('input', 'input holds no text.')
  if (!texts.every((text) => typeof text === 'string')) throw invalid('input', 'input must be text or an array of texts: Bedrock takes no token numbers.')
  return texts
}

function passedMembers (request: EmbeddingRequest, context: TranslationContext): JsonObject {
  const passed: JsonObject = {}
  for (const [name, value] of Object.entries(request)) {
    if (known.has(name) || !isSet(value)) continue
    if (context.passExtraParams && name !== 'user') passed[name] = value
    else context.drop(name)
  }
  return passed
}

function isSet<Value> (value: Value | null | undefined): value is Value {
  return value !== undefined && value !== null
}

function toCount (value: unknown): number {
  return typeof value === 'number' ? value : 0
}
