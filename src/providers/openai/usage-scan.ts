import { createUsage, usageFields } from '../../api/usage.ts'
import type { Usage } from '../../api/usage.ts'

type Details = 'input' | 'output'

/** What a key of the object means; its value is a count, or an object with more of them. */
interface Meaning {
  key: Buffer
  field: keyof Usage | null
  details: Details | null
  /** One bit for each field and each kind of details. */
  bit: number
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const zero = 0x30
/** `null` as a little-endian word. */
const nullWord = 0x6c6c756e
const countMax = 2 ** 32 - 1

const top = toTable({
  prompt_tokens: 'inputTokens',
  input_tokens: 'inputTokens',
  completion_tokens: 'outputTokens',
  output_tokens: 'outputTokens',
  prompt_cache_hit_tokens: 'cachedTokens',
  num_cached_tokens: 'cachedTokens'
}, { prompt_tokens_details: 'input', input_tokens_details: 'input', completion_tokens_details: 'output', output_tokens_details: 'output' })
const inner: Readonly<Record<Details, ReadonlyMap<number, Meaning>>> = {
  input: toTable({ cached_tokens: 'cachedTokens', cache_write_tokens: 'cacheWriteTokens', audio_tokens: 'audioInputTokens' }, {}),
  output: toTable({ reasoning_tokens: 'reasoningTokens', audio_tokens: 'audioOutputTokens' }, {})
}

/**
 * Reads the usage object that opens at `start` without making an object of it: the usual form, whole numbers and details one level down.
 * @returns null for any other form, which `toUsage` has to read, and where a count is there twice
 */
export function scanUsage (text: Uint8Array, start: number): Usage | null {
  const usage = createUsage()
  return new UsageScan(text, start, usage).readObject(top) ? usage : null
}

class UsageScan {
  private readonly text: Uint8Array
  private at: number
  private readonly usage: Usage
  /** Bits of what was read. */
  private seen = 0

  constructor (text: Uint8Array, start: number, usage: Usage) {
    this.text = text
    this.at = start
    this.usage = usage
  }

  /** @returns false for what it cannot read */
  readObject (table: ReadonlyMap<number, Meaning>): boolean {
    if (this.next() !== openBrace) return false
    for (let mark = comma; mark !== closeBrace; mark = this.next()) {
      if (mark !== comma) return false
      const meaning = this.readKey(table)
      if (meaning === undefined || this.next() !== colon) return false
      if (!this.readValue(meaning)) return false
    }
    return true
  }

  /** @returns undefined for no key, null for one that means nothing here */
  private readKey (table: ReadonlyMap<number, Meaning>): Meaning | null | undefined {
    if (this.next() !== quote) return undefined
    const { text } = this
    const start = this.at
    let hash = 0
    for (let byte = text[this.at]; byte !== quote; byte = text[++this.at]) {
      if (byte === undefined || byte === backslash) return undefined
      hash = Math.imul(hash, 31) + byte | 0
    }
    const meaning = table.get(hash)
    const end = this.at++
    if (meaning === undefined || meaning.key.length !== end - start) return null
    for (let index = start; index < end; index++) {
      if (text[index] !== meaning.key[index - start]) return null
    }
    return meaning
  }

  private readValue (meaning: Meaning | null): boolean {
    const first = this.next()
    this.at--
    if (first === 0x6e) return this.skipNull()
    if (meaning !== null) {
      if ((this.seen & meaning.bit) !== 0) return false
      this.seen |= meaning.bit
      if (meaning.details !== null) return this.readObject(inner[meaning.details])
    }
    const value = this.readCount()
    if (value < 0) return false
    if (meaning !== null) this.usage[meaning.field as keyof Usage] = value
    return true
  }

  /** @returns -1 for anything but a whole number that a frame can hold */
  private readCount (): number {
    const { text } = this
    const start = this.at
    let value = 0
    for (let digit = (text[this.at] as number) - zero; digit >= 0 && digit <= 9; digit = (text[++this.at] as number) - zero) value = value * 10 + digit
    const digits = this.at - start
    const after = text[this.at]
    // A leading zero, a fraction or an exponent.
    if (digits === 0 || digits > 10 || value > countMax || (digits > 1 && text[start] === zero) || after === 0x2e || after === 0x65 || after === 0x45) return -1
    return value
  }

  private skipNull (): boolean {
    const { text, at } = this
    this.at += 4
    return ((text[at] as number) | (text[at + 1] as number) << 8 | (text[at + 2] as number) << 16 | (text[at + 3] as number) << 24) === nullWord
  }

  /** @returns the next byte that is no space, and moves after it */
  private next (): number {
    let byte = this.text[this.at++]
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = this.text[this.at++]
    return byte ?? -1
  }
}

function toTable (counts: Readonly<Record<string, keyof Usage>>, details: Readonly<Record<string, Details>>): ReadonlyMap<number, Meaning> {
  const meanings: Meaning[] = [
    ...Object.entries(counts).map(([key, field]) => ({ key: Buffer.from(key), field, details: null, bit: 1 << usageFields.indexOf(field) })),
    ...Object.entries(details).map(([key, which]) => ({ key: Buffer.from(key), field: null, details: which, bit: 1 << (usageFields.length + (which === 'input' ? 0 : 1)) }))
  ]
  return new Map(meanings.map((meaning) => [meaning.key.reduce((hash, byte) => Math.imul(hash, 31) + byte | 0, 0), meaning]))
}
