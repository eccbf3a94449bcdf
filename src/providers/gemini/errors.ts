import type { JsonObject } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import type { ReplyHeaders } from '../adapter.ts'
import { contentTypeOf } from '../reply-headers.ts'

/** Longest text of an upstream message that is passed on, in characters. */
const messageCharactersMax = 2_000

/** HTTP status by the name of a google.rpc.Code, for errors inside a 200 that give no number. */
const statuses: Readonly<Record<string, number>> = {
  CANCELLED: 499,
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ABORTED: 409,
  ALREADY_EXISTS: 409,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNKNOWN: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504
}

const contextWords = /input token count.*exceeds|exceeds the maximum number of tokens/is
const keyReasons: ReadonlySet<unknown> = new Set(['API_KEY_INVALID', 'API_KEY_EXPIRED'])

/** Google's error body, `{"error": {code, message, status, details}}`, which some of its endpoints put into an array. */
export function toGoogleError (provider: string, status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  const error = errorOf(parse(text))
  if (error !== null) return fromError(provider, status < 400 ? statusOf(error) : status, error)
  return new GatewayError('BIFROST_UPSTREAM_STATUS', { status: status < 400 ? 502 : status, provider, message: describeText(provider, status, contentTypeOf(headers), text) })
}

/** An error inside a 200, unary or streamed. @returns null when there is none */
export function toEmbeddedError (provider: string, body: unknown): GatewayError | null {
  const error = errorOf(body)
  return error === null ? null : fromError(provider, statusOf(error), error)
}

function errorOf (body: unknown): JsonObject | null {
  const holder: unknown = Array.isArray(body) ? body[0] : body
  if (!isRecord(holder)) return null
  const { error } = holder
  if (isRecord(error)) return error
  return typeof error === 'string' && error !== '' ? { message: error } : null
}

function statusOf ({ code, status }: JsonObject): number {
  if (typeof code === 'number' && code >= 400 && code <= 599) return code
  return statuses[String(status)] ?? 502
}

function fromError (provider: string, status: number, error: JsonObject): GatewayError {
  const details = Array.isArray(error['details']) ? error['details'].filter(isRecord) : []
  const reason = textOf(details.find(({ reason }) => typeof reason === 'string')?.['reason'])
  const message = textOf(error['message']) ?? `${provider} answered with status ${status}.`
  const tooLong = status === 400 && contextWords.test(message)
  return new GatewayError('BIFROST_UPSTREAM_STATUS', {
    // A key that Google does not know is a 400 there.
    status: keyReasons.has(reason) ? 401 : status,
    provider,
    message: message.slice(0, messageCharactersMax),
    type: textOf(error['status']),
    upstreamCode: tooLong ? 'context_length_exceeded' : reason ?? textOf(error['status']),
    retryAfterSeconds: toSeconds(details.find(({ retryDelay }) => typeof retryDelay === 'string')?.['retryDelay'])
  })
}

/** A duration as protobuf writes it, for instance `13.5s`. */
function toSeconds (delay: unknown): number | undefined {
  const seconds = typeof delay === 'string' ? /^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1] : undefined
  return seconds === undefined ? undefined : Math.ceil(Number(seconds))
}

function describeText (provider: string, status: number, contentType: string, text: string): string {
  if (text.trim() === '') return `${provider} answered with status ${status} and an empty body.`
  if (contentType.includes('html') || /^\s*</.test(text)) return `${provider} answered with status ${status}: HTML response received from provider.`
  return text.slice(0, messageCharactersMax)
}

function textOf (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isRecord (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
