import fc from 'fast-check'
import type { ChatMessage, ChatRequest, ContentPart } from '../../src/api/chat.ts'

const text = fc.oneof(fc.constantFrom('', ' ', 'a', 'Grüß Gott'), fc.string({ maxLength: 12 }))
const cache = fc.option(fc.record({ type: fc.constant('ephemeral' as const), ttl: fc.constantFrom('5m', '1h', '9h') }, { requiredKeys: ['type'] }), { freq: 4 })
const url = fc.constantFrom('data:image/png;base64,aGk=', 'data:image/webp;base64,aGk=', 'data:image/tiff;base64,aGk=', 'https://example.com/a.png', 'nonsense')
const fileName = fc.constantFrom('a.pdf', 'a.pdf', 'b_c.d.txt', '.md', '')
const part: fc.Arbitrary<ContentPart> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('text' as const), text, cache_control: cache }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('image_url' as const), image_url: fc.record({ url }), cache_control: cache }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('file' as const), file: fc.record({ filename: fileName, file_data: fc.constantFrom('data:application/pdf;base64,JVBE', 'data:application/octet-stream;base64,JVBE') }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('opaque' as const), dialect: fc.constantFrom('bedrock', 'gemini'), value: fc.constant({ video: {} }) }) }
)
const content = fc.oneof(text, fc.array(part, { maxLength: 3 }))
const id = fc.constantFrom('c1', 'c2', 'c.1', 'c:1', 'c/1', `${'x'.repeat(70)}1`, `${'x'.repeat(70)}2`)
const call = fc.record({ id, type: fc.constant('function' as const), function: fc.record({ name: fc.constantFrom('f', 'g'), arguments: fc.constantFrom('', '{}', '{"a":1}', '{"a":{"b":[1]}}') }) })
const detail = fc.oneof(
  fc.record({ type: fc.constant('reasoning.text' as const), text, signature: fc.constantFrom('', 'sig', null), format: fc.constantFrom('bedrock', 'gemini', 'anthropic') }),
  fc.record({ type: fc.constant('reasoning.encrypted' as const), data: fc.constant('ZW5j'), format: fc.constantFrom('bedrock', 'openai-responses') })
)
const message: fc.Arbitrary<ChatMessage> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ role: fc.constantFrom('system' as const, 'developer' as const), content }) },
  { weight: 4, arbitrary: fc.record({ role: fc.constant('user' as const), content }) },
  { weight: 4, arbitrary: fc.record({ role: fc.constant('assistant' as const), content: fc.option(content), tool_calls: fc.option(fc.uniqueArray(call, { maxLength: 3, selector: (one) => one.id })), reasoning_details: fc.option(fc.array(detail, { maxLength: 2 })), reasoning_content: fc.option(text) }) },
  { weight: 4, arbitrary: fc.record({ role: fc.constant('tool' as const), tool_call_id: id, content, is_error: fc.boolean(), cache_control: cache }, { requiredKeys: ['role', 'tool_call_id', 'content'] }) as fc.Arbitrary<ChatMessage> }
)

/** Without results that nothing called for, which every request with tools would soon hold. */
function withoutOrphans (messages: readonly ChatMessage[]): ChatMessage[] {
  const called = new Set<string>()
  return messages.filter((one) => {
    if (one.role === 'assistant') for (const { id: known } of one.tool_calls ?? []) called.add(known)
    return one.role !== 'tool' || called.has(one.tool_call_id)
  })
}

/** Requests of every kind that the canonical form can hold, senseless ones among them. */
export const chatRequests: fc.Arbitrary<ChatRequest> = fc.record({
  model: fc.constantFrom('us.anthropic.claude-haiku-4-5-20251001-v1:0', 'anthropic.claude-opus-4-6-v1', 'us.amazon.nova-2-lite-v1:0', 'openai.gpt-oss-20b-1:0', 'meta.llama3-8b-instruct-v1:0'),
  messages: fc.tuple(fc.constantFrom<ChatMessage[]>([{ role: 'user', content: 'Hi' }], []), fc.array(message, { maxLength: 8 }), fc.nat(9)).map(([first, rest, chance]) => [...first, ...chance === 0 ? rest : withoutOrphans(rest)]),
  max_tokens: fc.option(fc.constantFrom(1, 1_024, 1_025, 50_000)),
  temperature: fc.option(fc.constantFrom(0, 1, 2)),
  top_p: fc.option(fc.constantFrom(0.5)),
  top_k: fc.option(fc.constantFrom(5)),
  stop: fc.option(fc.oneof(text, fc.array(text, { maxLength: 2 }))),
  n: fc.option(fc.constantFrom(1, 2)),
  seed: fc.option(fc.integer()),
  tools: fc.option(fc.array(fc.record({ type: fc.constant('function' as const), function: fc.record({ name: fc.constantFrom('f', 'g'), description: text, parameters: fc.constantFrom({}, { type: 'object' }, null) }), cache_control: cache }), { maxLength: 2 })),
  tool_choice: fc.option(fc.constantFrom<NonNullable<ChatRequest['tool_choice']>>('auto', 'none', 'required', { type: 'function', function: { name: 'f' } })),
  reasoning_effort: fc.option(fc.constantFrom('none', 'minimal', 'low', 'medium', 'high', 'xhigh')),
  reasoning: fc.option(fc.record({ max_tokens: fc.option(fc.constantFrom(0, 500, 2_000, 100_000)), enabled: fc.option(fc.boolean()) })),
  response_format: fc.option(fc.constantFrom<NonNullable<ChatRequest['response_format']>>({ type: 'text' }, { type: 'json_object' }, { type: 'json_schema', json_schema: { name: 'n' } })),
  vendor: fc.option(fc.constant(1))
}, { requiredKeys: ['model', 'messages'] })
