import { GatewayError } from '../errors.ts'
import type { Dialect } from './dialects.ts'
import { JsonScanError, scanJsonObject } from './json-scan.ts'
import type { JsonMember, JsonScan, JsonScanProblem } from './json-scan.ts'
import type { Operation } from './operations.ts'

/** Longest model name, in characters. */
const modelCharactersMax = 256

/** Most fallbacks that a request may bring. */
const fallbacksMax = 10

/** What a client's path says. */
export interface RequestRoute {
  dialect: Dialect
  operation: Operation
  /** Null: the body names it. */
  model: string | null
  /** Null: the body says so. */
  stream: boolean | null
  /** Who serves a model that names no provider, where that provider is configured; null for nobody in particular. */
  defaultProvider: string | null
  /** The path without what clients choose in it, for metrics. */
  template: string
}

/** What the gateway knows of a request's body: a few members and where they stand. */
export interface ParsedRequest {
  /** As the client wrote it, provider prefix and all. */
  model: string
  /** The path names the model; what the body may say about it does not count. */
  modelInPath: boolean
  stream: boolean
  /** The client decides about usage in the stream itself. */
  hasStreamOptions: boolean
  base64Embeddings: boolean
  /** Models to try in order when `model` cannot be had, as `provider/model`; null when the request brings none. */
  fallbacks: readonly string[] | null
  scan: JsonScan
}

/** The member that carries the question, and whether it must be an array. */
interface Question { name: string, array: boolean }

const openAiQuestions: Readonly<Record<Operation, Question>> = {
  chat_completion: { name: 'messages', array: true },
  text_completion: { name: 'prompt', array: false },
  embedding: { name: 'input', array: false },
  responses: { name: 'input', array: false },
  rerank: { name: 'documents', array: true },
  count_tokens: { name: 'messages', array: true }
}

/** Where a dialect has other words than OpenAI's; null: several members may carry it, and the translation looks for itself. */
const otherQuestions: Readonly<Partial<Record<Dialect, Readonly<Partial<Record<Operation, Question | null>>>>>> = {
  openai: { count_tokens: null },
  gemini: { chat_completion: { name: 'contents', array: false }, embedding: null, count_tokens: null },
  bedrock: { count_tokens: null },
  cohere: { embedding: null }
}

const wanted = ['model', 'stream', 'fallbacks', 'stream_options', 'encoding_format', 'messages', 'prompt', 'input', 'documents', 'contents']
const openBracket = 0x5b
const streamedOperations: ReadonlySet<Operation> = new Set(['chat_completion', 'text_completion', 'responses'])

/** @throws GatewayError that names the field, what it holds and what is allowed */
export function parseRequest (route: RequestRoute, body: Buffer): ParsedRequest {
  const { dialect, operation } = route
  const scan = scanBody(body)
  const model = route.model ?? stringMember(scan, body, 'model')
  if (model === null || model === '') throw new GatewayError('BIFROST_MODEL_REQUIRED', { param: 'model', message: 'model is required: "provider/model", for instance "openai/gpt-4o-mini".' })
  if (model.length > modelCharactersMax || hasControlCharacter(model)) {
    throw invalid('model', `model must be at most ${modelCharactersMax} characters without control characters.`)
  }
  checkQuestion(otherQuestions[dialect]?.[operation], operation, scan, body)
  return {
    model,
    modelInPath: route.model !== null,
    stream: route.stream ?? (streamedOperations.has(operation) && (booleanMember(scan, body, 'stream') ?? dialect === 'ollama')),
    hasStreamOptions: scan.members.has('stream_options'),
    base64Embeddings: dialect === 'openai' && operation === 'embedding' && stringMember(scan, body, 'encoding_format') === 'base64',
    fallbacks: parseFallbacks(scan, body),
    scan
  }
}

function checkQuestion (other: Question | null | undefined, operation: Operation, scan: JsonScan, body: Buffer): void {
  if (other === null) return
  const { name, array } = other ?? openAiQuestions[operation]
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

function scanBody (body: Buffer): JsonScan {
  try {
    return scanJsonObject(body, wanted)
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
    if (typeof name !== 'string' || name === '' || name.length > modelCharactersMax || hasControlCharacter(name)) {
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

function hasControlCharacter (text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}

function invalid (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message })
}
