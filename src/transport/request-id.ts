import { randomUUID } from 'node:crypto'

const usable = /^[\x21-\x7e]{1,128}$/

/** The caller's `x-request-id` when it is printable and short, else a new one. */
export function toRequestId (given: string | null): string {
  return given !== null && usable.test(given) ? given : randomUUID()
}
