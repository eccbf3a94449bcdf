import type { MockOperation } from './operations.ts'

/** The fields of a request that change the mock's answer. */
export interface MockRequest {
  model: string
  stream: boolean
  includeUsage: boolean
  embeddingInputs: string[]
  embeddingDimensions: number
  embeddingBase64: boolean
}

const embeddingInputsMax = 2048
const embeddingDimensionsMax = 4096

/** The parsed request, or null when the bytes are not a JSON object. */
function parseRequest (body: Buffer): MockRequest | null {
  let json: unknown
  try {
    json = JSON.parse(body.toString('utf8'))
  } catch {
    return null
  }
  if (!isRecord(json)) return null
  const { model, stream, stream_options: streamOptions, input, dimensions, encoding_format: encodingFormat } = json
  return {
    model: typeof model === 'string' ? model : 'mock',
    stream: stream === true,
    includeUsage: isRecord(streamOptions) && streamOptions['include_usage'] === true,
    embeddingInputs: toInputs(input),
    embeddingDimensions: typeof dimensions === 'number' && dimensions >= 1 ? Math.min(Math.floor(dimensions), embeddingDimensionsMax) : 1536,
    embeddingBase64: encodingFormat === 'base64'
  }
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** One text per embedding: a string, strings, one list of tokens, or lists of tokens. */
function toInputs (input: unknown): string[] {
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input)) return []
  if (typeof input[0] === 'number') return [JSON.stringify(input)]
  return input.slice(0, embeddingInputsMax).map((item) => typeof item === 'string' ? item : JSON.stringify(item))
}

export interface ParsedExchange {
  operation: MockOperation
  body: Buffer
  request: MockRequest
  /** The unary answer to this request, filled in by the first one that asks. */
  answer: Buffer | null
}

/**
 * Remembers the last request, because a load generator sends the same bytes again and again: comparing
 * 230 bytes costs a tenth of parsing them and building the answer.
 */
export function createRequestMemo (bodyBytesMax: number): (operation: MockOperation, body: Buffer) => ParsedExchange | null {
  let last: ParsedExchange | null = null
  return (operation, body) => {
    if (last !== null && last.operation === operation && last.body.equals(body)) return last
    const request = parseRequest(body)
    if (request === null) return null
    const parsed = { operation, body, request, answer: null }
    if (body.length > bodyBytesMax) return parsed
    // The bytes may belong to the HTTP server, which takes them back when its callback returns.
    last = { ...parsed, body: Buffer.from(body) }
    return last
  }
}
