import { GatewayError } from '../errors.ts'
import type { Dialect } from './dialects.ts'
import { isForm } from './form-scan.ts'
import { invokeMembers, invokeOperationOf } from './invoke-operation.ts'
import { JsonScanError, scanJsonObject } from './json-scan.ts'
import type { JsonMember, JsonScan, JsonScanProblem } from './json-scan.ts'
import { isResource } from './operations.ts'
import type { Operation } from './operations.ts'
import { checkForm, formOperations, parseForm } from './parse-form.ts'
import { checkModel, invalid, isModelName, withoutModel } from './parsed-request.ts'
import type { ParsedRequest, RequestRoute } from './parsed-request.ts'

/** Most fallbacks that a request may bring. */
const fallbacksMax = 10

/** The member that carries the question, and whether it must be an array. */
interface Question { name: string, array: boolean }

const openAiQuestions: Readonly<Partial<Record<Operation, Question>>> = {
  chat_completion: { name: 'messages', array: true },
  text_completion: { name: 'prompt', array: false },
  embedding: { name: 'input', array: false },
  responses: { name: 'input', array: false },
  rerank: { name: 'documents', array: true },
  count_tokens: { name: 'messages', array: true },
  image_generation: { name: 'prompt', array: false },
  image_edit: { name: 'prompt', array: false },
  speech: { name: 'input', array: false },
  moderation: { name: 'input', array: false }
}

/** Where a dialect has other words than OpenAI's; null: several members may carry it, and the translation looks for itself. */
const otherQuestions: Readonly<Partial<Record<Dialect, Readonly<Partial<Record<Operation, Question | null>>>>>> = {
  openai: { count_tokens: null },
  gemini: { chat_completion: { name: 'contents', array: false }, embedding: null, count_tokens: null },
  bedrock: { count_tokens: null },
  cohere: { embedding: null }
}

const wanted = ['model', 'stream', 'stream_format', 'fallbacks', 'stream_options', 'encoding_format', 'messages', 'prompt', 'input', 'documents', 'contents']
const invokeWanted = ['model', 'fallbacks', ...invokeMembers]
const openBracket = 0x5b
const streamedOperations: ReadonlySet<Operation> = new Set(['chat_completion', 'text_completion', 'responses', 'image_generation', 'image_edit'])
/** Answers of any type and size, which nobody here reads. */
const relayedOperations: ReadonlySet<Operation> = new Set(['speech', 'file_content', 'batch_results'])
/** What OpenAI takes when the request names none. */
const moderationModel = 'openai/omni-moderation-latest'

/**
 * @param contentType of the body, as the client's header says; empty when it says nothing
 * @throws GatewayError that names the field, what it holds and what is allowed
 */
export function parseRequest (route: RequestRoute, body: Buffer, contentType = ''): ParsedRequest {
  const { dialect } = route
  if (isResource(route.operation)) return parseResource(route, body, contentType)
  if (formOperations.has(route.operation) && (isForm(contentType) || route.operation !== 'image_edit')) return parseForm(route.operation, body, contentType)
  const scan = scanBody(body, dialect === 'invoke' ? invokeWanted : wanted)
  // Settled here and not by a worker: who may serve the request, and as what it is counted, is decided before it gets there.
  const operation = dialect === 'invoke' ? invokeOperationOf((member) => scan.members.has(member), (member) => stringMember(scan, body, member)) : route.operation
  const model = route.model ?? stringMember(scan, body, 'model') ?? (operation === 'moderation' ? moderationModel : null)
  checkModel(model)
  checkQuestion(dialect === 'invoke' ? null : otherQuestions[dialect]?.[operation], operation, scan, body)
  // Models that draw have streams in OpenAI's words alone.
  if (route.stream === true && (!streamedOperations.has(operation) || (dialect === 'invoke' && operation.startsWith('image_')))) throw new GatewayError('BIFROST_INVALID_REQUEST', { message: `This body asks for ${operation}, which has no streams: send it to the path without a stream.` })
  return {
    operation,
    model,
    modelInPath: route.model !== null,
    stream: route.stream ?? (operation === 'speech' ? isEventSpeech(scan, body) : streamedOperations.has(operation) && (booleanMember(scan, body, 'stream') ?? dialect === 'ollama')),
    relay: relayedOperations.has(operation) && !isEventSpeech(scan, body),
    contentType: '',
    hasStreamOptions: scan.members.has('stream_options'),
    base64Embeddings: dialect === 'openai' && operation === 'embedding' && stringMember(scan, body, 'encoding_format') === 'base64',
    fallbacks: parseFallbacks(scan, body),
    scan
  }
}

/** The other way to send speech is the sound itself. */
function isEventSpeech (scan: JsonScan, body: Buffer): boolean {
  return stringMember(scan, body, 'stream_format') === 'sse'
}

function parseResource ({ operation }: RequestRoute, body: Buffer, contentType: string): ParsedRequest {
  const sentType = operation === 'file_upload' ? contentType : ''
  if (operation === 'file_upload') checkForm(operation, body, contentType)
  if (operation === 'batch_create') scanBody(body, wanted)
  return { ...withoutModel, operation, relay: relayedOperations.has(operation), contentType: sentType }
}

function checkQuestion (other: Question | null | undefined, operation: Operation, scan: JsonScan, body: Buffer): void {
  if (other === null) return
  const question = other ?? openAiQuestions[operation]
  if (question === undefined) return
  const { name, array } = question
  const member = scan.members.get(name)
  if (member === undefined) throw invalid(name, `${name} is required.`)
  if (array && body[member.valueStart] !== openBracket) throw invalid(name, `${name} must be an array, not ${excerpt(body, member)}.`)
}

const problemCodes = {
  syntax: 'BIFROST_INVALID_JSON',
  'not-an-object': 'BIFROST_INVALID_JSON',
  depth: 'BIFROST_BODY_TOO_COMPLEX',
  keys: 'BIFROST_BODY_TOO_COMPLEX',
  duplicate: 'BIFROST_INVALID_REQUEST'
} as const satisfies Record<JsonScanProblem, string>

function scanBody (body: Buffer, names: readonly string[]): JsonScan {
  try {
    return scanJsonObject(body, names)
  } catch (error) {
    if (!(error instanceof JsonScanError)) throw error
    throw new GatewayError(problemCodes[error.problem], { message: `The request body is not usable: ${error.message} at byte ${error.offset}.`, cause: error })
  }
}

function parseFallbacks (scan: JsonScan, body: Buffer): string[] | null {
  const value = memberValue(scan, body, 'fallbacks')
  if (value === undefined || value === null) return null
  if (!Array.isArray(value)) throw invalid('fallbacks', `fallbacks must be an array, not ${shown(value)}.`)
  if (value.length > fallbacksMax) throw invalid('fallbacks', `fallbacks may hold at most ${fallbacksMax} targets, not ${value.length}.`)
  return value.map((item: unknown, index) => {
    const { provider, model } = (typeof item === 'object' && item !== null ? item : {}) as { provider?: unknown, model?: unknown }
    const name = typeof provider === 'string' && provider !== '' && typeof model === 'string' && model !== '' ? `${provider}/${model}` : item
    if (typeof name !== 'string' || !isModelName(name)) {
      throw invalid('fallbacks', `fallbacks[${index}] must be "provider/model" or {"provider", "model"}, not ${shown(item)}.`)
    }
    return name
  })
}

function shown (value: unknown): string {
  return JSON.stringify(value)?.slice(0, 64) ?? String(value)
}

function stringMember (scan: JsonScan, body: Buffer, name: string): string | null {
  const value = memberValue(scan, body, name)
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw invalid(name, `${name} must be a string, not ${shown(value)}.`)
  return value
}

function booleanMember (scan: JsonScan, body: Buffer, name: string): boolean | null {
  const value = memberValue(scan, body, name)
  if (value === undefined || value === null) return null
  if (typeof value !== 'boolean') throw invalid(name, `${name} must be true or false, not ${shown(value)}.`)
  return value
}

function memberValue (scan: JsonScan, body: Buffer, name: string): unknown {
  const member = scan.members.get(name)
  if (member === undefined) return undefined
  const text = body.toString('utf8', member.valueStart, member.valueEnd)
  // A plain string is its own decoding, which is the usual case.
  return text.startsWith('"') && !text.includes('\\') ? text.slice(1, -1) : JSON.parse(text)
}

function excerpt (body: Buffer, member: JsonMember): string {
  return body.toString('utf8', member.valueStart, Math.min(member.valueEnd, member.valueStart + 64))
}
