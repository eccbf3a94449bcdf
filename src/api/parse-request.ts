import { GatewayError } from '../errors.ts'
import { JsonScanError, scanJsonObject } from './json-scan.ts'
import type { JsonMember, JsonScan, JsonScanProblem } from './json-scan.ts'
import type { Operation } from './operations.ts'

/** Longest model name, in characters. */
const modelCharactersMax = 256

/** Most fallbacks that a request may bring. */
const fallbacksMax = 10

/** What the gateway knows of a request's body: a few members and where they stand. */
export interface ParsedRequest {
  /** As the client wrote it, provider prefix and all. */
  model: string
  stream: boolean
  /** The client decides about usage in the stream itself. */
  hasStreamOptions: boolean
  base64Embeddings: boolean
  /** Models to try in order when `model` cannot be had, as `provider/model`; null when the request brings none. */
  fallbacks: readonly string[] | null
  scan: JsonScan
}

/** The member that carries the question, and whether it must be an array. */
const questions: Readonly<Record<Operation, { name: string, array: boolean }>> = {
  chat_completion: { name: 'messages', array: true },
  text_completion: { name: 'prompt', array: false },
  embedding: { name: 'input', array: false },
  responses: { name: 'input', array: false }
}

const wanted = ['model', 'stream', 'fallbacks', 'stream_options', 'encoding_format', 'messages', 'prompt', 'input']
const openBracket = 0x5b

/** @throws GatewayError that names the field, what it holds and what is allowed */
export function parseRequest (operation: Operation, body: Buffer): ParsedRequest {
  const scan = scanBody(body)
  const model = stringMember(scan, body, 'model')
  if (model === null || model === '') throw new GatewayError('BIFROST_MODEL_REQUIRED', { param: 'model', message: 'model is required: "provider/model", for instance "openai/gpt-4o-mini".' })
  if (model.length > modelCharactersMax || hasControlCharacter(model)) {
    throw invalid('model', `model must be at most ${modelCharactersMax} characters without control characters.`)
  }
  const question = questions[operation]
  const member = scan.members.get(question.name)
  if (member === undefined) throw invalid(question.name, `${question.name} is required.`)
  if (question.array && body[member.valueStart] !== openBracket) throw invalid(question.name, `${question.name} must be an array, not ${excerpt(body, member)}.`)
  return {
    model,
    stream: operation !== 'embedding' && booleanMember(scan, body, 'stream'),
    hasStreamOptions: scan.members.has('stream_options'),
    base64Embeddings: operation === 'embedding' && stringMember(scan, body, 'encoding_format') === 'base64',
    fallbacks: parseFallbacks(scan, body),
    scan
  }
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

function booleanMember (scan: JsonScan, body: Buffer, name: string): boolean {
  const value = memberValue(scan, body, name)
  if (value === undefined || value === null) return false
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
