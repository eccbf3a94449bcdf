import type { ReplyHeaders } from './adapter.ts'

/** @returns the first value of a header, empty when it is absent; `name` in lower case */
export function headerValue (headers: ReplyHeaders, name: string): string {
  const value = headers[name]
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

export function contentTypeOf (headers: ReplyHeaders): string {
  return headerValue(headers, 'content-type').toLowerCase()
}
