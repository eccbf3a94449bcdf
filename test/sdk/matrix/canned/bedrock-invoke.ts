import { EventStreamCodec } from '@smithy/eventstream-codec'
import { expected } from '../cells.ts'
import { json, Refusal } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { toEvents, toMessage } from './anthropic.ts'
import { askedOf, models, requireCallAndResult, requireSame } from './asked.ts'

const root = `/bedrock/model/${encodeURIComponent(models.model)}`
const codec = new EventStreamCodec((bytes) => Buffer.from(bytes).toString('utf8'), (text) => Buffer.from(text, 'utf8'))
const metrics = { inputTokenCount: expected.usage.inputTokens, outputTokenCount: expected.usage.outputTokens, invocationLatency: 4069, firstByteLatency: 1117 }

export function answerAsBedrockInvoke ({ path, headers, body }: FakeRequest): FakeAnswer {
  if (headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=client-id/') !== true) throw new Refusal('the request is not signed')
  if (path === `/bedrock/model/${encodeURIComponent(models.embeddingModel)}/invoke`) {
    requireSame('body', body, { texts: expected.embeddingInputs, input_type: 'search_document' })
    return json({ id: 'em-1', response_type: 'embeddings_floats', embeddings: expected.embeddings, texts: expected.embeddingInputs })
  }
  requireSame('anthropic_version', body['anthropic_version'], 'bedrock-2023-05-31')
  if (typeof body['max_tokens'] !== 'number') throw new Refusal('max_tokens is missing')
  const asked = askedOf(body)
  if (asked === 'errors') return json({ message: expected.errorMessage }, 429, { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/' })
  if (asked === 'results') requireCallAndResult(body, 'toolu_Paris1')
  if (path === `${root}/invoke-with-response-stream`) return { contentType: 'application/vnd.amazon.eventstream', chunks: toChunks(toEvents(asked)) }
  requireSame('path', path, `${root}/invoke`)
  return json(toMessage(asked))
}

/** Each event in a frame of its own; Bedrock's count is in the last one. */
export function toChunks (events: readonly object[]): Uint8Array[] {
  return events.map((event, index) => codec.encode({
    headers: { ':event-type': { type: 'string', value: 'chunk' }, ':content-type': { type: 'string', value: 'application/json' }, ':message-type': { type: 'string', value: 'event' } },
    body: Buffer.from(JSON.stringify({ bytes: Buffer.from(JSON.stringify(index < events.length - 1 ? event : { ...event, 'amazon-bedrock-invocationMetrics': metrics })).toString('base64'), p: 'abcdef' }))
  }))
}
