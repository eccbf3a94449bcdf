import { checkerOf } from '../fake-server.ts'
import { anyObject, boolean, either, integer, list, numberBetween, object, oneOf, orNull, someText, text } from './schema.ts'

const id = { type: 'string', pattern: '^[a-zA-Z0-9_-]+$' }
const name = { type: 'string', pattern: '^[a-zA-Z0-9_-]{1,128}$' }
const cached = { 'cache_control?': orNull(object({ type: { const: 'ephemeral' }, 'ttl?': oneOf('5m', '1h') })) }

const textBlock = object({ type: { const: 'text' }, text: someText, 'citations?': { type: ['array', 'null'] }, ...cached })
const image = object({
  type: { const: 'image' },
  source: either(
    object({ type: { const: 'base64' }, media_type: oneOf('image/jpeg', 'image/png', 'image/gif', 'image/webp'), data: someText }),
    object({ type: { const: 'url' }, url: someText })
  ),
  ...cached
})
/** `DocumentBlockParam` */
const document = object({
  type: { const: 'document' },
  source: either(
    object({ type: { const: 'base64' }, media_type: { const: 'application/pdf' }, data: someText }),
    object({ type: { const: 'text' }, media_type: { const: 'text/plain' }, data: text }),
    object({ type: { const: 'url' }, url: someText })
  ),
  'title?': orNull(text),
  'context?': orNull(text),
  ...cached
})
const toolUse = object({ type: { const: 'tool_use' }, id, name, input: anyObject, 'caller?': object({ type: { const: 'direct' } }), ...cached })
const toolResult = object({ type: { const: 'tool_result' }, tool_use_id: id, 'content?': either(text, list(either(textBlock, image, document), 0)), 'is_error?': boolean, ...cached })
const thinking = object({ type: { const: 'thinking' }, thinking: text, signature: text })
const redacted = object({ type: { const: 'redacted_thinking' }, data: text })
const parallel = { 'disable_parallel_tool_use?': boolean }

/** `MessageCreateParams`: members that these tests can reach. */
const members = {
  model: { const: 'claude-haiku-4-5' },
  max_tokens: { type: 'integer', minimum: 1, maximum: 64_000 },
  messages: list(either(
    object({ role: { const: 'user' }, content: either(someText, list(either(textBlock, image, document, toolResult))) }),
    object({ role: { const: 'assistant' }, content: either(someText, list(either(textBlock, toolUse, thinking, redacted))) })
  )),
  'system?': either(someText, list(textBlock)),
  'stream?': boolean,
  'stop_sequences?': list(someText, 0),
  'metadata?': object({ 'user_id?': orNull(text) }),
  'service_tier?': oneOf('auto', 'standard_only'),
  'thinking?': either(
    object({ type: { const: 'enabled' }, budget_tokens: { type: 'integer', minimum: 1024 }, 'display?': orNull(text) }),
    object({ type: { const: 'adaptive' }, 'display?': orNull(text) }),
    object({ type: { const: 'disabled' } })
  ),
  'tools?': list(object({ name, input_schema: { type: 'object', required: ['type'], properties: { type: { const: 'object' } } }, 'description?': text, 'type?': orNull({ const: 'custom' }), 'strict?': boolean, 'eager_input_streaming?': boolean, ...cached }), 0),
  'tool_choice?': either(object({ type: oneOf('auto', 'any'), ...parallel }), object({ type: { const: 'none' } }), object({ type: { const: 'tool' }, name, ...parallel })),
  'output_config?': object({
    'effort?': orNull(oneOf('low', 'medium', 'high', 'xhigh', 'max')),
    // Structured output refuses objects that are left open.
    'format?': orNull(object({ type: { const: 'json_schema' }, schema: { type: 'object', required: ['type', 'additionalProperties'], properties: { additionalProperties: { const: false } } } }))
  })
}
/** The newer version of the API refuses these, whatever their values. */
const sampling = { 'temperature?': numberBetween(0, 1), 'top_p?': numberBetween(0, 1), 'top_k?': integer }

export const checkByVersion: Readonly<Record<string, (body: unknown) => void>> = {
  '2023-06-01': checkerOf(object({ ...members, ...sampling })),
  '2026-10-21': checkerOf(object(members))
}

/** On Vertex AI the model stands in the path and the version in the body. */
const { model: _model, ...membersOnVertex } = members
export const checkOnVertex = checkerOf(object({ ...membersOnVertex, ...sampling, anthropic_version: { const: 'vertex-2023-10-16' } }))

export interface MessagesBody {
  messages: { role: 'user' | 'assistant', content: string | Block[] }[]
  stream?: boolean
  thinking?: { type: string }
  tools?: { name: string, input_schema: unknown }[]
  tool_choice?: { type: string, name?: string }
  output_config?: { format?: { schema: unknown } | null }
}

export type Block =
  | { type: 'text', text: string }
  | { type: 'tool_use', id: string, name: string, input: object }
  | { type: 'tool_result', tool_use_id: string, content?: unknown }
  | { type: 'image' | 'thinking' | 'redacted_thinking' }
