import { sse } from '../sdk/matrix/fake-server.ts'
import { toEventFrame } from './bedrock-frames.ts'

/** A call of a tool, in no vendor's words. */
export interface Call { id: string, name: string, arguments: object }

/** What a model says in one turn, in no vendor's words: 11 tokens in, 7 out. `counts` adds what of them was cached, written, thought or heard. */
export interface Turn {
  thought?: string
  text?: string
  calls?: readonly Call[]
  counts?: true
}

/** How a vendor says a turn, in its own words: shapes of recordings and of the types of its SDK, values of our own. */
export interface Wire {
  toReply (turn: Turn): Buffer
  toStream (turn: Turn): Buffer
  /** What the event that finishes a text, or calls, has in it: without these bytes no stream is whole. */
  finish: Readonly<Record<'text' | 'calls', string>>
}

/** The one that the fake of Google knows as its own. */
export const signature = 'CiQBEU0yD1hCYiUoRFyerO7xltRNYWnI'

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value))
const events = (list: readonly { name?: string, data: unknown }[], lineEnd?: string): Buffer => Buffer.from(sse(list, lineEnd).join(''))
/** Two pieces, the first one of a character that is more than a byte where the text has one. */
const halves = (text: string): [string, string] => [text.slice(0, Math.ceil(text.length / 2)), text.slice(Math.ceil(text.length / 2))]
const endOf = ({ calls }: Turn): 'text' | 'calls' => calls === undefined ? 'text' : 'calls'

function anthropicUsage ({ counts }: Turn): { input_tokens: number, output_tokens: number } {
  return counts === true
    ? { input_tokens: 5, cache_creation_input_tokens: 2, cache_read_input_tokens: 4, output_tokens: 7, output_tokens_details: { thinking_tokens: 3 } } as { input_tokens: number, output_tokens: number }
    : { input_tokens: 11, output_tokens: 7 }
}

/** Messages, API version 2023-06-01. */
export const anthropicWire: Wire = {
  finish: { text: '"stop_reason":"end_turn"', calls: '"stop_reason":"tool_use"' },
  toReply (turn) {
    return json({
      id: 'msg_01',
      type: 'message',
      role: 'assistant',
      model: 'claude-haiku-4-5-20251001',
      content: [
        ...turn.thought === undefined ? [] : [{ type: 'thinking', thinking: turn.thought, signature }],
        ...turn.text === undefined ? [] : [{ type: 'text', text: turn.text }],
        ...(turn.calls ?? []).map(({ id, name, arguments: input }) => ({ type: 'tool_use', id, name, input }))
      ],
      stop_reason: turn.calls === undefined ? 'end_turn' : 'tool_use',
      stop_sequence: null,
      usage: anthropicUsage(turn)
    })
  },
  toStream (turn) {
    const { output_tokens: output, ...input } = anthropicUsage(turn)
    const block = (start: object, deltas: readonly object[]) => ({ start, deltas })
    const blocks = [
      ...turn.thought === undefined ? [] : [block({ type: 'thinking', thinking: '', signature: '' }, [...halves(turn.thought).map((thinking) => ({ type: 'thinking_delta', thinking })), { type: 'signature_delta', signature }])],
      ...turn.text === undefined ? [] : [block({ type: 'text', text: '' }, halves(turn.text).map((text) => ({ type: 'text_delta', text })))],
      ...(turn.calls ?? []).map((call) => block({ type: 'tool_use', id: call.id, name: call.name, input: {} }, ['', ...Object.keys(call.arguments).length === 0 ? [] : halves(JSON.stringify(call.arguments))].map((piece) => ({ type: 'input_json_delta', partial_json: piece }))))
    ]
    const list: { type: string, [member: string]: unknown }[] = [
      { type: 'message_start', message: { id: 'msg_01', type: 'message', role: 'assistant', model: 'claude-haiku-4-5-20251001', content: [], stop_reason: null, stop_sequence: null, usage: { ...input, output_tokens: 1 } } },
      ...blocks.flatMap(({ start, deltas }, index) => [
        { type: 'content_block_start', index, content_block: start },
        ...index === 0 ? [{ type: 'ping' }] : [],
        ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
        { type: 'content_block_stop', index }
      ]),
      { type: 'message_delta', delta: { stop_reason: turn.calls === undefined ? 'end_turn' : 'tool_use', stop_sequence: null }, usage: { ...input, output_tokens: output } },
      { type: 'message_stop' }
    ]
    return events(list.map((data) => ({ name: data.type, data })))
  }
}

function converseUsage ({ counts }: Turn): object {
  return counts === true ? { inputTokens: 5, outputTokens: 7, totalTokens: 18, cacheReadInputTokens: 4, cacheWriteInputTokens: 2 } : { inputTokens: 11, outputTokens: 7, totalTokens: 18 }
}

/** Converse. */
export const converseWire: Wire = {
  finish: { text: '"stopReason":"end_turn"', calls: '"stopReason":"tool_use"' },
  toReply (turn) {
    return json({
      metrics: { latencyMs: 1 },
      output: {
        message: {
          role: 'assistant',
          content: [
            ...turn.thought === undefined ? [] : [{ reasoningContent: { reasoningText: { text: turn.thought, signature } } }],
            ...turn.text === undefined ? [] : [{ text: turn.text }],
            ...(turn.calls ?? []).map(({ id, name, arguments: input }) => ({ toolUse: { toolUseId: id, name, input } }))
          ]
        }
      },
      stopReason: turn.calls === undefined ? 'end_turn' : 'tool_use',
      usage: converseUsage(turn)
    })
  },
  toStream (turn) {
    const blocks: { start?: object, deltas: object[] }[] = [
      ...turn.thought === undefined ? [] : [{ deltas: [...halves(turn.thought).map((text) => ({ reasoningContent: { text } })), { reasoningContent: { signature } }] }],
      ...turn.text === undefined ? [] : [{ deltas: halves(turn.text).map((text) => ({ text })) }],
      ...(turn.calls ?? []).map((call) => ({ start: { toolUse: { toolUseId: call.id, name: call.name } }, deltas: (Object.keys(call.arguments).length === 0 ? [''] : halves(JSON.stringify(call.arguments))).map((input) => ({ toolUse: { input } })) }))
    ]
    return Buffer.concat([
      toEventFrame('messageStart', { role: 'assistant', p: 'abc' }),
      ...blocks.flatMap(({ start, deltas }, contentBlockIndex) => [
        ...start === undefined ? [] : [toEventFrame('contentBlockStart', { contentBlockIndex, start, p: 'ab' })],
        ...deltas.map((delta) => toEventFrame('contentBlockDelta', { contentBlockIndex, delta, p: 'a' })),
        toEventFrame('contentBlockStop', { contentBlockIndex, p: 'abcd' })
      ]),
      toEventFrame('messageStop', { p: 'ab', stopReason: turn.calls === undefined ? 'end_turn' : 'tool_use' }),
      toEventFrame('metadata', { metrics: { latencyMs: 1 }, p: 'abc', usage: converseUsage(turn) })
    ])
  }
}

function googleUsage ({ counts }: Turn): object {
  return { promptTokenCount: 11, ...counts === true ? { candidatesTokenCount: 4, thoughtsTokenCount: 3, cachedContentTokenCount: 4, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 10 }, { modality: 'AUDIO', tokenCount: 1 }], candidatesTokensDetails: [{ modality: 'TEXT', tokenCount: 2 }, { modality: 'AUDIO', tokenCount: 2 }] } : { candidatesTokenCount: 7 }, totalTokenCount: 18 }
}

/** The signature is on the first call, or on the last text. */
function googleParts (turn: Turn): { thoughts: object[], texts: object[], calls: object[] } {
  const signed = turn.thought === undefined ? {} : { thoughtSignature: signature }
  const last = turn.calls === undefined ? signed : {}
  return {
    thoughts: turn.thought === undefined ? [] : halves(turn.thought).map((text) => ({ text, thought: true })),
    texts: turn.text === undefined ? [] : halves(turn.text).map((text, index) => ({ text, ...index === 1 ? last : {} })),
    calls: (turn.calls ?? []).map(({ name, arguments: args }, index) => ({ functionCall: { name, args }, ...index === 0 ? signed : {} }))
  }
}

/** generateContent, with the ends of lines that streams of `alt=sse` have. */
export const googleWire: Wire = {
  finish: { text: '"finishReason":"STOP"', calls: '"finishReason":"STOP"' },
  toReply (turn) {
    const { thoughts, texts, calls } = googleParts(turn)
    return json({ candidates: [{ index: 0, content: { role: 'model', parts: [...thoughts, ...texts, ...calls] }, finishReason: 'STOP' }], usageMetadata: googleUsage(turn), modelVersion: 'gemini-2.5-flash', responseId: 'r-1' })
  },
  toStream (turn) {
    const { thoughts, texts, calls } = googleParts(turn)
    const turns = [...[...thoughts, ...texts].map((part) => [part]), ...calls.length === 0 ? [] : [calls]]
    return events(turns.map((parts, index) => {
      const isLast = index === turns.length - 1
      return { data: { candidates: [{ content: { parts, role: 'model' }, ...isLast ? { finishReason: 'STOP' } : {}, index: 0 }], usageMetadata: isLast ? googleUsage(turn) : { promptTokenCount: 11, totalTokenCount: 11 }, modelVersion: 'gemini-2.5-flash', responseId: 'r-1' } }
    }), '\r\n')
  }
}

function cohereUsage ({ counts }: Turn): object {
  return { billed_units: { input_tokens: 3, output_tokens: 5 }, tokens: { input_tokens: 11, output_tokens: 7, ...counts === true ? { reasoning_tokens: 3 } : {} }, ...counts === true ? { cached_tokens: 4 } : {} }
}

const cohereCall = ({ id, name }: Call, given: string): object => ({ id, type: 'function', function: { name, arguments: given } })

/** v2. */
export const cohereWire: Wire = {
  finish: { text: '"finish_reason":"COMPLETE"', calls: '"finish_reason":"TOOL_CALL"' },
  toReply (turn) {
    const content = [...turn.thought === undefined ? [] : [{ type: 'thinking', thinking: turn.thought }], ...turn.text === undefined ? [] : [{ type: 'text', text: turn.text }]]
    const message = { role: 'assistant', ...content.length === 0 ? {} : { content }, ...turn.calls === undefined ? {} : { tool_calls: turn.calls.map((call) => cohereCall(call, JSON.stringify(call.arguments))) } }
    return json({ id: 'c-1', finish_reason: turn.calls === undefined ? 'COMPLETE' : 'TOOL_CALL', message, usage: cohereUsage(turn) })
  },
  toStream (turn) {
    const event = (type: string, index: number, message?: object) => ({ name: type, data: { type, index, ...message === undefined ? {} : { delta: { message } } } })
    const contents = [
      ...turn.thought === undefined ? [] : [{ start: { type: 'thinking', thinking: '' }, pieces: halves(turn.thought).map((thinking) => ({ thinking })) }],
      ...turn.text === undefined ? [] : [{ start: { type: 'text', text: '' }, pieces: halves(turn.text).map((text) => ({ text })) }]
    ]
    return Buffer.concat([events([
      { name: 'message-start', data: { id: 'c-1', type: 'message-start', delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } } },
      ...contents.flatMap(({ start, pieces }, index) => [event('content-start', index, { content: start }), ...pieces.map((content) => event('content-delta', index, { content })), event('content-end', index)]),
      ...(turn.calls ?? []).flatMap((call, index) => [event('tool-call-start', index, { tool_calls: cohereCall(call, '') }), ...halves(JSON.stringify(call.arguments)).map((piece) => event('tool-call-delta', index, { tool_calls: { function: { arguments: piece } } })), event('tool-call-end', index)]),
      { name: 'message-end', data: { type: 'message-end', delta: { finish_reason: turn.calls === undefined ? 'COMPLETE' : 'TOOL_CALL', usage: cohereUsage(turn) } } }
    ]), Buffer.from('data: [DONE]\n\n')])
  }
}

const chatCall = ({ id, name }: Call, index: number, given: string): object => ({ index, id, type: 'function', function: { name, arguments: given } })
const chatFinish = { text: '"finish_reason":"stop"', calls: '"finish_reason":"tool_calls"' } as const
const chatReasons = { text: 'stop', calls: 'tool_calls' } as const

function mistralUsage ({ counts }: Turn): object {
  return { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, prompt_tokens_details: { cached_tokens: counts === true ? 4 : 0 }, service_tier: 'standard' }
}

/** Thoughts are parts of the content. Calls come whole, and finish and usage with the last of them. */
export const mistralWire: Wire = {
  finish: chatFinish,
  toReply (turn) {
    const text = turn.text ?? ''
    const content = turn.thought === undefined ? text : [{ type: 'thinking', thinking: [{ type: 'text', text: turn.thought }], signature, closed: true }, ...text === '' ? [] : [{ type: 'text', text }]]
    const calls = turn.calls?.map((call, index) => chatCall(call, index, JSON.stringify(call.arguments))) ?? null
    return json({ id: 'm-1', object: 'chat.completion', created: 1_787_150_315, model: 'mistral-small-latest', choices: [{ index: 0, finish_reason: chatReasons[endOf(turn)], message: { role: 'assistant', tool_calls: calls, content } }], usage: mistralUsage(turn) })
  },
  toStream (turn) {
    const deltas: object[] = [
      ...turn.thought === undefined ? [] : halves(turn.thought).map((text, index) => ({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }], ...index === 1 ? { signature, closed: true } : {} }] })),
      ...turn.text === undefined ? [] : halves(turn.text).map((content) => ({ content })),
      ...turn.calls === undefined ? [] : [{ tool_calls: turn.calls.map((call, index) => chatCall(call, index, JSON.stringify(call.arguments))) }]
    ]
    const chunk = (delta: object, reason: string | null, more: object): { data: object } => ({ data: { id: 'm-1', object: 'chat.completion.chunk', created: 1_787_150_315, model: 'mistral-small-latest', choices: [{ index: 0, delta, finish_reason: reason }], ...more, p: 'abcdefg' } })
    return events([
      chunk({ role: 'assistant', content: '' }, null, {}),
      ...deltas.map((delta, index) => index < deltas.length - 1 ? chunk(delta, null, {}) : chunk(delta, chatReasons[endOf(turn)], { usage: mistralUsage(turn) })),
      { data: '[DONE]' }
    ])
  }
}

/** /api/chat. Arguments are objects, and a call is no reason to finish. */
export const ollamaWire: Wire = {
  finish: { text: '"done":true', calls: '"done":true' },
  toReply: (turn) => json(ollamaLine(ollamaMessage(turn), true)),
  toStream (turn) {
    const lines = [
      ...turn.thought === undefined ? [] : halves(turn.thought).map((thinking) => ({ role: 'assistant', content: '', thinking })),
      ...turn.text === undefined ? [] : halves(turn.text).map((content) => ({ role: 'assistant', content })),
      ...(turn.calls ?? []).map((call) => ollamaMessage({ calls: [call] }))
    ]
    return Buffer.from([...lines.map((message) => ollamaLine(message, false)), ollamaLine({ role: 'assistant', content: '' }, true)].map((line) => `${JSON.stringify(line)}\n`).join(''))
  }
}

function ollamaMessage ({ thought, text = '', calls }: Turn): object {
  return { role: 'assistant', content: text, ...thought === undefined ? {} : { thinking: thought }, ...calls === undefined ? {} : { tool_calls: calls.map(({ id, name, arguments: given }) => ({ id, function: { index: 0, name, arguments: given } })) } }
}

function ollamaLine (message: object, isLast: boolean): object {
  return { model: 'llama3.2', created_at: '2026-08-13T12:11:45.201398Z', message, done: isLast, ...isLast ? { done_reason: 'stop', total_duration: 4_883_583_458, prompt_eval_count: 11, eval_count: 7 } : {} }
}

function openAiUsage ({ counts }: Turn): object {
  return { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, ...counts === true ? { prompt_tokens_details: { cached_tokens: 4, audio_tokens: 1 }, completion_tokens_details: { reasoning_tokens: 3, audio_tokens: 2, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 } } : {} }
}

/** Chat Completions. Azure's begins with what its filter says of the prompt. */
function openAiWire (prefix: readonly { data: object }[]): Wire {
  return {
    finish: chatFinish,
    toReply (turn) {
      const message = { role: 'assistant', content: turn.text ?? null, refusal: null, ...turn.calls === undefined ? {} : { tool_calls: turn.calls.map(({ id, name, arguments: given }) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(given) } })) } }
      return json({ id: 'chatcmpl-1', object: 'chat.completion', created: 1_760_000_000, model: 'gpt-4o-mini-2024-07-18', choices: [{ index: 0, message, logprobs: null, finish_reason: chatReasons[endOf(turn)] }], usage: openAiUsage(turn) })
    },
    toStream (turn) {
      const chunk = (choices: object[], usage: object | null = null): { data: object } => ({ data: { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'gpt-4o-mini-2024-07-18', choices, usage } })
      const delta = (said: object, reason: string | null = null): { data: object } => chunk([{ index: 0, delta: said, logprobs: null, finish_reason: reason }])
      return events([
        ...prefix,
        delta({ role: 'assistant', content: turn.text === undefined ? null : '', refusal: null }),
        ...turn.text === undefined ? [] : halves(turn.text).map((content) => delta({ content })),
        ...(turn.calls ?? []).flatMap((call, index) => [delta({ tool_calls: [chatCall(call, index, '')] }), ...halves(JSON.stringify(call.arguments)).map((piece) => delta({ tool_calls: [{ index, function: { arguments: piece } }] }))]),
        delta({}, chatReasons[endOf(turn)]),
        chunk([], openAiUsage(turn)),
        { data: '[DONE]' }
      ])
    }
  }
}

export const openAi = openAiWire([])
export const azure = openAiWire([{ data: { choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results: [{ prompt_index: 0, content_filter_results: { hate: { filtered: false, severity: 'safe' } } }] } }])
