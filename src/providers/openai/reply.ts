import { toBase64Floats } from '../../api/base64-floats.ts'
import type { JobFrame } from '../../api/job.ts'
import { scanJsonObject } from '../../api/json-scan.ts'
import type { JsonScan } from '../../api/json-scan.ts'
import { createUsage } from '../../api/usage.ts'
import type { Usage } from '../../api/usage.ts'
import { GatewayError } from '../../errors.ts'
import type { AdapterReply } from '../adapter.ts'
import { toEmbeddedError } from './errors.ts'
import { toUsage } from './usage.ts'
import { scanUsage } from './usage-scan.ts'

const floatArrayMark = /"embedding"\s*:\s*\[/
const answerKeys = ['"choices"', '"output"', '"data"'].map((key) => Buffer.from(key))
const errorKey = Buffer.from('"error"')
const usageKey = Buffer.from('"usage"')
const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d

/**
 * Finds what the gateway needs in a unary answer; the bytes stay as they came. The usual answer is only
 * searched, natively: framed by braces, an answer's member in it, no word of an error, its usage near the
 * end. Anything else is read from the first byte to the last, which costs some nanoseconds a byte.
 */
export function fromOpenAiReply (provider: string, job: JobFrame, body: Uint8Array): AdapterReply {
  const text = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const spliceOffset = job.base64Embeddings || job.sendBackRawResponse ? -1 : closingBraceOf(text)
  if (spliceOffset >= 0 && isAnswer(text)) {
    const usage = findUsage(text)
    if (usage !== null) return { body, usage, spliceOffset, extraFields: '' }
  }
  return readReply(provider, job, text)
}

/** A member of an answer before any other brace stands in the object itself; then it is an answer, and nobody has to look for an error in all of it. */
function isAnswer (text: Buffer): boolean {
  const secondBrace = text.indexOf(openBrace, text.indexOf(openBrace) + 1)
  const early = secondBrace < 0 ? text : text.subarray(0, secondBrace)
  return answerKeys.some((key) => isMember(early, key)) || (!text.includes(errorKey) && answerKeys.some((key) => text.includes(key)))
}

function isMember (text: Buffer, key: Buffer): boolean {
  const at = text.indexOf(key)
  return at >= 0 && valueAfter(text, at + key.length) >= 0
}

function readReply (provider: string, job: JobFrame, text: Buffer): AdapterReply {
  let scan: JsonScan
  try {
    // An answer with logprobs has more keys than any request; its size is limited already.
    scan = scanJsonObject(text, ['usage', 'choices', 'data', 'output'], Infinity)
  } catch (cause) {
    const what = /^\s*</.test(text.toString('latin1', 0, 256)) ? 'HTML' : text.length === 0 ? 'an empty body' : 'a body that is not a JSON object'
    throw new GatewayError('BIFROST_UPSTREAM_BAD_RESPONSE', { message: `${provider} answered 200 with ${what}.`, provider, cause })
  }
  const hasAnswer = scan.members.has('choices') || scan.members.has('data') || scan.members.has('output')
  if (!hasAnswer && text.includes(errorKey)) {
    const error = toEmbeddedError(provider, JSON.parse(text.toString('utf8')))
    if (error !== null) throw error
  }
  const usage = createUsage()
  const member = scan.members.get('usage')
  if (member !== undefined) toUsage(JSON.parse(text.toString('utf8', member.valueStart, member.valueEnd)), usage)
  const data = scan.members.get('data')
  if (job.base64Embeddings && data !== undefined && floatArrayMark.test(text.toString('latin1', data.valueStart, Math.min(data.valueEnd, data.valueStart + 4096)))) {
    const encoded = encodeEmbeddings(text)
    return { body: encoded, usage, spliceOffset: encoded.length - 1, extraFields: '' }
  }
  return { body: text, usage, spliceOffset: scan.bodyEnd, extraFields: '' }
}

/** @returns the offset of the last brace of a body that begins and ends as an object, else -1 */
function closingBraceOf (text: Buffer): number {
  let start = 0
  while (isSpace(text[start])) start++
  let end = text.length - 1
  while (isSpace(text[end])) end--
  return text[start] === openBrace && text[end] === closeBrace && end > start ? end : -1
}

/** @returns what the last `"usage": {...}` of the answer says; null when it cannot be read; none at all is fine */
function findUsage (text: Buffer): Usage | null {
  for (let at = text.lastIndexOf(usageKey); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(usageKey, at - 1)) {
    const start = valueAfter(text, at + usageKey.length)
    if (start < 0 || text[start] !== openBrace) continue
    return scanUsage(text, start) ?? parseUsage(text, start)
  }
  return createUsage()
}

function parseUsage (text: Buffer, start: number): Usage | null {
  const usage = createUsage()
  try {
    toUsage(JSON.parse(text.toString('utf8', start, objectEnd(text, start))), usage)
    return usage
  } catch {
    return null
  }
}

/** @returns where the value of the key that ends at `keyEnd` begins; -1 for a string that only spells a key */
function valueAfter (text: Buffer, keyEnd: number): number {
  let start = keyEnd
  while (isSpace(text[start])) start++
  if (text[start] !== colon) return -1
  start++
  while (isSpace(text[start])) start++
  return start
}

/** @returns the offset after the object that opens at `start`; the end of the text when it does not close */
function objectEnd (text: Buffer, start: number): number {
  let depth = 0
  let inString = false
  for (let index = start; index < text.length; index++) {
    const byte = text[index]
    if (inString) {
      if (byte === backslash) index++
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === openBrace) depth++
    else if (byte === closeBrace && --depth === 0) return index + 1
  }
  return text.length
}

function isSpace (byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/**
 * The openai SDK asks for base64 on its own and reads float arrays as empty vectors, so an upstream
 * that only knows arrays is converted to little-endian float32, the API's own encoding.
 */
function encodeEmbeddings (text: Buffer): Buffer {
  const answer = JSON.parse(text.toString('utf8')) as { data?: { embedding?: unknown }[] }
  for (const item of answer.data ?? []) {
    if (Array.isArray(item.embedding)) item.embedding = toBase64Floats(item.embedding as number[])
  }
  return Buffer.from(JSON.stringify(answer))
}
