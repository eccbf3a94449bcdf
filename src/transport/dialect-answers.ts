import type { Dialect } from '../api/dialects.ts'
import { eventStreamCodec } from '../api/event-stream-codec.ts'
import { arrayComma, arrayEnd, arrayStart } from '../api/json-array.ts'
import type { GatewayError } from '../errors.ts'
import { toErrorBody } from './error-body.ts'
import type { ErrorContext } from './error-context.ts'
import { toResponsesFailure } from './responses-failure.ts'

/** An error status as a client of a dialect expects it; `headers` are more `name: value` lines, or empty. */
interface ErrorAnswer {
  status: number
  body: string
  headers: string
}

/** What the transport itself says in a client's dialect. */
interface DialectAnswers {
  streamContentType: string
  /** What may stand between two events and says nothing; empty where the dialect has nothing of that kind. */
  filler: string
  toError (error: GatewayError, context: ErrorContext): ErrorAnswer
  /** After a stream has begun. */
  toStreamError (error: GatewayError, context: ErrorContext): Uint8Array
}

const openAi: DialectAnswers = {
  streamContentType: 'text/event-stream',
  filler: ':\n',
  toError: (error, { identity, requestId, trail }) => ({ status: error.status, body: toErrorBody(error, identity, requestId, trail), headers: '' }),
  toStreamError: (error, context) => {
    const { identity, requestId, trail, operation } = context
    return Buffer.from(operation === 'responses' ? toResponsesFailure(error, context) : `data: ${toErrorBody(error, identity, requestId, trail)}\n\n`)
  }
}

const anthropicTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error'
}

function toAnthropicBody (error: GatewayError, { requestId }: ErrorContext): string {
  const type = anthropicTypes[error.status] ?? (error.status < 500 ? 'invalid_request_error' : 'api_error')
  return JSON.stringify({ type: 'error', error: { type, message: messageOf(error, requestId) }, request_id: requestId })
}

const anthropic: DialectAnswers = {
  streamContentType: 'text/event-stream',
  filler: ':\n',
  toError: (error, context) => ({ status: error.status, body: toAnthropicBody(error, context), headers: `request-id: ${context.requestId}` }),
  toStreamError: (error, context) => Buffer.from(`event: error\ndata: ${toAnthropicBody(error, context)}\n\n`)
}

const googleStatuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED'
}

function toGoogleBody (error: GatewayError, { requestId }: ErrorContext): string {
  return JSON.stringify({ error: { code: error.status, message: messageOf(error, requestId), status: googleStatuses[error.status] ?? (error.status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL') } })
}

const gemini: DialectAnswers = {
  streamContentType: 'text/event-stream',
  // No comment: Google's SDK takes an event for data only where it begins with `data:`, white space aside, and skips it without a word.
  filler: '\r\n',
  toError: (error, context) => ({ status: error.status, body: toGoogleBody(error, context), headers: '' }),
  toStreamError: (error, context) => Buffer.from(`data: ${toGoogleBody(error, context)}\r\n\r\n`)
}

/** Google puts an error of such a stream into an array, too. */
const geminiArray: DialectAnswers = {
  streamContentType: 'application/json',
  filler: '\r\n',
  toError: (error, context) => ({ status: error.status, body: `${arrayStart}${toGoogleBody(error, context)}${arrayEnd}`, headers: '' }),
  toStreamError: (error, context) => Buffer.from(`${context.sentBytes === 0 ? arrayStart : arrayComma}${toGoogleBody(error, context)}${arrayEnd}`)
}

/** Names of Amazon's exceptions, and where they may stand in a stream. */
const amazonExceptions: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  401: 'UnrecognizedClientException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  500: 'InternalServerException',
  503: 'ServiceUnavailableException',
  504: 'ModelTimeoutException'
}
const amazonStreamExceptions: Readonly<Record<number, string>> = {
  400: 'validationException', 429: 'throttlingException', 500: 'internalServerException', 503: 'serviceUnavailableException'
}

const bedrock: DialectAnswers = {
  streamContentType: 'application/vnd.amazon.eventstream',
  filler: '',
  toError: (error, { requestId }) => ({
    status: error.status,
    body: JSON.stringify({ message: messageOf(error, requestId) }),
    headers: `x-amzn-errortype: ${amazonExceptions[error.status] ?? (error.status < 500 ? 'ValidationException' : 'InternalServerException')}\r\nx-amzn-requestid: ${requestId}`
  }),
  toStreamError: (error, { requestId }) => eventStreamCodec().encode({
    headers: {
      ':message-type': { type: 'string', value: 'exception' },
      ':exception-type': { type: 'string', value: amazonStreamExceptions[error.status] ?? 'modelStreamErrorException' },
      ':content-type': { type: 'string', value: 'application/json' }
    },
    body: Buffer.from(JSON.stringify({ message: messageOf(error, requestId) }))
  })
}

const cohere: DialectAnswers = {
  streamContentType: 'text/event-stream',
  filler: ':\n',
  toError: (error, { requestId }) => ({ status: error.status, body: JSON.stringify({ id: requestId, message: messageOf(error, requestId) }), headers: '' }),
  toStreamError: (error, { requestId }) => Buffer.from(`event: message-end\ndata: ${JSON.stringify({ type: 'message-end', delta: { finish_reason: 'ERROR', error: messageOf(error, requestId) } })}\n\n`)
}

const ollama: DialectAnswers = {
  streamContentType: 'application/x-ndjson',
  // Some clients take every line for JSON, an empty one, too.
  filler: '',
  toError: (error, { requestId }) => ({ status: error.status, body: JSON.stringify({ error: messageOf(error, requestId) }), headers: '' }),
  toStreamError: (error, { requestId }) => Buffer.from(`${JSON.stringify({ error: messageOf(error, requestId) })}\n`)
}

const answers: Readonly<Record<Dialect, DialectAnswers>> = { openai: openAi, anthropic, gemini, bedrock, cohere, ollama, invoke: bedrock }

/** @param jsonArray the stream is one JSON array, not events */
export function answersOf (dialect: Dialect, jsonArray: boolean): DialectAnswers {
  return jsonArray ? geminiArray : answers[dialect]
}

/** An internal failure tells the client nothing but where to look. */
function messageOf (error: GatewayError, requestId: string): string {
  return error.code === 'BIFROST_INTERNAL' ? `Internal error. Request id: ${requestId}.` : error.message
}
