import { expected } from '../cells.ts'
import { checkerOf, json, sse } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { askedOf, models, requireCallAndResult, requireSame, textFor, toArgumentPieces, toolArgumentsText, toWords } from './asked.ts'
import type { Asked } from './asked.ts'

const callId = 'call_Paris1'
const usage = { input_tokens: expected.usage.inputTokens, input_tokens_details: { cached_tokens: 0 }, output_tokens: expected.usage.outputTokens, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 18 }

export function answerAsResponses ({ path, headers, body }: FakeRequest): FakeAnswer {
  requireSame('path', path, '/v1/responses')
  requireSame('authorization', headers.authorization, 'Bearer client-key')
  requireSame('model', body['model'], models.model)
  return answerResponses(body)
}

const text = { type: 'string' }
/** `CreateResponse` of OpenAI's specification, the members that the cells can reach; others are refused. */
const checkBody = checkerOf({
  type: 'object',
  required: ['model', 'input'],
  additionalProperties: false,
  properties: {
    model: text,
    input: { anyOf: [text, { type: 'array', minItems: 1, items: { type: 'object', properties: { type: { enum: ['message', 'function_call', 'function_call_output', 'reasoning'] } } } }] },
    instructions: text,
    stream: { type: 'boolean' },
    max_output_tokens: { type: 'integer' },
    temperature: { type: 'number' },
    tools: { type: 'array', items: { type: 'object', required: ['type', 'name', 'parameters'], properties: { type: { const: 'function' }, name: text, parameters: { type: 'object' } } } },
    tool_choice: {},
    text: { type: 'object' },
    store: { type: 'boolean' }
  }
})

/** What any provider of this API says to a body. */
export function answerResponses (body: FakeRequest['body']): FakeAnswer {
  checkBody(body)
  const asked = askedOf(body)
  if (asked === 'errors') return json({ error: { message: expected.errorMessage, type: 'requests', param: null, code: 'rate_limit_exceeded' } }, 429)
  if (asked === 'results') requireCallAndResult(body, callId)
  if (asked === 'structured') requireSame('text.format.type', (body['text'] as { format?: { type?: string } } | undefined)?.format?.type, 'json_schema')
  return body['stream'] === true ? toStream(asked) : json(toResponse('completed', [toItem(asked)]))
}

const part = (text: string): object => ({ type: 'output_text', text, annotations: [], logprobs: [] })

function toItem (asked: Asked): object {
  return asked === 'tools'
    ? { type: 'function_call', id: 'fc_1', call_id: callId, name: expected.toolName, arguments: toolArgumentsText, status: 'completed' }
    : { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [part(textFor(asked))] }
}

function toResponse (status: 'in_progress' | 'completed', output: readonly object[]): object {
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1_760_000_000,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: 'gpt-4o-mini-2024-07-18',
    output,
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage: status === 'completed' ? usage : null
  }
}

function toStream (asked: Asked): FakeAnswer {
  const item = toItem(asked)
  const at = { output_index: 0 }
  const events: { type: string, [member: string]: unknown }[] = [
    { type: 'response.created', response: toResponse('in_progress', []) },
    { type: 'response.in_progress', response: toResponse('in_progress', []) },
    ...asked === 'tools'
      ? [
          { type: 'response.output_item.added', ...at, item: { ...item, arguments: '', status: 'in_progress' } },
          ...toArgumentPieces().map((delta) => ({ type: 'response.function_call_arguments.delta', ...at, item_id: 'fc_1', delta })),
          { type: 'response.function_call_arguments.done', ...at, item_id: 'fc_1', name: expected.toolName, arguments: toolArgumentsText }
        ]
      : [
          { type: 'response.output_item.added', ...at, item: { ...item, content: [], status: 'in_progress' } },
          { type: 'response.content_part.added', ...at, item_id: 'msg_1', content_index: 0, part: part('') },
          ...toWords(textFor(asked)).map((delta) => ({ type: 'response.output_text.delta', ...at, item_id: 'msg_1', content_index: 0, delta, logprobs: [] })),
          { type: 'response.output_text.done', ...at, item_id: 'msg_1', content_index: 0, text: textFor(asked), logprobs: [] },
          { type: 'response.content_part.done', ...at, item_id: 'msg_1', content_index: 0, part: part(textFor(asked)) }
        ],
    { type: 'response.output_item.done', ...at, item },
    { type: 'response.completed', response: toResponse('completed', [item]) }
  ]
  return { contentType: 'text/event-stream; charset=utf-8', chunks: sse(events.map((event, index) => ({ name: event.type, data: { ...event, sequence_number: index } }))) }
}
