import { GatewayError } from '../../errors.ts'
import type { ReplyHeaders } from '../adapter.ts'
import { toUpstreamError } from '../openai/errors.ts'
import { contentTypeOf } from '../reply-headers.ts'

/** How models of other vendors say it, which have no code for it. */
const contextWords = /maximum (context|prompt) length|context[ _](length|window)|too many (input )?tokens/i
const filterWords = /responsible_?ai|content management policy/i

/** Azure's errors have OpenAI's shape; `code` may be a status as text, or Azure's own word. */
export function toAzureError (provider: string, status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
  const error = toUpstreamError(provider, status, contentTypeOf(headers), body)
  if (status !== 400) return error
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  const code = filterWords.test(text) ? 'content_filter' : contextWords.test(error.message) ? 'context_length_exceeded' : null
  if (code === null || error.upstreamCode === code) return error
  return new GatewayError('BIFROST_UPSTREAM_STATUS', { status, provider, message: error.message, type: error.type, upstreamCode: code, param: error.param ?? undefined })
}
