import { checkerOf } from '../fake-server.ts'
import { anyObject, boolean, either, integer, list, numberBetween, object, oneOf, someText, text, union } from './schema.ts'

const toolName = { type: 'string', pattern: '^[a-zA-Z0-9_-]{1,64}$' }
const toolUseId = { type: 'string', pattern: '^[a-zA-Z0-9_.:-]{1,256}$' }
const bytes = { type: 'string', pattern: '^[A-Za-z0-9+/]+={0,2}$' }
const cachePoint = object({ type: { const: 'default' }, 'ttl?': oneOf('5m', '1h') })
const image = object({ format: oneOf('png', 'jpeg', 'gif', 'webp'), source: union({ bytes, s3Location: anyObject }) })
const document = object({ 'format?': text, name: { type: 'string', pattern: '^[a-zA-Z0-9 ()\\[\\]-]{1,200}$' }, source: union({ bytes, text, s3Location: anyObject }) })

const block = union({
  text: someText,
  image,
  document,
  // `AudioBlock`; results of tools cannot hold one.
  audio: object({ format: text, source: union({ bytes, s3Location: anyObject }) }),
  toolUse: object({ toolUseId, name: toolName, input: anyObject }),
  toolResult: object({ toolUseId, content: list(union({ text, json: anyObject, image, document }), 0), 'status?': oneOf('success', 'error') }),
  reasoningContent: union({ reasoningText: object({ text, 'signature?': text }), redactedContent: bytes }),
  cachePoint
})

/** `ConverseRequest` without `modelId`, which stands in the path. */
export const checkConverse = checkerOf(object({
  messages: list(object({ role: oneOf('user', 'assistant'), content: list(block) })),
  'system?': list(union({ text: someText, cachePoint }), 0),
  'inferenceConfig?': object({ 'maxTokens?': { type: 'integer', minimum: 1 }, 'temperature?': numberBetween(0, 1), 'topP?': numberBetween(0, 1), 'stopSequences?': list(someText, 0) }),
  'toolConfig?': object({
    tools: list(union({ toolSpec: object({ name: toolName, 'description?': someText, inputSchema: union({ json: { type: 'object', required: ['type'], properties: { type: { const: 'object' } } } }), 'strict?': boolean }), cachePoint })),
    'toolChoice?': union({ auto: object({}), any: object({}), tool: object({ name: toolName }) })
  }),
  'outputConfig?': object({ 'textFormat?': object({ type: { const: 'json_schema' }, structure: union({ jsonSchema: object({ schema: someText, 'name?': text, 'description?': text }) }) }), 'effort?': text }),
  'additionalModelRequestFields?': anyObject,
  'additionalModelResponseFieldPaths?': list(text, 0),
  'requestMetadata?': { type: 'object', additionalProperties: text },
  'performanceConfig?': object({ latency: oneOf('standard', 'optimized') }),
  'serviceTier?': object({ type: text })
}))

/** The body of Cohere Embed v3 on Bedrock. */
export const checkCohere = checkerOf(object({ texts: list(someText), input_type: oneOf('search_document', 'search_query', 'classification', 'clustering'), 'truncate?': oneOf('NONE', 'START', 'END'), 'embedding_types?': list(oneOf('float', 'int8', 'uint8', 'binary', 'ubinary')) }))
/** The body of Titan Text Embeddings V2: one text per call. */
export const checkTitan = checkerOf(object({ inputText: someText, 'dimensions?': { ...integer, enum: [256, 512, 1024] }, 'normalize?': boolean, 'embeddingTypes?': list(either(oneOf('float', 'binary'))) }))

export interface ConverseBody {
  messages: { role: 'user' | 'assistant', content: ContentBlock[] }[]
  toolConfig?: { tools: { toolSpec?: { name: string, inputSchema: { json: unknown } } }[], toolChoice?: { any?: object, tool?: { name: string } } }
  outputConfig?: { textFormat?: { structure: { jsonSchema: { schema: string } } } }
}

export interface ContentBlock {
  text?: string
  toolUse?: { toolUseId: string, name: string, input: object }
  toolResult?: { toolUseId: string, content: unknown[] }
}
