import { GatewayError } from '../../errors.ts'

/** Longest text of an upstream message that is passed on, in characters. */
const messageCharactersMax = 2_000

/** Status for an error inside a 200, by what `type` or `code` says; first match wins. */
const statusByWord: readonly [RegExp, number][] = [
  [/rate.?limit|too_many|quota|throttl/i, 429],
  [/overloaded/i, 503],
  [/authentication|invalid_api_key|unauthorized/i, 401],
  [/permission|forbidden/i, 403],
  [/not_found/i, 404],
  [/invalid|context_length|content_policy|content_filter|bad_request/i, 400],
  [/timeout|timed_out/i, 504],
  [/server_error|internal/i, 500]
]

/**
 * An upstream's error body as our error. Reads the shapes that OpenAI-compatible providers send:
 * `{"error": {message, type, code, param}}`, `{"error": "text"}`, `{"message"}`, `{"detail"}`, and not JSON.
 */
export function toUpstreamError (provider: string, status: number, contentType: string, body: Uint8Array): GatewayError {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  const parsed = parseObject(text)
  if (parsed === null) {
    return new GatewayError('BIFROST_UPSTREAM_STATUS', { status, provider, message: describeText(provider, status, contentType, text) })
  }
  return fromErrorObject(provider, status, parsed)
}

/** An error object found inside a 200, unary or streamed. @returns null when it is none */
export function toEmbeddedError (provider: string, body: unknown): GatewayError | null {
  if (!isRecord(body)) return null
  // The Responses API wraps: {"type":"error","error":{...}} and {"type":"response.failed","response":{"error":{...}}}.
  const holder = isRecord(body.response) && isRecord(body.response.error) ? body.response : body
  if (holder.error === null || holder.error === undefined) {
    // Mistral and vLLM wrap nothing: {"object":"error","message":...}.
    return body.type === 'error' || body.object === 'error' ? fromErrorObject(provider, statusOf(body), { error: body }) : null
  }
  return fromErrorObject(provider, statusOf(isRecord(holder.error) ? holder.error : holder), holder)
}

function fromErrorObject (provider: string, status: number, body: Record<string, unknown>): GatewayError {
  const error = isRecord(body.error) ? body.error : body
  const message = firstText(error.message, body.error, body.message, body.detail, error.detail) ??
    `${provider} answered with status ${status}.`
  return new GatewayError('BIFROST_UPSTREAM_STATUS', {
    status,
    provider,
    message: message.slice(0, messageCharactersMax),
    type: firstText(error.type),
    upstreamCode: firstText(error.code) ?? (typeof error.code === 'number' ? String(error.code) : undefined),
    param: firstText(error.param)
  })
}

function statusOf (error: Record<string, unknown>): number {
  for (const value of [error.status, error.status_code, error.code]) {
    if (typeof value === 'number' && value >= 400 && value <= 599) return value
  }
  const words = `${firstText(error.type) ?? ''} ${firstText(error.code) ?? ''}`
  return statusByWord.find(([word]) => word.test(words))?.[1] ?? 502
}

function describeText (provider: string, status: number, contentType: string, text: string): string {
  if (text.trim() === '') return `${provider} answered with status ${status} and an empty body.`
  if (contentType.includes('html') || /^\s*</.test(text)) return `${provider} answered with status ${status}: HTML response received from provider.`
  return text.slice(0, messageCharactersMax)
}

function firstText (...values: unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === 'string' && value !== '')
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
