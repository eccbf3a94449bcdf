import fc from 'fast-check'
import type { AssistantMessage, ChatMessage, ChatRequest, ContentPart } from '../../src/api/chat.ts'

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.constant('Grüße, 松本'))
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> => fc.option(fc.option(value, { nil: undefined }), { nil: null })
const names = ['weather', 'clock', 'dice_roll'] as const

const part: fc.Arbitrary<ContentPart> = fc.oneof(
  { weight: 4, arbitrary: text.map((value): ContentPart => ({ type: 'text', text: value })) },
  fc.constantFrom<ContentPart>(
    { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
    { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
    { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
    { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } },
    { type: 'file', file: { file_url: 'https://example.com/a.pdf' } },
    { type: 'opaque', dialect: 'anthropic', value: { type: 'server_tool_use' } },
    { type: 'text', text: 'kept', cache_control: { type: 'ephemeral' } }
  )
)
const content = fc.oneof(text, fc.array(part, { maxLength: 4 }))

const reasoning: fc.Arbitrary<Partial<AssistantMessage>> = fc.oneof(
  fc.constant({}),
  text.map((value) => ({ reasoning_content: value })),
  text.map((value) => ({ reasoning_content: value, reasoning_details: [{ type: 'reasoning.text' as const, text: value, signature: 'sig', format: 'anthropic', index: 0 }, { type: 'reasoning.encrypted' as const, data: 'AA', index: 1 }] }))
)
const saying = fc.record({ content: fc.oneof(text, fc.constant(null), fc.array(text.map((value): ContentPart => ({ type: 'text', text: value })), { maxLength: 2 })), reasoning })
  .map(({ content: said, reasoning: thoughts }): AssistantMessage => ({ role: 'assistant', content: said, ...thoughts }))

/** A turn: a question, and perhaps rounds of tool calls whose results follow them, and perhaps an answer. */
const id = fc.oneof(fc.stringMatching(/^[a-zA-Z0-9_-]{1,24}$/), fc.stringMatching(/^[a-zA-Z0-9]{9}$/))
const calls = fc.uniqueArray(fc.tuple(id, fc.constantFrom(...names), fc.constantFrom('{}', '', '{"city":"Bonn"}'), content), { minLength: 1, maxLength: 3, selector: ([key]) => key })
const round = fc.tuple(saying, calls).map(([message, list]): ChatMessage[] => [
  { ...message, tool_calls: list.map(([key, name, args]) => ({ id: key, type: 'function', function: { name, arguments: args } })) },
  ...list.map(([key, , , result]): ChatMessage => ({ role: 'tool', tool_call_id: key, content: result }))
])
const turn = fc.tuple(content, fc.array(round, { maxLength: 2 }), fc.boolean(), saying).map(([question, rounds, isAnswered, answer]): ChatMessage[] => [
  { role: 'user', content: question }, ...rounds.flat(), ...isAnswered ? [answer] : []
])
const system = fc.array(fc.tuple(fc.constantFrom('system' as const, 'developer' as const), text).map(([role, value]): ChatMessage => ({ role, content: value })), { maxLength: 2 })

/** Requests whose tool results follow their calls; everything else is as clients may send it. */
export const canonicalRequest: fc.Arbitrary<ChatRequest> = fc.record({
  messages: fc.tuple(system, fc.array(turn, { minLength: 1, maxLength: 3 })).map(([first, turns]) => [...first, ...turns.flat()]),
  options: fc.record({
    stream: fc.boolean(),
    max_tokens: maybe(fc.integer({ min: 1, max: 4096 })),
    max_completion_tokens: maybe(fc.integer({ min: 1, max: 4096 })),
    temperature: maybe(fc.double({ min: 0, max: 2, noNaN: true })),
    top_p: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
    top_k: maybe(fc.integer({ min: 0, max: 1000 })),
    n: maybe(fc.integer({ min: 1, max: 3 })),
    stop: maybe(fc.oneof(text, fc.array(text, { maxLength: 7 }))),
    seed: maybe(fc.integer({ min: 0 })),
    presence_penalty: maybe(fc.double({ min: -2, max: 2, noNaN: true })),
    frequency_penalty: maybe(fc.double({ min: -2, max: 2, noNaN: true })),
    logprobs: maybe(fc.boolean()),
    parallel_tool_calls: maybe(fc.boolean()),
    reasoning_effort: maybe(fc.constantFrom('none', 'minimal', 'low', 'medium', 'high')),
    reasoning: maybe(fc.record({ effort: maybe(fc.constantFrom('low', 'high')), max_tokens: maybe(fc.integer({ min: 1, max: 1000 })), enabled: maybe(fc.boolean()) }))
  }, { requiredKeys: [] }),
  tools: fc.option(fc.uniqueArray(fc.constantFrom(...names), { maxLength: 3 }).map((list) => list.map((name) => ({ type: 'function' as const, function: { name, description: 'a tool', strict: name === 'clock' } }))), { nil: undefined }),
  tool_choice: maybe(fc.constantFrom('auto' as const, 'none' as const, 'required' as const, { type: 'function' as const, function: { name: 'weather' } })),
  response_format: maybe(fc.constantFrom({ type: 'text' as const }, { type: 'json_object' as const }, { type: 'json_schema' as const, json_schema: { name: 'city', schema: { type: 'object' } } })),
  others: fc.constantFrom({}, { user: 'u', metadata: { a: 'b' }, store: true }, { keep_alive: '5m', something_new: [1] })
}).map(({ messages, options, others, ...rest }) => ({ model: 'c', messages, ...options, ...rest, ...others }) as ChatRequest)
