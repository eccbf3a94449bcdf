/** Clients pass a header to the provider by this prefix: `x-bf-eh-anthropic-beta` goes up as `anthropic-beta`. */
const prefix = 'x-bf-eh-'

/** Never forwarded: they carry credentials, frame the request, or are the gateway's own. */
const denied = new Set([
  'authorization', 'proxy-authorization', 'cookie', 'host', 'content-length', 'content-type', 'content-encoding', 'connection', 'proxy-connection', 'keep-alive', 'te', 'trailer',
  'upgrade', 'expect', 'transfer-encoding', 'x-api-key', 'api-key', 'x-goog-api-key', 'accept', 'accept-encoding', 'user-agent', 'forwarded', 'via'
])

const forwardedBytesMax = 8 * 1024
const token = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const printable = /^[\t\x20-\x7e\x80-\xff]*$/

/** @returns `name: value` lines joined by line feeds, or empty */
export function toForwardedHeaders (headers: readonly string[]): string {
  let lines = ''
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (!name.startsWith(prefix)) continue
    const forwarded = name.slice(prefix.length)
    const value = headers[index + 1] as string
    if (denied.has(forwarded) || forwarded.startsWith('x-bf-') || forwarded.startsWith('x-forwarded-') || !token.test(forwarded) || !printable.test(value)) continue
    if (lines.length + name.length + value.length > forwardedBytesMax) break
    lines += `${lines === '' ? '' : '\n'}${forwarded}: ${value}`
  }
  return lines
}
