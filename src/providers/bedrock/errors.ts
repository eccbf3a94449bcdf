import { GatewayError } from '../../errors.ts'
import type { ReplyHeaders } from '../adapter.ts'
import { headerValue } from '../reply-headers.ts'

/** Longest text of an upstream message that is passed on, in characters. */
const messageCharactersMax = 2_000

/** Status of an exception inside a stream, where no status line says it. A broken model stream may be tried again, as Amazon's documentation asks for. */
const statuses: Readonly<Record<string, number>> = {
  ValidationException: 400,
  ServiceQuotaExceededException: 400,
  ConflictException: 400,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  ModelTimeoutException: 408,
  ModelErrorException: 424,
  ModelStreamErrorException: 502,
  ThrottlingException: 429,
  ModelNotReadyException: 429,
  InternalServerException: 500,
  ServiceUnavailableException: 503
}
/** Amazon answers 403, or 400, to a key that it does not know. */
const keyExceptions: ReadonlySet<string> = new Set([
  'UnrecognizedClientException', 'InvalidSignatureException', 'SignatureDoesNotMatch', 'IncompleteSignatureException', 'IncompleteSignature', 'MissingAuthenticationTokenException',
  'MissingAuthenticationToken', 'ExpiredTokenException', 'ExpiredToken', 'InvalidClientTokenId'
])
const unknownKeyWords = /make sure your API Key is valid|bearer token (is|has) (invalid|expired)/i

/** What a ValidationException is about; first match wins. */
const codesByWords: readonly [RegExp, string][] = [
  [/input tokens exceed|(prompt|input) is too long|too many (input )?tokens|context (length|window)|maximum (context|input|prompt)|input length .*exceed/i, 'context_length_exceeded'],
  [/content (filter|policy)|blocked by .*(guardrail|filter)|guardrail.* (blocked|intervened)/i, 'content_filter'],
  [/model identifier is invalid/i, 'model_not_found']
]

/** An error status. The name of the exception is in a header, with an address behind it. */
export function toBedrockError (provider: string, status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  const parsed = parseObject(text)
  const name = headerValue(headers, 'x-amzn-errortype') || textOf(parsed?.['__type'])
  const message = textOf(parsed?.['message']) || textOf(parsed?.['Message']) || (parsed === null && !/^\s*</.test(text) ? text.trim() : '')
  return toException(provider, status, toName(name), message)
}

/** An exception inside a stream. @param name as the frame has it, in lower case at its beginning */
export function toStreamException (provider: string, name: string, message: string): GatewayError {
  const full = toName(name === '' ? name : (name[0] as string).toUpperCase() + name.slice(1))
  return toException(provider, statuses[full] ?? 502, full, message)
}

/** An error in the place of an answer. @returns null when it is none */
export function toEmbeddedError (provider: string, body: unknown): GatewayError | null {
  const record = isRecord(body) && isRecord(body['Output']) ? body['Output'] : body
  if (!isRecord(record) || textOf(record['__type']) === '') return null
  const name = toName(textOf(record['__type']))
  return toException(provider, statuses[name] ?? 502, name, textOf(record['message']) || textOf(record['Message']))
}

/** What a model says in the place of an image: a filter has held it back, or drawing has failed. */
export function toImageError (provider: string, reason: string): GatewayError {
  const isFiltered = /content filter|filter reason|moderat|polic(y|ies)/i.test(reason)
  return new GatewayError('BIFROST_UPSTREAM_STATUS', {
    status: isFiltered ? 400 : 502,
    provider,
    message: `${provider} drew no image: ${reason.slice(0, messageCharactersMax)}`,
    upstreamCode: isFiltered ? 'content_filter' : undefined
  })
}

function toException (provider: string, status: number, name: string, message: string): GatewayError {
  return new GatewayError('BIFROST_UPSTREAM_STATUS', {
    status: keyExceptions.has(name) || unknownKeyWords.test(message) ? 401 : status,
    provider,
    message: message === '' ? `${provider} answered with status ${status}${name === '' ? '' : `: ${name}`}.` : message.slice(0, messageCharactersMax),
    type: name === '' ? undefined : name,
    upstreamCode: codeOf(name, status, message)
  })
}

function codeOf (name: string, status: number, message: string): string | undefined {
  // Its status says that the request is wrong; it is the account that has had enough.
  if (name === 'ServiceQuotaExceededException') return 'quota_exceeded'
  return status === 400 || status === 413 ? codesByWords.find(([words]) => words.test(message))?.[1] : undefined
}

/** `com.amazon.coral#Name`, `Name:http://...` and `Name` alike. */
function toName (text: string): string {
  return (text.split(':')[0] as string).replace(/^.*#/, '')
}

function textOf (value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function parseObject (text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
