import { checkerOf } from '../fake-server.ts'
import { anyObject, boolean, either, integer, list, numberBetween, object, oneOf, someText, text } from './schema.ts'

const type = { enum: ['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL'].flatMap((name) => [name, name.toLowerCase()]) }
const nested = { $ref: '#/$defs/schema' }
const count = either(integer, { type: 'string', pattern: '^[0-9]+$' })
const number = { type: 'number' }

/** Google's `Schema` is a part of OpenAPI 3.0: it has neither `additionalProperties` nor `$ref`, and its values are text. */
const $defs = {
  schema: object({
    'type?': type,
    'format?': text,
    'title?': text,
    'description?': text,
    'nullable?': boolean,
    'enum?': list(text),
    'items?': nested,
    'anyOf?': list(nested),
    'default?': {},
    'example?': {},
    'pattern?': text,
    'properties?': { type: 'object', additionalProperties: nested },
    'required?': list(text, 0),
    'propertyOrdering?': list(text, 0),
    'minimum?': number,
    'maximum?': number,
    'minItems?': count,
    'maxItems?': count,
    'minLength?': count,
    'maxLength?': count,
    'minProperties?': count,
    'maxProperties?': count
  })
}

const bytes = { type: 'string', pattern: '^[A-Za-z0-9+/_-]+={0,2}$' }
/** A part has exactly one of its kinds of data; these members may stand beside it. */
const beside = { 'thought?': boolean, 'thoughtSignature?': bytes }
const part = either(
  object({ text, ...beside }),
  object({ functionCall: object({ name: someText, 'args?': anyObject, 'id?': text }), ...beside }),
  object({ functionResponse: object({ name: someText, response: anyObject, 'id?': text }), ...beside }),
  object({ inlineData: object({ mimeType: someText, data: bytes }), ...beside }),
  object({ fileData: object({ fileUri: someText, 'mimeType?': text }), ...beside })
)
const role = oneOf('user', 'model')
const declaration = {
  name: { type: 'string', pattern: '^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$' }, 'description?': text, 'behavior?': text
}

const generationConfig = object({
  'temperature?': numberBetween(0, 2),
  'topP?': numberBetween(0, 1),
  'topK?': number,
  'seed?': integer,
  'candidateCount?': { type: 'integer', minimum: 1, maximum: 8 },
  'maxOutputTokens?': { type: 'integer', minimum: 1 },
  'stopSequences?': { ...list(someText, 0), maxItems: 5 },
  'presencePenalty?': number,
  'frequencyPenalty?': number,
  'responseLogprobs?': boolean,
  'logprobs?': integer,
  'responseMimeType?': oneOf('text/plain', 'application/json', 'text/x.enum'),
  'responseSchema?': nested,
  'responseJsonSchema?': anyObject,
  'responseModalities?': list(text),
  'mediaResolution?': text,
  'thinkingConfig?': object({ 'includeThoughts?': boolean, 'thinkingBudget?': integer, 'thinkingLevel?': { type: 'string', pattern: '^(?:MINIMAL|LOW|MEDIUM|HIGH|minimal|low|medium|high)$' } })
})

function requestOf (content: object): object {
  return {
    $defs,
    ...object({
      contents: list(content),
      'systemInstruction?': object({ 'role?': text, parts: list(object({ text: someText })) }),
      'tools?': list(object({ functionDeclarations: list(either(object({ ...declaration, 'parameters?': nested }), object({ ...declaration, parametersJsonSchema: anyObject }))) }), 0),
      'toolConfig?': object({ functionCallingConfig: object({ 'mode?': oneOf('AUTO', 'ANY', 'NONE', 'VALIDATED'), 'allowedFunctionNames?': list(text, 0) }) }),
      'safetySettings?': list(object({ category: text, threshold: text, 'method?': text }), 0),
      'generationConfig?': generationConfig,
      'cachedContent?': text,
      'labels?': anyObject
    })
  }
}

export const checkGemini = checkerOf(requestOf(object({ 'role?': role, parts: list(part) })))
/** Vertex insists on the role. */
export const checkVertex = checkerOf(requestOf(object({ role, parts: list(part) })))

export const checkBatchEmbed = checkerOf(object({
  requests: list(object({
    model: { const: 'models/gemini-embedding-001' }, content: object({ 'role?': role, parts: list(object({ text: someText })) }), 'taskType?': text, 'title?': text, 'outputDimensionality?': integer
  }))
}))
export const checkPredict = checkerOf(object({
  instances: list(object({ content: someText, 'task_type?': text, 'title?': text })), 'parameters?': object({ 'outputDimensionality?': integer, 'autoTruncate?': boolean })
}))

export interface GenerateBody {
  contents: { role?: string, parts: Part[] }[]
  tools?: { functionDeclarations: { name: string, parameters?: unknown, parametersJsonSchema?: unknown }[] }[]
  toolConfig?: { functionCallingConfig: { mode?: string, allowedFunctionNames?: string[] } }
  generationConfig?: { responseMimeType?: string, responseSchema?: unknown, responseJsonSchema?: unknown }
}

export interface Part {
  text?: string
  thoughtSignature?: string
  functionCall?: { name: string, args?: object, id?: string }
  functionResponse?: { name: string, response: object, id?: string }
}
