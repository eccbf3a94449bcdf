import fc from 'fast-check'
import type { ChatRequest } from '../../src/api/chat.ts'

const text = fc.string({ maxLength: 8 })
const cache = fc.option(fc.constant({ type: 'ephemeral' as const }), { nil: undefined })
const part = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text, cache_control: cache }),
  fc.record({ type: fc.constant('image_url' as const), image_url: fc.record({ url: fc.constant('https://a.example/x.png') }) }),
  fc.record({ type: fc.constant('file' as const), file: fc.record({ file_id: text }) }),
  fc.record({ type: fc.constant('opaque' as const), dialect: fc.constantFrom('anthropic', 'gemini'), value: fc.constant({ a: 1 }) })
)
const content = fc.oneof(text, fc.array(part, { minLength: 1, maxLength: 3 }))
const detail = fc.oneof(
  fc.record({ type: fc.constant('reasoning.text' as const), text, signature: fc.option(text) }),
  fc.record({ type: fc.constant('reasoning.encrypted' as const), data: text, format: fc.constantFrom('anthropic', 'openai-responses') })
)
const call = fc.record({
  id: text,
  type: fc.constant('function' as const),
  function: fc.record({ name: text, arguments: fc.constantFrom('{}', '{"a":1}') }),
  extra_content: fc.option(fc.constant({ google: { thought_signature: 'c2ln' } }), { nil: undefined })
})
const message = fc.oneof(
  fc.record({ role: fc.constantFrom('system' as const, 'developer' as const, 'user' as const), content }),
  fc.record({ role: fc.constant('assistant' as const), content: fc.option(content), reasoning_content: fc.option(text), reasoning_details: fc.option(fc.array(detail, { maxLength: 2 })), tool_calls: fc.option(fc.array(call, { maxLength: 2 })), refusal: fc.option(text) }, { requiredKeys: ['role'] }),
  fc.record({ role: fc.constant('tool' as const), tool_call_id: text, content, is_error: fc.boolean(), cache_control: cache }, { requiredKeys: ['role', 'tool_call_id', 'content'] })
)
const tool = fc.record({ type: fc.constant('function' as const), function: fc.record({ name: text, parameters: fc.constant({ type: 'object' }) }), cache_control: cache })

/** Canonical requests with everything that OpenAI's own API does not know. */
export const chatRequests: fc.Arbitrary<ChatRequest> = fc.record({
  model: fc.constant('m'),
  messages: fc.array(message, { minLength: 1, maxLength: 6 }),
  tools: fc.option(fc.array(tool, { maxLength: 2 })),
  top_k: fc.option(fc.nat({ max: 9 })),
  max_tokens: fc.option(fc.nat({ max: 99 })),
  max_completion_tokens: fc.option(fc.nat({ max: 99 })),
  reasoning: fc.option(fc.record({ effort: fc.option(fc.constantFrom('low', 'high')), max_tokens: fc.option(fc.nat()) })),
  reasoning_effort: fc.option(fc.constantFrom('low', 'high')),
  stream_options: fc.option(fc.record({ include_usage: fc.boolean() }))
}, { requiredKeys: ['model', 'messages'] })
