import { GatewayError } from '../../errors.ts'
import type { ReplyHeaders } from '../adapter.ts'
import { toUpstreamError } from '../openai/errors.ts'
import { contentTypeOf } from '../reply-headers.ts'

const tooLong = /prompt (is )?too long|max(imum)? context length|exceeds? the (available )?context|input length exceeds/i
/** Status for an error inside a 200; first match wins. */
const statusByWord: readonly [RegExp, number][] = [
  [tooLong, 400],
  [/unauthorized|invalid api key/i, 401],
  [/not found/i, 404],
  [/too many requests|rate limit|usage limit/i, 429],
  [/does not support|invalid/i, 400],
  [/busy|overloaded|pending requests/i, 503]
]

/** `{"error": "text"}`. */
export function toError (provider: string, status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
  const { message, type, upstreamCode } = toUpstreamError(provider, status, contentTypeOf(headers), body)
  return new GatewayError('BIFROST_UPSTREAM_STATUS', {
    status: status === 200 ? statusOf(message) : status,
    provider,
    message,
    type,
    upstreamCode: status < 500 && tooLong.test(message) ? 'context_length_exceeded' : upstreamCode ?? undefined
  })
}

/** The same in a line of a stream. */
export function toLineError (provider: string, error: unknown): GatewayError {
  return toError(provider, 200, {}, Buffer.from(JSON.stringify({ error })))
}

function statusOf (message: string): number {
  return statusByWord.find(([word]) => word.test(message))?.[1] ?? 500
}
