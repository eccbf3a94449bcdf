import { expected } from '../cells.ts'
import { quick } from '../fake-provider.ts'
import type { FakeProvider } from '../fake-provider.ts'
import { checkerOf, json, Refusal, sse, startFakeServer } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { forcedTool, functionTool, readMessages, textOf, toolsOf } from './chat-messages.ts'
import type { ChatBody } from './chat-messages.ts'
import { argumentPieces, embeddingOf, piecesOf, replyTo } from './reply.ts'
import type { Asked, Reply } from './reply.ts'
import { anyObject, boolean, either, integer, list, numberBetween, object, oneOf, someText, text } from './schema.ts'

const key = 'cohere-main'
const model = 'command-a-03-2025'
const embeddingModel = 'embed-v4.0'
const toolPlan = 'I will look up the weather in Paris.'

const textPart = object({ type: { const: 'text' }, text })
const userPart = either(textPart, object({ type: { const: 'image_url' }, image_url: object({ url: text, 'detail?': oneOf('auto', 'low', 'high') }) }))
const documentPart = object({ type: { const: 'document' }, document: object({ data: anyObject, 'id?': text }) })
const calls = list(object({ id: someText, type: { const: 'function' }, function: object({ name: text, arguments: text }) }))

/** `V2ChatRequest`. It has no `n`, no `top_p`, no `parallel_tool_calls`; a tool has no `strict`. */
const checkChat = checkerOf(object({
  model: { const: model },
  messages: list(either(
    object({ role: { const: 'system' }, content: either(text, list(textPart)) }),
    object({ role: { const: 'user' }, content: either(someText, list(userPart)) }),
    object({ role: { const: 'assistant' }, 'content?': either(text, list(either(textPart, object({ type: { const: 'thinking' }, thinking: text })), 0)), 'tool_calls?': calls, 'tool_plan?': text, 'citations?': list(anyObject, 0) }),
    object({ role: { const: 'tool' }, content: either(text, list(either(textPart, documentPart))), tool_call_id: someText })
  )),
  'stream?': boolean,
  'tools?': list({ ...functionTool, not: { properties: { function: { required: ['strict'] } } } }),
  'strict_tools?': boolean,
  'tool_choice?': oneOf('REQUIRED', 'NONE'),
  'documents?': list(either(text, anyObject), 0),
  'citation_options?': anyObject,
  'response_format?': either(object({ type: { const: 'text' } }), object({ type: { const: 'json_object' }, 'json_schema?': anyObject })),
  'safety_mode?': oneOf('CONTEXTUAL', 'STRICT', 'OFF'),
  'max_tokens?': { type: 'integer', minimum: 1 },
  'stop_sequences?': { ...list(text, 0), maxItems: 5 },
  'temperature?': numberBetween(0, 1),
  'seed?': integer,
  'frequency_penalty?': numberBetween(0, 1),
  'presence_penalty?': numberBetween(0, 1),
  'k?': numberBetween(0, 500),
  'p?': numberBetween(0.01, 0.99),
  'logprobs?': boolean,
  'thinking?': object({ type: oneOf('enabled', 'disabled'), 'token_budget?': integer }),
  'priority?': integer
}))
const checkEmbed = checkerOf(object({
  model: { const: embeddingModel },
  input_type: oneOf('search_document', 'search_query', 'classification', 'clustering', 'image'),
  texts: { ...list(text), maxItems: 96 },
  'embedding_types?': list(oneOf('float', 'int8', 'uint8', 'binary', 'ubinary', 'base64')),
  'output_dimension?': { enum: [256, 512, 1024, 1536] },
  'max_tokens?': integer,
  'truncate?': oneOf('NONE', 'START', 'END'),
  'priority?': integer
}))

/** What is billed is less than what the model read: Cohere's own prompt is free. */
const usage = { billed_units: { input_tokens: 3, output_tokens: 5 }, tokens: { input_tokens: expected.usage.inputTokens, output_tokens: expected.usage.outputTokens }, cached_tokens: 0 }

export const cohereProvider: FakeProvider = {
  name: 'cohere',
  model,
  embeddingModel,
  lacks: [],
  start: (owner) => startFakeServer(owner, answerCohere),
  toConfig: ({ url }) => ({ keys: [{ name: 'main', value: key, models: ['*'] }], network_config: { base_url: url, ...quick } })
}

function answerCohere ({ method, path, headers, body }: FakeRequest): FakeAnswer {
  if (headers.authorization?.toLowerCase() !== `bearer ${key}`) throw new Refusal('invalid api token')
  switch (`${method} ${path}`) {
    case 'POST /v2/embed': {
      checkEmbed(body)
      const texts = body['texts'] as string[]
      const types = (body['embedding_types'] ?? ['float']) as string[]
      if (types.join() !== 'float') throw new Refusal(`nobody asks for vectors as ${types.join()}`)
      return json({ id: 'bff40c60-c168-4bbd-af03-745a81c23f7e', texts, embeddings: { float: texts.map(embeddingOf) }, meta: { api_version: { version: '2' }, billed_units: { input_tokens: 2, image_tokens: 0 } }, response_type: 'embeddings_by_type' })
    }
    case 'POST /v2/chat': return answerChat(body)
    default: throw new Refusal('no such path')
  }
}

function answerChat (body: Record<string, unknown>): FakeAnswer {
  const chat = body as unknown as ChatBody
  const reply = replyTo(readCohere(body))
  if (reply.kind === 'failure') return json({ id: 'c167e04b-cfc2-44a9-927c-6d78c47fb5fe', message: expected.errorMessage }, 429)
  if (chat.stream === true) return { contentType: 'text/event-stream', chunks: [...sse(toCohereEvents(reply)), 'data: [DONE]\n\n'] }
  const message = reply.kind === 'text'
    ? { role: 'assistant', content: [{ type: 'text', text: reply.text }] }
    : { role: 'assistant', tool_plan: toolPlan, tool_calls: [callOf(reply, JSON.stringify(reply.arguments))] }
  return json({ id: '0e964922-1d40-478f-b7a7-7e6916a56f9f', message, finish_reason: finishReasonOf(reply), usage })
}

/** @throws Refusal for what Cohere does not take */
export function readCohere (body: Record<string, unknown>): Asked {
  checkChat(body)
  const chat = body as unknown as ChatBody
  const isJson = (body['response_format'] as { type?: string } | undefined)?.type === 'json_object'
  if (isJson && (chat.tools ?? []).length > 0) throw new Refusal('response_format of type json_object is not supported with tools')
  if (chat.tool_choice !== undefined && (chat.tools ?? []).length === 0) throw new Refusal('tool_choice needs tools')
  // The last word may be the assistant's or the system's since 2025 (SillyTavern/SillyTavern#3692, #3908). Somebody else than the system must
  // have said something (Bifrost's own translation for Cohere says so).
  if (chat.messages.every(({ role }) => role === 'system')) throw new Refusal('a conversation needs a message of the user')
  if (chat.messages.some(({ role, content, tool_calls: said }) => role === 'assistant' && textOf(content) === '' && (said ?? []).length === 0)) throw new Refusal('an assistant message needs content or tool_calls')
  return { ...readMessages(chat.messages), tools: toolsOf(chat), format: body['response_format'], forced: forcedTool(chat) }
}

function callOf ({ name }: { name: string }, said: string): object {
  return { id: `${name}_vvavrb8p34fk`, type: 'function', function: { name, arguments: said } }
}

function finishReasonOf ({ kind }: Reply): string {
  return kind === 'text' ? 'COMPLETE' : 'TOOL_CALL'
}

/** In pieces `content` and `tool_calls` are objects, where whole messages have lists of them. */
export function toCohereEvents (reply: Exclude<Reply, { kind: 'failure' }>): { name: string, data: object }[] {
  const event = (name: string, message?: object, index?: number): { name: string, data: object } => ({ name, data: { type: name, ...index === undefined ? {} : { index }, ...message === undefined ? {} : { delta: { message } } } })
  return [
    { name: 'message-start', data: { id: 'a0790929-b18f-4399-ae12-09b9659922bd', type: 'message-start', delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } } },
    ...reply.kind === 'text'
      ? [
          event('content-start', { content: { type: 'text', text: '' } }, 0),
          ...piecesOf(reply.text).map((piece) => event('content-delta', { content: { text: piece } }, 0)),
          event('content-end', undefined, 0)
        ]
      : [
          ...piecesOf(toolPlan).map((piece) => event('tool-plan-delta', { tool_plan: piece })),
          event('tool-call-start', { tool_calls: callOf(reply, '') }, 0),
          ...argumentPieces(reply.arguments).map((said) => event('tool-call-delta', { tool_calls: { function: { arguments: said } } }, 0)),
          event('tool-call-end', undefined, 0)
        ],
    { name: 'message-end', data: { type: 'message-end', delta: { finish_reason: finishReasonOf(reply), usage } } }
  ]
}
