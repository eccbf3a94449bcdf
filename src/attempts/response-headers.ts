import type { UpstreamHeaders } from '../upstream/upstream.ts'

/**
 * Upstream headers that are not for the client: they belong to the connection, describe a body that
 * the gateway frames anew, or would act on the client in the gateway's name.
 */
const withheld = new Set([
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'content-length', 'content-encoding', 'content-type', 'date', 'server',
  'set-cookie', 'cache-control', 'expires', 'etag', 'vary', 'via', 'alt-svc', 'strict-transport-security',
  'content-security-policy', 'x-frame-options', 'access-control-allow-origin', 'access-control-allow-credentials',
  'access-control-expose-headers', 'access-control-allow-headers', 'access-control-allow-methods', 'location', 'uwebsockets',
  'x-request-id'
])

const headersMax = 64
const printable = /^[\t\x20-\x7e\x80-\xff]*$/

/** What is left after filtering, as `name: value` lines joined by CR LF. Rate limits and the provider's request ids go through. */
export function toForwardedHeaders (headers: UpstreamHeaders): string {
  let lines = ''
  let count = 0
  const connectionOnly = namedIn(headers.connection)
  for (const name in headers) {
    if (withheld.has(name) || name.startsWith('x-bifrost-') || connectionOnly?.includes(name) === true) continue
    const value = headers[name]
    for (const one of Array.isArray(value) ? value : [value ?? '']) {
      if (!printable.test(one) || ++count > headersMax) continue
      lines += `${lines === '' ? '' : '\r\n'}${name}: ${one}`
    }
  }
  // The upstream's own request id goes under a name that does not collide with ours.
  const requestId = headers['x-request-id']
  if (typeof requestId === 'string' && printable.test(requestId)) lines += `${lines === '' ? '' : '\r\n'}x-upstream-request-id: ${requestId}`
  return lines
}

/** Headers that the upstream itself says are for the connection. Nearly all say `keep-alive` or `close` alone, which are no headers to forward anyway. */
function namedIn (connection: string | string[] | undefined): string[] | null {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return null
  return String(connection).toLowerCase().split(/\s*,\s*/)
}

/**
 * @param contentType of an answer that is neither JSON nor a stream of events in the client's dialect; empty for one that is
 * @param lines what `toForwardedHeaders` left
 */
export function withContentType (contentType: string, lines: string): string {
  if (contentType === '') return lines
  const line = `content-type: ${/^[\x20-\x7e]{1,256}$/.test(contentType) ? contentType : 'application/octet-stream'}`
  return lines === '' ? line : `${line}\r\n${lines}`
}
