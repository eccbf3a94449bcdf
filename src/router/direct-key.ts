import { GatewayError } from '../errors.ts'

const header = 'x-bf-direct-key'
/** Where the vendors' SDKs put a key; the first one that is there counts. */
const carriers = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key'] as const
const charactersMax = 2_048
const printable = /^[\x21-\x7e]+$/
/** Of the Go original's virtual keys, which no provider knows. */
const virtualPrefix = 'sk-bf-'

/**
 * Whether the client wants its own key to be used.
 * @param asked the value of `x-bf-direct-key`
 * @param isAllowed `client.allow_direct_keys`
 * @throws GatewayError BIFROST_INVALID_HEADER
 */
export function wantsDirectKey (asked: string, isAllowed: boolean, headers: readonly string[]): boolean {
  if (asked === 'false') return false
  if (asked !== 'true') throw invalid(header, `${header} must be true or false, not ${JSON.stringify(asked.slice(0, 64))}.`)
  // Without the operator's leave a client's credentials reach nobody, and a request that relies on its own key must not be paid with another one.
  if (!isAllowed) throw invalid(header, `${header} needs client.allow_direct_keys: true in the gateway's configuration.`)
  readDirectKey(headers)
  return true
}

/**
 * @returns the client's own key, out of the header in which its SDK sends one
 * @throws GatewayError BIFROST_INVALID_HEADER, which never says what the key was
 */
export function readDirectKey (headers: readonly string[]): string {
  for (const name of carriers) {
    const value = keyIn(headers, name)
    if (value === null) continue
    if (value.length > charactersMax || !printable.test(value)) throw invalid(name, `${name} must hold a key of 1 to ${charactersMax} printable characters without spaces, for ${header}.`)
    if (value.startsWith(virtualPrefix)) throw invalid(name, `${name} holds a virtual key (${virtualPrefix}...), which no provider knows; ${header} needs a provider's key.`)
    return value
  }
  throw invalid(header, `${header} needs a key in authorization (Bearer), x-api-key, x-goog-api-key or api-key.`)
}

function keyIn (headers: readonly string[], name: typeof carriers[number]): string | null {
  const index = headers.findIndex((other, at) => at % 2 === 0 && other === name)
  const value = index < 0 ? '' : headers[index + 1] as string
  if (name !== 'authorization') return value === '' ? null : value
  return /^bearer +(.*)$/i.exec(value)?.[1] ?? null
}

function invalid (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_HEADER', { param, message })
}
