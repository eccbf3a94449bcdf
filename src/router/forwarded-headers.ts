import type { Dialect } from '../api/dialects.ts'

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

/** What the clients of a dialect say in headers of its own; these need no prefix. They only reach a provider that speaks the dialect. */
const dialectHeaders: Readonly<Partial<Record<Dialect, readonly string[]>>> = {
  anthropic: ['anthropic-version', 'anthropic-beta'],
  // What Converse has in its body.
  invoke: ['guardrailidentifier', 'guardrailversion', 'trace', 'performanceconfig-latency', 'service-tier', 'request-metadata'].map((name) => `x-amzn-bedrock-${name}`)
}

/** @returns `name: value` lines joined by line feeds, or empty */
export function toForwardedHeaders (headers: readonly string[], dialect: Dialect): string {
  const own = dialectHeaders[dialect] ?? []
  let lines = ''
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    const hasPrefix = name.startsWith(prefix)
    if (!hasPrefix && !own.includes(name)) continue
    const forwarded = hasPrefix ? name.slice(prefix.length) : name
    // One that is meant for the provider by its prefix stands for the dialect's.
    if (!hasPrefix && headers.some((other, at) => at % 2 === 0 && other === prefix + name)) continue
    const value = headers[index + 1] as string
    if (denied.has(forwarded) || forwarded.startsWith('x-bf-') || forwarded.startsWith('x-forwarded-') || !token.test(forwarded) || !printable.test(value)) continue
    if (lines.length + name.length + value.length > forwardedBytesMax) break
    lines += `${lines === '' ? '' : '\n'}${forwarded}: ${value}`
  }
  return lines
}
