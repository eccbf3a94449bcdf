import fc from 'fast-check'
import type { ChatMessage, ChatRequest, ContentPart, ReasoningDetail } from '../../src/api/chat.ts'

const text = fc.oneof(fc.constantFrom('', ' ', '\n', 'Hi', ' padded '), fc.string({ maxLength: 12 }))
const cache = fc.option(fc.constant({ type: 'ephemeral' as const }), { nil: undefined })
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> => fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constant(null) }, { weight: 4, arbitrary })

const part: fc.Arbitrary<ContentPart> = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text, cache_control: cache }),
  fc.record({ type: fc.constant('image_url' as const), image_url: fc.record({ url: fc.constantFrom('https://example.com/a.png', 'data:image/png;base64,iVBO', 'data:application/pdf;base64,JVBE'), detail: fc.constantFrom(undefined, 'auto', 'low') }) }),
  fc.record({ type: fc.constant('file' as const), file: fc.oneof(fc.constant({}), fc.record({ file_data: fc.constantFrom('data:application/pdf;base64,JVBE', 'data:text/csv;base64,YQ==', 'data:audio/mp3;base64,YQ=='), filename: fc.constantFrom('a', 'b') }), fc.constant({ file_url: 'https://example.com/b.pdf' }), fc.constant({ file_id: 'file_1' })) }),
  fc.constant({ type: 'input_audio' as const, input_audio: { data: 'AA==', format: 'wav' } }),
  fc.constant({ type: 'opaque' as const, dialect: 'gemini', value: {} }),
  fc.constant({ type: 'of_tomorrow' } as unknown as ContentPart)
)
const content = fc.oneof(text, fc.array(part, { maxLength: 3 }))

const detail: fc.Arbitrary<ReasoningDetail> = fc.oneof(
  fc.record({ type: fc.constant('reasoning.text' as const), text, signature: fc.constantFrom(undefined, null, '', 'c2ln'), format: fc.constantFrom(undefined, 'anthropic', 'gemini', 'bedrock'), index: fc.option(fc.nat(4), { nil: undefined }) }),
  fc.record({ type: fc.constant('reasoning.encrypted' as const), data: fc.constant('enc'), format: fc.constantFrom('anthropic', 'openai-responses'), index: fc.option(fc.nat(4), { nil: undefined }) }),
  fc.record({ type: fc.constant('reasoning.summary' as const), summary: text })
)

/** What one step of a conversation adds. Ids get the step's number later, so that none stands twice. */
const step: fc.Arbitrary<(number: number) => ChatMessage[]> = fc.oneof(
  content.map((said) => () => [{ role: 'user' as const, content: said }]),
  text.map((said) => () => [{ role: 'system' as const, content: said }]),
  fc.tuple(fc.oneof(content, fc.constant(null)), fc.array(detail, { maxLength: 3 })).map(([said, details]) => () => [{ role: 'assistant' as const, content: said, reasoning_details: details }]),
  fc.record({
    said: fc.oneof(content, fc.constant(null)),
    details: fc.array(detail, { maxLength: 3 }),
    calls: fc.array(fc.record({ id: fc.constantFrom('call_', 'functions.f:', 'ü '), args: fc.constantFrom('', '{}', '{"a":1}') }), { minLength: 1, maxLength: 3 }),
    results: fc.infiniteStream(content),
    shuffled: fc.boolean()
  }).map(({ said, details, calls, results, shuffled }) => (number: number) => {
    const ids = calls.map(({ id }, index) => `${id}${number}_${index}`)
    const answers: ChatMessage[] = ids.map((id) => ({ role: 'tool', tool_call_id: id, content: results.next().value }))
    const assistant: ChatMessage = { role: 'assistant', content: said, reasoning_details: details, tool_calls: calls.map(({ args }, index) => ({ id: ids[index] as string, type: 'function', function: { name: 'f', arguments: args } })) }
    return [assistant, ...(shuffled ? answers.reverse() : answers)]
  })
)

const options = fc.record({
  max_tokens: maybe(fc.integer({ min: 1, max: 5_000 })),
  max_completion_tokens: maybe(fc.integer({ min: 1, max: 200_000 })),
  temperature: maybe(fc.double({ min: 0, max: 2, noNaN: true })),
  top_p: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
  top_k: maybe(fc.nat(100)),
  n: maybe(fc.constantFrom(1, 2)),
  stop: maybe(fc.oneof(text, fc.array(text, { maxLength: 3 }))),
  seed: maybe(fc.nat()),
  tools: maybe(fc.array(fc.oneof(
    fc.record({ type: fc.constant('function' as const), function: fc.record({ name: fc.constantFrom('f', 'g'), description: fc.constantFrom(undefined, 'd'), parameters: fc.constantFrom(undefined, null, {}, { type: 'object', properties: {} }), strict: fc.constantFrom(undefined, true, false, null) }), cache_control: cache }),
    fc.constant({ type: 'custom' } as never)
  ), { maxLength: 3 })),
  tool_choice: maybe(fc.constantFrom('auto' as const, 'none' as const, 'required' as const, { type: 'function' as const, function: { name: 'f' } }, { type: 'allowed_tools' } as never)),
  parallel_tool_calls: maybe(fc.boolean()),
  response_format: maybe(fc.constantFrom({ type: 'text' as const }, { type: 'json_object' as const }, { type: 'json_schema' as const, json_schema: { name: 'r', schema: { type: 'object', properties: {} } } })),
  reasoning_effort: maybe(fc.constantFrom('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'strange')),
  reasoning: maybe(fc.record({ effort: fc.constantFrom(undefined, null, 'none', 'low', 'xhigh'), max_tokens: fc.constantFrom(undefined, null, 0, 100, 2_000, 300_000), enabled: fc.constantFrom(undefined, true, false) })),
  user: maybe(fc.constant('u')),
  service_tier: maybe(fc.constantFrom('auto', 'default', 'flex')),
  of_tomorrow: maybe(fc.constant(1))
}, { requiredKeys: [] })

export const chatRequest: fc.Arbitrary<ChatRequest> = fc.tuple(fc.array(step, { maxLength: 6 }), options)
  .map(([steps, more]) => ({ ...more, model: 'm', messages: steps.flatMap((add, number) => add(number)) }))
