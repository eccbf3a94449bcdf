import { answerResponses } from '../canned/responses.ts'
import { expected } from '../cells.ts'
import { checkerOf, json, Refusal, sse } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { functionTool, readMessages, toolsOf } from './chat-messages.ts'
import type { ChatBody } from './chat-messages.ts'
import { embeddingOf, encodeEmbedding, piecesOf, replyTo } from './reply.ts'
import type { Reply } from './reply.ts'
import { anyObject, boolean, either, integer, list, object, oneOf, orNull, text } from './schema.ts'

const number = { type: 'number' }
const textPart = object({ type: { const: 'text' }, text })
/** Ollama loads no images from addresses. */
const imagePart = object({ type: { const: 'image_url' }, image_url: either({ type: 'string', pattern: '^data:' }, object({ url: { type: 'string', pattern: '^data:' }, 'detail?': text })) })
const call = object({ id: text, 'index?': integer, 'type?': { const: 'function' }, function: object({ name: text, arguments: text }) })

/** `reasoning_content` is of others, who may send it beside Ollama's own name for it. */
const assistant = {
  ...object({ role: { const: 'assistant' }, 'content?': orNull(either(text, list(textPart))), 'reasoning?': text, 'reasoning_content?': text, 'refusal?': { type: 'null' }, 'tool_calls?': list(call) }),
  dependentRequired: { reasoning_content: ['reasoning'] }
}

/** `ChatCompletionRequest` of Ollama's `openai` package. What it does not know it passes over; here that is refused where it would be lost. */
const checkChat = checkerOf(object({
  model: text,
  messages: list(either(
    object({ role: oneOf('system', 'developer', 'user'), content: either(text, list(either(textPart, imagePart))), 'name?': text }),
    assistant,
    object({ role: { const: 'tool' }, content: either(text, list(textPart)), tool_call_id: text, 'name?': text })
  )),
  'stream?': orNull(boolean),
  'stream_options?': orNull(object({ include_usage: boolean })),
  'max_tokens?': orNull(integer),
  'seed?': orNull(integer),
  'stop?': orNull(either(text, list(text, 0))),
  'temperature?': orNull(number),
  'frequency_penalty?': orNull(number),
  'presence_penalty?': orNull(number),
  'top_p?': orNull(number),
  'logprobs?': orNull(boolean),
  'top_logprobs?': orNull(integer),
  'response_format?': orNull(either(object({ type: oneOf('text', 'json_object') }), object({ type: { const: 'json_schema' }, json_schema: object({ 'name?': text, 'description?': text, schema: anyObject, 'strict?': orNull(boolean) }) }))),
  'tools?': list(functionTool, 0),
  'reasoning?': object({ 'effort?': text }),
  'reasoning_effort?': orNull(text),
  // Not known to Ollama, but these values are what it does anyway.
  'tool_choice?': { const: 'auto' },
  'n?': { const: 1 }
}))
const checkEmbedding = checkerOf(object({ model: text, input: either(text, list(text)), 'dimensions?': integer, 'encoding_format?': oneOf('float', 'base64') }))

const usage = { prompt_tokens: expected.usage.inputTokens, completion_tokens: expected.usage.outputTokens, total_tokens: 18 }

/** Ollama's copy of OpenAI's API. */
export function answerCompatible ({ method, path, body }: FakeRequest, model: string, embeddingModel: string): FakeAnswer {
  switch (`${method} ${path}`) {
    case 'POST /v1/embeddings': {
      checkEmbedding(body)
      if (body['model'] !== embeddingModel) throw new Refusal(`model "${String(body['model'])}" not found, try pulling it first`)
      const inputs = Array.isArray(body['input']) ? body['input'] : [body['input']]
      return json({ object: 'list', data: inputs.map((input, index) => ({ object: 'embedding', embedding: encodeEmbedding(embeddingOf(input), body['encoding_format']), index })), model: embeddingModel, usage: { prompt_tokens: 2, total_tokens: 2 } })
    }
    case 'POST /v1/chat/completions':
      checkChat(body)
      if (body['model'] !== model) throw new Refusal(`model "${String(body['model'])}" not found, try pulling it first`)
      return answerChat(body, { id: 'chatcmpl-873', created: 1_786_615_905, model, system_fingerprint: 'fp_ollama' })
    case 'POST /v1/responses': return answerResponses(body)
    default: throw new Refusal('404 page not found')
  }
}

function answerChat (body: Record<string, unknown>, envelope: object): FakeAnswer {
  const chat = body as unknown as ChatBody
  for (const { content, tool_calls: calls } of chat.messages) {
    if (content == null && calls == null) throw new Refusal('invalid message content type: <nil>')
  }
  const reply = replyTo({ ...readMessages(chat.messages), tools: toolsOf(chat), format: body['response_format'] })
  if (reply.kind === 'failure') return json({ error: { message: expected.errorMessage, type: 'api_error', param: null, code: null } }, 429)
  if (chat.stream === true) return { contentType: 'text/event-stream', chunks: sse(toChunks(reply, envelope, (body['stream_options'] as { include_usage?: boolean } | null | undefined)?.include_usage === true)) }
  const message = reply.kind === 'text' ? { content: reply.text } : { content: '', tool_calls: [callOf(reply)] }
  return json({ ...envelope, object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finishReasonOf(reply) }], usage })
}

function callOf ({ name, arguments: given }: { name: string, arguments: object }): object {
  return { id: 'call_x7rn5sl5', index: 0, type: 'function', function: { name, arguments: JSON.stringify(given) } }
}

function finishReasonOf ({ kind }: Reply): string {
  return kind === 'text' ? 'stop' : 'tool_calls'
}

/** A call comes whole in one chunk. */
function toChunks (reply: Exclude<Reply, { kind: 'failure' }>, envelope: object, withUsage: boolean): { data: unknown }[] {
  const chunk = (delta: object, reason: string | null = null): { data: unknown } => ({ data: { ...envelope, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }] } })
  return [
    ...reply.kind === 'text'
      ? piecesOf(reply.text).map((content, index) => chunk({ ...index === 0 ? { role: 'assistant' } : {}, content }))
      : [chunk({ role: 'assistant', content: '', tool_calls: [callOf(reply)] })],
    chunk({}, finishReasonOf(reply)),
    ...withUsage ? [{ data: { ...envelope, object: 'chat.completion.chunk', choices: [], usage } }] : [],
    { data: '[DONE]' }
  ]
}
