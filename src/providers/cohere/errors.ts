import { GatewayError } from '../../errors.ts'
import type { ReplyHeaders } from '../adapter.ts'
import { toUpstreamError } from '../openai/errors.ts'
import { contentTypeOf } from '../reply-headers.ts'

/** 498: the token is not valid; 499: Cohere believes that we have left, and we have not. */
const statuses: Readonly<Record<number, number>> = { 200: 502, 498: 401, 499: 502 }

/** `{"id", "message", "error_type"}`. */
export function toError (provider: string, status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
  const error = toUpstreamError(provider, status, contentTypeOf(headers), body)
  const word = errorTypeOf(body)
  const isTooLong = status === 400 && (word === 'TOO_MANY_TOKENS' || /^too many tokens/i.test(error.message))
  return new GatewayError('BIFROST_UPSTREAM_STATUS', {
    status: statuses[status] ?? status,
    provider,
    message: error.message,
    type: error.type,
    upstreamCode: isTooLong ? 'context_length_exceeded' : word
  })
}

function errorTypeOf (body: Uint8Array): string | undefined {
  try {
    const word = (JSON.parse(Buffer.from(body).toString('utf8')) as { error_type?: unknown } | null)?.error_type
    return typeof word === 'string' && word !== '' ? word : undefined
  } catch {
    return undefined
  }
}
