/**
 * A thinking block has no place for the format of its signature, so another provider's format stands before it, and a client that
 * sends its history back sends that, too. Anthropic's own signatures are base64, which has no colon.
 */
const prefixed = /^([a-z][a-z0-9-]{0,31}):/

export function toSignature (signature: string, format: string | null | undefined): string {
  return signature === '' || format === undefined || format === null || format.startsWith('anthropic') ? signature : `${format}:${signature}`
}

export function fromSignature (text: string): { format: string, signature: string } {
  const format = prefixed.exec(text)?.[1]
  return format === undefined ? { format: 'anthropic', signature: text } : { format, signature: text.slice(format.length + 1) }
}
