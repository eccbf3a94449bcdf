import { expected } from '../cells.ts'
import { json, Refusal, sse } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { askedOf, models, requireCallAndResult, requireSame, textFor, toArgumentPieces, toWords } from './asked.ts'
import type { Asked } from './asked.ts'

const callId = 'toolu_Paris1'
const usage = { input_tokens: expected.usage.inputTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: expected.usage.outputTokens, service_tier: 'standard' }
const begun = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-haiku-4-5', stop_sequence: null }

/** @param key the header that carries the client's key, and how: this differs between SDKs, as does the version of the API */
export function answerAsAnthropic (key: readonly [string, string], version: string): (request: FakeRequest) => FakeAnswer {
  return ({ path, headers, body }) => {
    requireSame('path', path, '/v1/messages')
    requireSame(key[0], headers[key[0]], key[1])
    requireSame('anthropic-version', headers['anthropic-version'], version)
    requireSame('model', body['model'], models.model)
    if (typeof body['max_tokens'] !== 'number') throw new Refusal('max_tokens is missing')
    const asked = askedOf(body)
    if (asked === 'errors') return json({ type: 'error', error: { type: 'rate_limit_error', message: expected.errorMessage }, request_id: 'req_1' }, 429)
    if (asked === 'results') requireCallAndResult(body, callId)
    if (asked === 'structured') requireSame('output_config.format.type', (body['output_config'] as { format?: { type?: string } } | undefined)?.format?.type, 'json_schema')
    if (body['stream'] === true) return toStream(asked)
    return json(toMessage(asked))
  }
}

export function toMessage (asked: Asked): object {
  return {
    ...begun,
    content: [asked === 'tools' ? { type: 'tool_use', id: callId, name: expected.toolName, input: expected.toolArguments } : { type: 'text', text: textFor(asked) }],
    stop_reason: asked === 'tools' ? 'tool_use' : 'end_turn',
    usage
  }
}

function toStream (asked: Asked): FakeAnswer {
  return { contentType: 'text/event-stream; charset=utf-8', chunks: sse(toEvents(asked).map((event) => ({ name: event.type, data: event }))) }
}

export function toEvents (asked: Asked): { type: string, [member: string]: unknown }[] {
  return [
    { type: 'message_start', message: { ...begun, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: asked === 'tools' ? { type: 'tool_use', id: callId, name: expected.toolName, input: {} } : { type: 'text', text: '' } },
    { type: 'ping' },
    ...asked === 'tools'
      ? ['', ...toArgumentPieces()].map((piece) => ({ type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: piece } }))
      : toWords(textFor(asked)).map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: asked === 'tools' ? 'tool_use' : 'end_turn', stop_sequence: null }, usage },
    { type: 'message_stop' }
  ]
}
