import { EventStreamCodec } from '@smithy/eventstream-codec'
import { expected } from '../cells.ts'
import { json, Refusal } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { askedOf, models, requireCallAndResult, requireSame, textFor, toArgumentPieces, toWords } from './asked.ts'
import type { Asked } from './asked.ts'

const root = `/bedrock/model/${encodeURIComponent(models.model)}`
const toolUseId = 'tooluse_Paris1'
const usage = { inputTokens: expected.usage.inputTokens, outputTokens: expected.usage.outputTokens, totalTokens: 18 }
const codec = new EventStreamCodec((bytes) => Buffer.from(bytes).toString('utf8'), (text) => Buffer.from(text, 'utf8'))

export function answerAsBedrock ({ path, headers, body }: FakeRequest): FakeAnswer {
  if (headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=client-id/') !== true) throw new Refusal('the request is not signed')
  const asked = askedOf(body)
  if (asked === 'errors') return json({ message: expected.errorMessage }, 429, { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/' })
  if (asked === 'results') requireCallAndResult(body, toolUseId)
  if (asked === 'structured') requireSame('outputConfig.textFormat.type', (body['outputConfig'] as { textFormat?: { type?: string } } | undefined)?.textFormat?.type, 'json_schema')
  if (path === `${root}/converse-stream`) return toStream(asked)
  requireSame('path', path, `${root}/converse`)
  return json({
    output: { message: { role: 'assistant', content: [asked === 'tools' ? { toolUse: { toolUseId, name: expected.toolName, input: expected.toolArguments } } : { text: textFor(asked) }] } },
    stopReason: asked === 'tools' ? 'tool_use' : 'end_turn',
    usage,
    metrics: { latencyMs: 100 }
  })
}

/** Only a call's block has a start; the usage comes after the end. */
function toStream (asked: Asked): FakeAnswer {
  const deltas = asked === 'tools' ? toArgumentPieces().map((input) => ({ toolUse: { input } })) : toWords(textFor(asked)).map((text) => ({ text }))
  return {
    contentType: 'application/vnd.amazon.eventstream',
    chunks: [
      toFrame('messageStart', { p: 'abc', role: 'assistant' }),
      ...asked === 'tools' ? [toFrame('contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { name: expected.toolName, toolUseId } } })] : [],
      ...deltas.map((delta) => toFrame('contentBlockDelta', { contentBlockIndex: 0, delta, p: 'abcdef' })),
      toFrame('contentBlockStop', { contentBlockIndex: 0 }),
      toFrame('messageStop', { stopReason: asked === 'tools' ? 'tool_use' : 'end_turn' }),
      toFrame('metadata', { metrics: { latencyMs: 100 }, usage })
    ]
  }
}

function toFrame (event: string, payload: object): Uint8Array {
  return codec.encode({
    headers: { ':event-type': { type: 'string', value: event }, ':content-type': { type: 'string', value: 'application/json' }, ':message-type': { type: 'string', value: 'event' } },
    body: Buffer.from(JSON.stringify(payload))
  })
}
