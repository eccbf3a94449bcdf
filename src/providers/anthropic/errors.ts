import { GatewayError } from '../../errors.ts'
import type { ReplyHeaders } from '../adapter.ts'
import { toUpstreamError } from '../openai/errors.ts'
import { contentTypeOf } from '../reply-headers.ts'

/** Anthropic's table of types, for errors inside a 200. */
const statusByType: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529
}

/** Words that name a class for which Anthropic has no code of its own. */
const codeByWords: readonly [RegExp, string][] = [
  [/prompt is too long|exceeds? context limit|context window/i, 'context_length_exceeded'],
  [/content filtering policy/i, 'content_filter']
]

/** `{"type":"error","error":{type,message},"request_id"}`; the envelope is the one that everybody has, so its reading is shared. */
export function toAnthropicError (provider: string, status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
  const { message, type, upstreamCode, param } = toUpstreamError(provider, status, contentTypeOf(headers), body)
  const code = status === 400 || status === 413 || status < 300 ? codeByWords.find(([words]) => words.test(message))?.[1] : undefined
  return new GatewayError('BIFROST_UPSTREAM_STATUS', {
    status: status >= 300 ? status : statusByType[type] ?? 502,
    provider,
    message,
    type,
    upstreamCode: code ?? upstreamCode ?? undefined,
    param: param ?? undefined
  })
}

/** An error object inside a 200, unary or streamed. */
export function toEmbeddedAnthropicError (provider: string, body: unknown): GatewayError {
  return toAnthropicError(provider, 200, {}, Buffer.from(JSON.stringify(body)))
}

export function isAnthropicError (body: unknown): boolean {
  return typeof body === 'object' && body !== null && (body as { type?: unknown }).type === 'error'
}
