import { expected } from '../cells.ts'
import { quick } from '../fake-provider.ts'
import type { FakeProvider } from '../fake-provider.ts'
import { checkerOf, json, Refusal, sse, startFakeServer } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { forcedTool, functionTool, jsonSchemaFormat, readMessages, textOf, toolsOf } from './chat-messages.ts'
import type { ChatBody, ChatMessage } from './chat-messages.ts'
import { embeddingOf, encodeEmbedding, padding, piecesOf, replyTo } from './reply.ts'
import type { Asked, Reply } from './reply.ts'
import { anyObject, boolean, either, integer, list, numberBetween, object, oneOf, orNull, text } from './schema.ts'

const key = 'mistral-main'
const model = 'mistral-small-latest'
const embeddingModel = 'mistral-embed'
/** Anything else is error 3280. */
const callId = { type: 'string', pattern: '^[a-zA-Z0-9]{9}$' }

const textPart = object({ type: { const: 'text' }, text })
const part = either(textPart, object({ type: { const: 'image_url' }, image_url: either(text, object({ url: text, 'detail?': text })) }), object({ type: { const: 'document_url' }, document_url: text, 'document_name?': orNull(text) }), object({ type: { const: 'input_audio' }, input_audio: either(text, anyObject) }), object({ type: { const: 'thinking' }, thinking: list(textPart, 0), 'closed?': boolean, 'signature?': text }))
const content = either(text, list(part, 0))
const call = object({ id: callId, 'type?': { const: 'function' }, function: object({ name: text, arguments: either(text, anyObject) }), 'index?': integer })

/** `ChatCompletionRequest`. Members that it does not have, `stream_options`, `seed`, `user`, `refusal` of a message and more, are error 422 (extra_forbidden). */
const checkChat = checkerOf(object({
  model: { const: model },
  messages: list(either(
    object({ role: { const: 'system' }, content: either(text, list(textPart)) }),
    object({ role: { const: 'user' }, content: orNull(content) }),
    object({ role: { const: 'assistant' }, 'content?': orNull(content), 'tool_calls?': orNull(list(call, 0)), 'prefix?': boolean }),
    object({ role: { const: 'tool' }, content: orNull(content), 'tool_call_id?': callId, 'name?': orNull(text) })
  )),
  'stream?': boolean,
  'temperature?': orNull(numberBetween(0, 1.5)),
  'top_p?': orNull(numberBetween(0, 1)),
  'max_tokens?': orNull({ type: 'integer', minimum: 0 }),
  'stop?': orNull(either(text, list(text, 0))),
  'random_seed?': orNull({ type: 'integer', minimum: 0 }),
  'metadata?': orNull(anyObject),
  'response_format?': either(object({ type: oneOf('text', 'json_object') }), jsonSchemaFormat),
  'tools?': orNull(list({ allOf: [functionTool, { properties: { function: { required: ['parameters'] } } }] }, 0)),
  'tool_choice?': either(oneOf('auto', 'none', 'any', 'required'), object({ 'type?': { const: 'function' }, function: object({ name: text }) })),
  'presence_penalty?': orNull(numberBetween(-2, 2)),
  'frequency_penalty?': orNull(numberBetween(-2, 2)),
  'n?': orNull({ type: 'integer', minimum: 1 }),
  'prediction?': anyObject,
  'parallel_tool_calls?': boolean,
  'reasoning_effort?': orNull(text),
  'prompt_mode?': orNull({ const: 'reasoning' }),
  'prompt_cache_key?': orNull(text),
  'service_tier?': orNull(text),
  'safe_prompt?': boolean
}))
const checkEmbedding = checkerOf(object({ model: { const: embeddingModel }, input: either(text, list(text)), 'metadata?': orNull(anyObject), 'output_dimension?': orNull(integer), 'output_dtype?': { const: 'float' }, 'encoding_format?': oneOf('float', 'base64') }))

const usage = { prompt_tokens: expected.usage.inputTokens, total_tokens: 18, completion_tokens: expected.usage.outputTokens, prompt_tokens_details: { cached_tokens: 0 }, service_tier: 'standard' }
const embeddingUsage = { prompt_audio_seconds: null, prompt_tokens: 2, total_tokens: 2, completion_tokens: 0, request_count: null, prompt_tokens_details: null }
const envelope = { id: '95e349e3e7c04cc6b2c1700095d121f7', created: 1_787_150_178, model }

export const mistralProvider: FakeProvider = {
  name: 'mistral',
  model,
  embeddingModel,
  lacks: [],
  start: (owner) => startFakeServer(owner, answerMistral),
  toConfig: ({ url }) => ({ keys: [{ name: 'main', value: key, models: ['*'] }], network_config: { base_url: url, ...quick } })
}

function answerMistral ({ method, path, headers, body }: FakeRequest): FakeAnswer {
  if (headers.authorization !== `Bearer ${key}`) throw new Refusal('Invalid API Key')
  switch (`${method} ${path}`) {
    case 'POST /v1/embeddings': {
      checkEmbedding(body)
      const inputs = Array.isArray(body['input']) ? body['input'] : [body['input']]
      return json({ id: 'd3ce4157eb6c4993b0f3e4d6b0ec48ba', object: 'list', data: inputs.map((input, index) => ({ object: 'embedding', embedding: encodeEmbedding(embeddingOf(input), body['encoding_format']), index })), model: embeddingModel, usage: embeddingUsage })
    }
    case 'POST /v1/chat/completions': return answerChat(body)
    default: throw new Refusal('no such path')
  }
}

function answerChat (body: Record<string, unknown>): FakeAnswer {
  const chat = body as unknown as ChatBody
  const reply = replyTo(readMistral(body))
  if (reply.kind === 'failure') return json({ object: 'error', message: expected.errorMessage, type: 'rate_limited', param: null, code: '1300' }, 429)
  if (chat.stream === true) return { contentType: 'text/event-stream; charset=utf-8', chunks: sse(toMistralChunks(reply)) }
  const message = reply.kind === 'text' ? { role: 'assistant', tool_calls: null, content: reply.text } : { role: 'assistant', tool_calls: [callOf(reply)], content: '' }
  return json({ ...envelope, usage, object: 'chat.completion', choices: [{ index: 0, finish_reason: finishReasonOf(reply), message }] })
}

/** @throws Refusal for what Mistral does not take */
export function readMistral (body: Record<string, unknown>): Asked {
  checkChat(body)
  const chat = body as unknown as ChatBody
  checkOrder(chat.messages)
  return { ...readMessages(chat.messages), tools: toolsOf(chat), format: body['response_format'], forced: forcedTool(chat) }
}

/** Mistral has its own grammar of conversations. */
function checkOrder (messages: readonly ChatMessage[]): void {
  for (const [index, { role, content: said, tool_calls: calls }] of messages.entries()) {
    const before = messages[index - 1]?.role
    if (role === 'system' && before !== undefined && before !== 'system') throw new Refusal(`Unexpected role 'system' after role '${before}'`)
    if (before === 'tool' && role === 'user') throw new Refusal('Unexpected role \'user\' after role \'tool\'')
    if (role === 'assistant' && !saysSomething(said) && (calls ?? []).length === 0) throw new Refusal('Assistant message must have either content or tool_calls, but not none.')
  }
  const last = messages.at(-1) as ChatMessage & { prefix?: boolean }
  if (!['user', 'tool'].includes(last.role) && last.prefix !== true) throw new Refusal(`Expected last role User or Tool (or Assistant with prefix True) for serving but got ${last.role}`)
}

/** Thoughts count. */
function saysSomething (said: unknown): boolean {
  return textOf(said) !== '' || (Array.isArray(said) && (said as { type: string }[]).some(({ type }) => type === 'thinking'))
}

function callOf ({ name, arguments: given }: { name: string, arguments: object }): object {
  return { id: 'g6fVbXS8K', type: 'function', function: { name, arguments: JSON.stringify(given) }, index: 0 }
}

function finishReasonOf ({ kind }: Reply): string {
  return kind === 'text' ? 'stop' : 'tool_calls'
}

/** The last piece, or the whole call, comes with the reason and the usage in one chunk. */
export function toMistralChunks (reply: Exclude<Reply, { kind: 'failure' }>): { data: unknown }[] {
  const deltas: object[] = reply.kind === 'text' ? piecesOf(reply.text).map((piece) => ({ content: piece })) : [{ tool_calls: [callOf(reply)] }]
  const chunk = (delta: object, end: object | null): object => ({ ...envelope, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: end === null ? null : finishReasonOf(reply) }], ...end })
  return [
    { data: chunk({ role: 'assistant', content: '' }, null) },
    ...deltas.map((delta, index) => ({ data: { ...chunk(delta, index === deltas.length - 1 ? { usage } : null), p: padding(index) } })),
    { data: '[DONE]' }
  ]
}
