import type { EmbeddingReply, EmbeddingRequest, JsonObject } from '../../api/chat.ts'
import { cohereEmbedding } from '../cohere/embedding.ts'
import { invalid, isRecord, shown } from '../checks.ts'
import type { AnswerContext, EmbeddingDialect } from '../dialect.ts'

/** Amazon's Titan: one text, one vector. */
const titan: EmbeddingDialect = {
  toEmbeddingRequest ({ inputText, inputImage, dimensions, embeddingTypes = ['float'], embeddingConfig, ...rest }: JsonObject, model: string): EmbeddingRequest {
    if (inputImage !== undefined) throw invalid('inputImage', 'inputImage cannot be embedded by this provider.')
    if (!Array.isArray(embeddingTypes) || !embeddingTypes.every((type) => type === 'float')) throw invalid('embeddingTypes', `embeddingTypes must be ["float"] for this provider, not ${shown(embeddingTypes)}.`)
    const size = dimensions ?? (isRecord(embeddingConfig) ? embeddingConfig['outputEmbeddingLength'] : undefined)
    return { ...rest, model, input: toText(inputText, 'inputText'), ...toDimensions(size) }
  },
  fromEmbeddingReply ({ data, usage }: EmbeddingReply): JsonObject {
    const embedding = data[0]?.embedding ?? []
    return { embedding, embeddingsByType: { float: embedding }, inputTextTokenCount: usage.prompt_tokens }
  }
}

/** Amazon's Nova calls what the vectors are for by names of its own; one that stands for nobody else's is left out. */
const purposes: Readonly<Record<string, string>> = {
  GENERIC_INDEX: 'search_document', TEXT_RETRIEVAL: 'search_query', GENERIC_RETRIEVAL: 'search_query', CLASSIFICATION: 'classification', CLUSTERING: 'clustering'
}

const nova: EmbeddingDialect = {
  toEmbeddingRequest ({ singleEmbeddingParams: params, taskType: _task, schemaVersion: _version, ...rest }: JsonObject, model: string): EmbeddingRequest {
    const { embeddingPurpose, embeddingDimension, text } = isRecord(params) ? params : {}
    const purpose = typeof embeddingPurpose === 'string' && Object.hasOwn(purposes, embeddingPurpose) ? purposes[embeddingPurpose] : undefined
    const path = 'singleEmbeddingParams.text.value'
    return { ...rest, model, input: toText(isRecord(text) ? text['value'] : undefined, path), ...toDimensions(embeddingDimension), ...purpose === undefined ? {} : { input_type: purpose } }
  },
  fromEmbeddingReply: ({ data, usage }: EmbeddingReply): JsonObject => ({ embeddings: data.map(({ embedding }) => ({ embeddingType: 'TEXT', embedding })), inputTextTokenCount: usage.prompt_tokens })
}

/** Cohere's as they were in its first API: without types, the vectors stand there bare. */
const cohereBare: EmbeddingDialect = {
  ...cohereEmbedding,
  fromEmbeddingReply: ({ data }: EmbeddingReply, { input }: EmbeddingRequest, context: AnswerContext): JsonObject => ({
    id: context.newId(), response_type: 'embeddings_floats', embeddings: data.map(({ embedding }) => embedding), texts: input
  })
}

const cohereByType: EmbeddingDialect = {
  ...cohereEmbedding,
  fromEmbeddingReply (reply: EmbeddingReply, request: EmbeddingRequest, context: AnswerContext): JsonObject {
    const { meta: _meta, ...answer } = cohereEmbedding.fromEmbeddingReply(reply, request, context)
    return answer
  }
}

/** Whose words an embedding is in. */
export function invokeEmbeddingOf (body: JsonObject): EmbeddingDialect {
  if (body['singleEmbeddingParams'] !== undefined) return nova
  if (body['inputText'] !== undefined || body['inputImage'] !== undefined) return titan
  return body['embedding_types'] === undefined ? cohereBare : cohereByType
}

function toText (value: unknown, path: string): string {
  if (typeof value !== 'string') throw invalid(path, `${path} must be text, not ${shown(value)}.`)
  return value
}

function toDimensions (value: unknown): { dimensions?: number } {
  return typeof value === 'number' ? { dimensions: value } : {}
}
