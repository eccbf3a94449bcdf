/**
 * One pass over the bytes of a JSON object: checks the grammar, bounds depth and keys, and notes
 * where the wanted top-level members stand, so that a body is never parsed to read a model name and
 * never printed again to change one. Costs two to four nanoseconds a byte and allocates nothing per value.
 */

/** Where a top-level member stands, as byte offsets. Ends are exclusive. */
export interface JsonMember {
  name: string
  /** The quote that opens the key. */
  keyStart: number
  valueStart: number
  valueEnd: number
}

/** A handful of members by name; cheaper than a Map, which is made for many. */
export class JsonMembers {
  private readonly list: JsonMember[] = []

  get (name: string): JsonMember | undefined {
    for (const member of this.list) if (member.name === name) return member
    return undefined
  }

  has (name: string): boolean {
    return this.get(name) !== undefined
  }

  add (member: JsonMember): void {
    this.list.push(member)
  }
}

export interface JsonScan {
  /** Wanted members that are present. */
  members: JsonMembers
  /** Offset just after the opening brace. */
  bodyStart: number
  /** Offset of the brace that closes the object. */
  bodyEnd: number
  isEmpty: boolean
}

const jsonLimits = { depthMax: 128, keysMax: 100_000 } as const

export type JsonScanProblem = 'syntax' | 'not-an-object' | 'depth' | 'keys' | 'duplicate'

/** Tells what is wrong and where; callers turn it into their own side's error. */
export class JsonScanError extends Error {
  override readonly name = 'JsonScanError'
  readonly problem: JsonScanProblem
  readonly offset: number

  constructor (problem: JsonScanProblem, message: string, offset: number) {
    super(message)
    this.problem = problem
    this.offset = offset
  }
}

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

// Tables of the 256 bytes: a set of numbers is slower to ask.
/** 1 for the bytes of a string that mean themselves, 0 for its end, escapes and control characters. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) => byte < 0x20 || byte === quote || byte === backslash ? 0 : 1)
/** 1 for what may stand after a backslash, beside `u` and its digits. */
const escapable = new Uint8Array(256)
for (const character of '"\\/bfnrt') escapable[character.charCodeAt(0)] = 1

const kindObject = 1
const kindArray = 2

/** Kinds of the open brackets. One scan runs at a time in a thread, so one scratch serves them all: a typed array per body would cost more than the scan of a short one. */
const kinds = new Uint8Array(jsonLimits.depthMax + 1)

// What may come next. A comma leads to the strict variants, so that `[1,]` is refused.
const wantValue = 0
const wantValueOrEnd = 1
const wantKey = 2
const wantKeyOrEnd = 3
const wantCommaOrEnd = 4

/**
 * @param bytes UTF-8; invalid sequences inside strings pass through untouched
 * @param wanted names of top-level members to locate; each may appear once
 * @param keysMax keys in all objects together
 * @throws JsonScanError
 */
export function scanJsonObject (bytes: Uint8Array, wanted: readonly string[], keysMax: number = jsonLimits.keysMax): JsonScan {
  const scan: JsonScan = { members: new JsonMembers(), bodyStart: 0, bodyEnd: 0, isEmpty: true }
  let depth = 0
  let keys = 0
  let want = wantValue
  let member: JsonMember | null = null
  let offset = skipSpace(bytes, 0)
  if (bytes[offset] !== openBrace) throw new JsonScanError('not-an-object', 'expected a JSON object', offset)
  scan.bodyStart = offset + 1

  for (;;) {
    offset = skipSpace(bytes, offset)
    const byte = bytes[offset]
    if (byte === undefined) throw syntaxError('unexpected end of input', offset)

    if (want === wantCommaOrEnd) {
      if (depth === 1 && member !== null) {
        member.valueEnd = lastNonSpace(bytes, offset) + 1
        member = null
      }
      if (byte === comma) {
        want = kinds[depth] === kindObject ? wantKey : wantValue
        offset++
        continue
      }
    }
    if (byte === closeBrace || byte === closeBracket) {
      const kind = byte === closeBrace ? kindObject : kindArray
      const mayEnd = want === wantCommaOrEnd || want === wantKeyOrEnd || want === wantValueOrEnd
      if (!mayEnd || kinds[depth] !== kind) throw syntaxError('unexpected closing bracket', offset)
      if (--depth === 0) break
      want = wantCommaOrEnd
      offset++
    } else if (want === wantCommaOrEnd) {
      throw syntaxError('expected a comma or a closing bracket', offset)
    } else if (want === wantKey || want === wantKeyOrEnd) {
      if (byte !== quote) throw syntaxError('expected a key in double quotes', offset)
      if (++keys > keysMax) throw new JsonScanError('keys', `more than ${keysMax} keys`, offset)
      const keyEnd = scanString(bytes, offset)
      const afterKey = skipSpace(bytes, keyEnd)
      if (bytes[afterKey] !== colon) throw syntaxError('expected a colon after the key', afterKey)
      const valueStart = skipSpace(bytes, afterKey + 1)
      if (depth === 1) {
        scan.isEmpty = false
        member = noteMember(scan, bytes, offset, keyEnd, valueStart, wanted)
      }
      offset = valueStart
      want = wantValue
    } else if (byte === openBrace || byte === openBracket) {
      if (++depth > jsonLimits.depthMax) throw new JsonScanError('depth', `nested deeper than ${jsonLimits.depthMax} levels`, offset)
      kinds[depth] = byte === openBrace ? kindObject : kindArray
      want = byte === openBrace ? wantKeyOrEnd : wantValueOrEnd
      offset++
    } else {
      offset = byte === quote ? scanString(bytes, offset) : scanScalar(bytes, offset)
      want = wantCommaOrEnd
    }
  }

  scan.bodyEnd = offset
  const rest = skipSpace(bytes, offset + 1)
  if (rest !== bytes.length) throw syntaxError('unexpected text after the object', rest)
  return scan
}

function noteMember (scan: JsonScan, bytes: Uint8Array, keyStart: number, keyEnd: number, valueStart: number, wanted: readonly string[]): JsonMember | null {
  const name = wantedName(bytes, keyStart + 1, keyEnd - 1, wanted)
  if (name === null) return null
  // Parsers disagree about which duplicate counts; letting one through would let two sides see two requests.
  if (scan.members.has(name)) throw new JsonScanError('duplicate', `the key ${JSON.stringify(name)} appears twice`, keyStart)
  const member = { name, keyStart, valueStart, valueEnd: valueStart }
  scan.members.add(member)
  return member
}

/** Compares bytes, so that the many keys that nobody asked for become no strings. */
function wantedName (bytes: Uint8Array, start: number, end: number, wanted: readonly string[]): string | null {
  for (const name of wanted) {
    if (name.length !== end - start) continue
    let index = 0
    while (index < name.length && bytes[start + index] === name.charCodeAt(index)) index++
    if (index === name.length) return name
  }
  // An escaped spelling of a wanted key must not slip by unseen: decoded as JSON would.
  if (!hasBackslash(bytes, start, end)) return null
  const decoded = JSON.parse(`"${Buffer.from(bytes.subarray(start, end)).toString('latin1')}"`) as string
  return wanted.includes(decoded) ? decoded : null
}

function hasBackslash (bytes: Uint8Array, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (bytes[index] === backslash) return true
  return false
}

function syntaxError (message: string, offset: number): JsonScanError {
  return new JsonScanError('syntax', message, offset)
}

function skipSpace (bytes: Uint8Array, offset: number): number {
  for (;;) {
    const byte = bytes[offset]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return offset
    offset++
  }
}

function lastNonSpace (bytes: Uint8Array, end: number): number {
  let offset = end - 1
  for (;;) {
    const byte = bytes[offset]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return offset
    offset--
  }
}

/** @returns the offset after the closing quote of the string that opens at `offset` */
function scanString (bytes: Uint8Array, offset: number): number {
  for (let index = endOfPlain(bytes, offset + 1); index < bytes.length; index = endOfPlain(bytes, index + 1)) {
    const byte = bytes[index] as number
    if (byte === quote) return index + 1
    if (byte !== backslash) throw syntaxError('control character in a string', index)
    const escaped = bytes[++index]
    if (escaped === undefined) break
    if (escaped === 0x75) {
      for (let digit = 1; digit <= 4; digit++) {
        if (!isHexDigit(bytes[index + digit])) throw syntaxError('bad \\u escape in a string', index)
      }
      index += 4
    } else if (escapable[escaped] !== 1) {
      throw syntaxError('bad escape in a string', index)
    }
  }
  throw syntaxError('unterminated string', offset)
}

/** Four bytes at a time: nearly all bytes of a long prompt are plain, and they are what scanning it costs. */
function endOfPlain (bytes: Uint8Array, start: number): number {
  const last = bytes.length - 4
  let index = start
  while (index <= last && (plainAt(bytes, index) & plainAt(bytes, index + 1) & plainAt(bytes, index + 2) & plainAt(bytes, index + 3)) === 1) index += 4
  while (index < bytes.length && plainAt(bytes, index) === 1) index++
  return index
}

function plainAt (bytes: Uint8Array, index: number): number {
  return plain[bytes[index] as number] as number
}

function scanScalar (bytes: Uint8Array, offset: number): number {
  switch (bytes[offset]) {
    case 0x74: return scanWord(bytes, offset, 'true')
    case 0x66: return scanWord(bytes, offset, 'false')
    case 0x6e: return scanWord(bytes, offset, 'null')
    default: return scanNumber(bytes, offset)
  }
}

function scanWord (bytes: Uint8Array, offset: number, word: string): number {
  for (let index = 0; index < word.length; index++) {
    if (bytes[offset + index] !== word.charCodeAt(index)) throw syntaxError('unexpected token', offset)
  }
  return offset + word.length
}

function scanNumber (bytes: Uint8Array, offset: number): number {
  let index = offset
  if (bytes[index] === 0x2d) index++
  if (bytes[index] === 0x30) index++
  else index = scanDigits(bytes, index)
  if (bytes[index] === 0x2e) index = scanDigits(bytes, index + 1)
  if (bytes[index] === 0x65 || bytes[index] === 0x45) {
    index++
    if (bytes[index] === 0x2b || bytes[index] === 0x2d) index++
    index = scanDigits(bytes, index)
  }
  return index
}

function scanDigits (bytes: Uint8Array, offset: number): number {
  let index = offset
  while (isDigit(bytes[index])) index++
  if (index === offset) throw syntaxError('unexpected token', offset)
  return index
}

function isDigit (byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function isHexDigit (byte: number | undefined): boolean {
  return isDigit(byte) || (byte !== undefined && ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66))
}
