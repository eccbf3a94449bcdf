import { GatewayError } from '../../errors.ts'
import type { ReplyHeaders } from '../adapter.ts'
import { toUpstreamError } from '../openai/errors.ts'
import { contentTypeOf } from '../reply-headers.ts'

const tooLong = /too large for model|maximum context length|exceeds? the model'?s? (maximum )?context/i

/** What is wrong with one member of the request, as its validation says it. */
interface Detail { msg?: unknown, loc?: unknown }

/** `{"object": "error", "message", "type", "param", "code"}`, `{"detail": "text"}`, and lists of what is wrong in either. */
export function toError (provider: string, status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
  const error = toUpstreamError(provider, status, contentTypeOf(headers), body)
  const details = detailsOf(body)
  const message = details.length === 0 ? error.message : details.map(({ msg, loc }) => `${pathOf(loc)}${String(msg)}`).join('; ')
  return new GatewayError('BIFROST_UPSTREAM_STATUS', {
    status: status === 200 ? 502 : status,
    provider,
    message,
    type: error.type,
    upstreamCode: status === 400 && tooLong.test(message) ? 'context_length_exceeded' : error.upstreamCode ?? codeOf(body),
    param: error.param ?? undefined
  })
}

function parse (body: Uint8Array): { detail?: unknown, message?: { detail?: unknown }, code?: unknown } {
  try {
    return (JSON.parse(Buffer.from(body).toString('utf8')) ?? {}) as ReturnType<typeof parse>
  } catch {
    return {}
  }
}

function detailsOf (body: Uint8Array): Detail[] {
  const { detail, message } = parse(body)
  const list = Array.isArray(detail) ? detail : message?.detail
  return Array.isArray(list) ? list.filter((item: Detail | null) => typeof item?.msg === 'string') as Detail[] : []
}

function codeOf (body: Uint8Array): string | undefined {
  const { code } = parse(body)
  return typeof code === 'number' || (typeof code === 'string' && code !== '') ? String(code) : undefined
}

/** `["body", "messages", 0]` -> `messages.0: ` */
function pathOf (loc: unknown): string {
  if (!Array.isArray(loc)) return ''
  const names = loc[0] === 'body' ? loc.slice(1) : loc
  return names.length === 0 ? '' : `${names.join('.')}: `
}
