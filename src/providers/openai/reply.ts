import { scanJsonObject } from '../../api/json-scan.ts'
import type { JsonScan } from '../../api/json-scan.ts'
import { GatewayError } from '../../errors.ts'
import type { JobFrame } from '../../api/job.ts'
import type { AdapterReply } from '../adapter.ts'
import { toEmbeddedError } from './errors.ts'
import { toUsage } from './usage.ts'

const floatArrayMark = /"embedding"\s*:\s*\[/

/** Checks a unary answer and finds what the gateway needs in it; the bytes stay as they came. */
export function fromOpenAiReply (provider: string, job: JobFrame, body: Uint8Array): AdapterReply {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  let scan: JsonScan
  try {
    // An answer with logprobs has more keys than any request; its size is limited already.
    scan = scanJsonObject(text, ['usage', 'error', 'choices', 'data', 'output'], Infinity)
  } catch (cause) {
    const what = /^\s*</.test(text.toString('latin1', 0, 256)) ? 'HTML' : text.length === 0 ? 'an empty body' : 'a body that is not a JSON object'
    throw new GatewayError('BIFROST_UPSTREAM_BAD_RESPONSE', { message: `${provider} answered 200 with ${what}.`, provider, cause })
  }
  const hasAnswer = scan.members.has('choices') || scan.members.has('data') || scan.members.has('output')
  if (!hasAnswer && scan.members.has('error')) {
    const error = toEmbeddedError(provider, JSON.parse(text.toString('utf8')))
    if (error !== null) throw error
  }
  const usage = { inputTokens: 0, outputTokens: 0 }
  const member = scan.members.get('usage')
  if (member !== undefined) toUsage(JSON.parse(text.toString('utf8', member.valueStart, member.valueEnd)), usage)
  const data = scan.members.get('data')
  if (job.base64Embeddings && data !== undefined && floatArrayMark.test(text.toString('latin1', data.valueStart, Math.min(data.valueEnd, data.valueStart + 4096)))) {
    const encoded = encodeEmbeddings(text)
    return { body: encoded, usage, spliceOffset: encoded.length - 1 }
  }
  return { body, usage, spliceOffset: scan.bodyEnd }
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

export function toBase64Floats (vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4)
  for (let index = 0; index < vector.length; index++) bytes.writeFloatLE(vector[index] as number, index * 4)
  return bytes.toString('base64')
}
