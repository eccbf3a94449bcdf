/** As long as `Hello`, whose place it takes in answers. */
const pattern = /Z0[0-9A-Z]{3}/g
/** Requests apart from each other at least, before a name comes again. */
const noncesTotal = 36 ** 3

export function toNonce (number: number): string {
  return `Z0${(number % noncesTotal).toString(36).padStart(3, '0').toUpperCase()}`
}

/** @throws Error unless there is one, and one alone */
export function nonceIn (text: string): string {
  const [nonce, ...others] = new Set(text.match(pattern))
  if (nonce === undefined || others.length > 0) throw new Error(`not one request: ${nonce} ${others.join(' ')} in ${text.slice(0, 200)}`)
  return nonce
}

/** The first that is not `own`; null when there is none. */
export function foreignNonceIn (text: string, own: string): string | null {
  return text.match(pattern)?.find((found) => found !== own) ?? null
}
