import { answerResponses } from '../canned/responses.ts'
import { expected } from '../cells.ts'
import { quick } from '../fake-provider.ts'
import type { FakeProvider } from '../fake-provider.ts'
import { checkerOf, json, Refusal, sse, startFakeServer } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { forcedTool, functionTool, jsonSchemaFormat, readMessages, toolsOf } from './chat-messages.ts'
import type { ChatBody } from './chat-messages.ts'
import { argumentPieces, embeddingOf, encodeEmbedding, piecesOf, replyTo } from './reply.ts'
import type { Reply } from './reply.ts'
import { anyObject, boolean, either, integer, list, numberBetween, object, oneOf, orNull, text } from './schema.ts'

const key = 'azure-main'
const apiVersion = '2024-10-21'
/** Deployments, which this resource named after their models. */
const model = 'gpt-4o-mini'
const embeddingModel = 'text-embedding-3-small'

const textPart = object({ type: { const: 'text' }, text })
const userPart = either(textPart, object({ type: { const: 'image_url' }, image_url: object({ url: text, 'detail?': oneOf('auto', 'low', 'high') }) }))
const assistantPart = either(textPart, object({ type: { const: 'refusal' }, refusal: text }))
const calls = list(object({ id: text, type: { const: 'function' }, function: object({ name: text, arguments: text }) }))

/** `createChatCompletionRequest` of the stable specification 2024-10-21: OpenAI's of that time. It has no role `developer`, no `store` and no `reasoning_effort`. */
const checkChat = checkerOf(object({
  'model?': text,
  messages: list(either(
    object({ role: { const: 'system' }, content: either(text, list(textPart)), 'name?': text }),
    object({ role: { const: 'user' }, content: either(text, list(userPart)), 'name?': text }),
    object({ role: { const: 'assistant' }, 'content?': orNull(either(text, list(assistantPart))), 'refusal?': orNull(text), 'tool_calls?': calls, 'name?': text }),
    object({ role: { const: 'tool' }, content: either(text, list(textPart)), tool_call_id: text })
  )),
  'stream?': orNull(boolean),
  'stream_options?': orNull(object({ include_usage: boolean })),
  'max_tokens?': orNull(integer),
  'max_completion_tokens?': orNull(integer),
  'temperature?': orNull(numberBetween(0, 2)),
  'top_p?': orNull(numberBetween(0, 1)),
  'frequency_penalty?': orNull(numberBetween(-2, 2)),
  'presence_penalty?': orNull(numberBetween(-2, 2)),
  'logit_bias?': orNull(anyObject),
  'logprobs?': orNull(boolean),
  'top_logprobs?': orNull(integer),
  'n?': orNull(integer),
  'seed?': orNull(integer),
  'stop?': orNull(either(text, list(text))),
  'user?': text,
  'parallel_tool_calls?': boolean,
  'tools?': list(functionTool),
  'tool_choice?': either(oneOf('none', 'auto', 'required'), object({ type: { const: 'function' }, function: object({ name: text }) })),
  'response_format?': either(object({ type: oneOf('text', 'json_object') }), jsonSchemaFormat)
}))
const checkEmbedding = checkerOf(object({ 'model?': text, input: either(text, list(text)), 'user?': text, 'input_type?': text, 'encoding_format?': orNull(oneOf('float', 'base64')), 'dimensions?': orNull(integer) }))

const usage = { prompt_tokens: expected.usage.inputTokens, completion_tokens: expected.usage.outputTokens, total_tokens: 18 }
const filters = Object.fromEntries(['hate', 'self_harm', 'sexual', 'violence'].map((name) => [name, { filtered: false, severity: 'safe' }]))
const promptFilters = { prompt_filter_results: [{ prompt_index: 0, content_filter_results: filters }] }
const envelope = { id: 'chatcmpl-AZ1', created: 1_760_000_000, model: 'gpt-4o-mini-2024-07-18', system_fingerprint: 'fp_44f3' }

export const azureProvider: FakeProvider = {
  name: 'azure',
  model,
  embeddingModel,
  lacks: [],
  start: (owner) => startFakeServer(owner, answerAzure),
  toConfig: ({ url }) => ({ keys: [{ name: 'main', value: key, models: ['*'], azure_key_config: { endpoint: url, api_version: apiVersion } }], network_config: quick })
}

function answerAzure ({ method, path, headers, body }: FakeRequest): FakeAnswer {
  if (headers['api-key'] !== key) throw new Refusal('Access denied due to invalid subscription key or wrong API endpoint.')
  switch (`${method} ${path}`) {
    case `POST /openai/deployments/${embeddingModel}/embeddings?api-version=${apiVersion}`: {
      checkEmbedding(body)
      const inputs = Array.isArray(body['input']) ? body['input'] : [body['input']]
      return json({ object: 'list', model: embeddingModel, data: inputs.map((input, index) => ({ object: 'embedding', index, embedding: encodeEmbedding(embeddingOf(input), body['encoding_format']) })), usage: { prompt_tokens: 2, total_tokens: 2 } })
    }
    case `POST /openai/deployments/${model}/chat/completions?api-version=${apiVersion}`: return answerChat(body)
    case `POST /openai/responses?api-version=${apiVersion}`: return answerResponses(body)
    default: throw new Refusal('no such path, deployment or api-version')
  }
}

function answerChat (body: Record<string, unknown>): FakeAnswer {
  checkChat(body)
  const chat = body as unknown as ChatBody
  const reply = replyTo({ ...readMessages(chat.messages), tools: toolsOf(chat), format: body['response_format'], forced: forcedTool(chat) })
  if (reply.kind === 'failure') return json({ error: { code: 'RateLimitReached', message: expected.errorMessage } }, 429, { 'retry-after': '0', 'retry-after-ms': '0' })
  if (chat.stream === true) return { contentType: 'text/event-stream', chunks: sse(toAzureChunks(reply, (body['stream_options'] as { include_usage?: boolean } | null | undefined)?.include_usage === true)) }
  const message = reply.kind === 'text' ? { content: reply.text } : { content: null, tool_calls: [callOf(reply, JSON.stringify(reply.arguments))] }
  return json({
    ...envelope,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', refusal: null, ...message }, logprobs: null, finish_reason: finishReasonOf(reply), content_filter_results: reply.kind === 'text' ? filters : {} }],
    ...promptFilters,
    usage
  })
}

function callOf ({ name }: { name: string }, said: string): object {
  return { id: 'call_Azure1', type: 'function', function: { name, arguments: said } }
}

function finishReasonOf ({ kind }: Reply): string {
  return kind === 'text' ? 'stop' : 'tool_calls'
}

/** The verdict on the prompt comes first, in a chunk of empty names and no choice. */
export function toAzureChunks (reply: Exclude<Reply, { kind: 'failure' }>, withUsage: boolean): { data: unknown }[] {
  const chunk = (delta: object, reason: string | null = null): { data: unknown } => ({
    data: { ...envelope, object: 'chat.completion.chunk', choices: [{ index: 0, delta, logprobs: null, finish_reason: reason, content_filter_results: 'content' in delta && delta.content !== null && delta.content !== '' ? filters : {} }] }
  })
  return [
    { data: { choices: [], created: 0, id: '', model: '', object: '', ...promptFilters } },
    ...reply.kind === 'text'
      ? [chunk({ role: 'assistant', content: '', refusal: null }), ...piecesOf(reply.text).map((content) => chunk({ content }))]
      : [
          chunk({ role: 'assistant', content: null, refusal: null, tool_calls: [{ index: 0, ...callOf(reply, '') }] }),
          ...argumentPieces(reply.arguments).map((said) => chunk({ tool_calls: [{ index: 0, function: { arguments: said } }] }))
        ],
    chunk({}, finishReasonOf(reply)),
    ...withUsage ? [{ data: { ...envelope, object: 'chat.completion.chunk', choices: [], usage } }] : [],
    { data: '[DONE]' }
  ]
}
