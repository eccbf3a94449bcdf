import { expected, questions } from '../cells.ts'
import { answerResponses } from '../canned/responses.ts'
import { quick } from '../fake-provider.ts'
import type { FakeProvider } from '../fake-provider.ts'
import { checkerOf, json, Refusal, sse, startFakeServer } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'

const text = { type: 'string' }
const toolCalls = {
  type: 'array',
  minItems: 1,
  items: { type: 'object', required: ['id', 'type', 'function'], additionalProperties: false, properties: { id: text, type: { const: 'function' }, function: { type: 'object', required: ['name', 'arguments'], additionalProperties: false, properties: { name: text, arguments: text } } } }
}
const parts = { type: 'array', minItems: 1, items: { type: 'object', required: ['type'], properties: { type: { enum: ['text', 'image_url', 'input_audio', 'file', 'refusal'] } } } }
const content = { anyOf: [text, parts] }

/** `CreateChatCompletionRequest` of OpenAI's specification, the members that these tests can reach; others are refused. */
const checkChat = checkerOf({
  type: 'object',
  required: ['model', 'messages'],
  additionalProperties: false,
  properties: {
    model: { const: 'gpt-4o-mini' },
    messages: {
      type: 'array',
      minItems: 1,
      items: {
        oneOf: [
          { type: 'object', required: ['role', 'content'], additionalProperties: false, properties: { role: { enum: ['system', 'developer'] }, content, name: text } },
          { type: 'object', required: ['role', 'content'], additionalProperties: false, properties: { role: { const: 'user' }, content, name: text } },
          { type: 'object', required: ['role'], additionalProperties: false, properties: { role: { const: 'assistant' }, content: { anyOf: [content, { type: 'null' }] }, refusal: { type: ['string', 'null'] }, tool_calls: toolCalls, name: text } },
          { type: 'object', required: ['role', 'content', 'tool_call_id'], additionalProperties: false, properties: { role: { const: 'tool' }, content, tool_call_id: text } }
        ]
      }
    },
    stream: { type: ['boolean', 'null'] },
    stream_options: { type: ['object', 'null'], additionalProperties: false, properties: { include_usage: { type: 'boolean' } } },
    max_tokens: { type: ['integer', 'null'] },
    max_completion_tokens: { type: ['integer', 'null'] },
    temperature: { type: ['number', 'null'], minimum: 0, maximum: 2 },
    top_p: { type: ['number', 'null'] },
    frequency_penalty: { type: ['number', 'null'] },
    presence_penalty: { type: ['number', 'null'] },
    n: { type: ['integer', 'null'] },
    stop: {},
    seed: { type: ['integer', 'null'] },
    user: text,
    store: {},
    metadata: {},
    parallel_tool_calls: { type: 'boolean' },
    reasoning_effort: { type: ['string', 'null'] },
    tools: { type: 'array', minItems: 1, items: { type: 'object', required: ['type', 'function'], additionalProperties: false, properties: { type: { const: 'function' }, function: { type: 'object', required: ['name'], additionalProperties: false, properties: { name: text, description: text, parameters: { type: 'object' }, strict: { type: ['boolean', 'null'] } } } } } },
    tool_choice: {},
    response_format: { type: 'object', required: ['type'], additionalProperties: false, properties: { type: { enum: ['text', 'json_object', 'json_schema'] }, json_schema: { type: 'object', required: ['name'], additionalProperties: false, properties: { name: text, description: text, schema: { type: 'object' }, strict: { type: ['boolean', 'null'] } } } } }
  }
})
const checkEmbedding = checkerOf({
  type: 'object',
  required: ['model', 'input'],
  additionalProperties: false,
  properties: { model: { const: 'text-embedding-3-small' }, input: { anyOf: [text, { type: 'array', minItems: 1, items: text }] }, encoding_format: { enum: ['float', 'base64'] }, dimensions: { type: 'integer' }, user: text }
})

const usage = { prompt_tokens: expected.usage.inputTokens, completion_tokens: expected.usage.outputTokens, total_tokens: 18 }
const call = { id: 'call_Paris1', type: 'function', function: { name: expected.toolName, arguments: JSON.stringify(expected.toolArguments) } }

export const openAiProvider: FakeProvider = {
  name: 'openai',
  model: 'gpt-4o-mini',
  embeddingModel: 'text-embedding-3-small',
  lacks: [],
  start: (owner) => startFakeServer(owner, answerOpenAi),
  toConfig: ({ url }) => ({ keys: [{ name: 'main', value: 'sk-openai', models: ['*'] }], network_config: { base_url: url, ...quick } })
}

function answerOpenAi ({ path, headers, body }: FakeRequest): FakeAnswer {
  if (headers.authorization !== 'Bearer sk-openai') throw new Refusal(`authorization is ${String(headers.authorization)}`)
  if (path === '/v1/embeddings') {
    checkEmbedding(body)
    const inputs = Array.isArray(body['input']) ? body['input'] : [body['input']]
    return json({ object: 'list', model: 'text-embedding-3-small', data: inputs.map((_input, index) => ({ object: 'embedding', index, embedding: expected.embeddings[index] })), usage: { prompt_tokens: 2, total_tokens: 2 } })
  }
  if (path === '/v1/responses') return answerResponses(body)
  if (path !== '/v1/chat/completions') throw new Refusal('no such path')
  checkChat(body)
  const said = questionOf(body)
  if (said === questions.fail) return json({ error: { message: expected.errorMessage, type: 'requests', param: null, code: 'rate_limit_exceeded' } }, 429)
  const message = toMessage(body, said)
  return body['stream'] === true
    ? toStream(message, (body['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true)
    : json({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_760_000_000,
      model: 'gpt-4o-mini-2024-07-18',
      choices: [{ index: 0, message: { role: 'assistant', refusal: null, ...message }, logprobs: null, finish_reason: 'tool_calls' in message ? 'tool_calls' : 'stop' }],
      usage
    })
}

interface Message { content: string | null, tool_calls?: (typeof call)[] }

/** @returns what the last user message says */
function questionOf (body: Record<string, unknown>): string {
  const users = (body['messages'] as { role: string, content: string | { text?: string }[] }[]).filter(({ role }) => role === 'user')
  const last = users.at(-1)?.content
  return typeof last === 'string' ? last : (last ?? []).map((part) => part.text ?? '').join('')
}

function toMessage (body: Record<string, unknown>, said: string): Message {
  const messages = body['messages'] as { role: string, content: unknown, tool_calls?: unknown, tool_call_id?: string }[]
  const result = messages.find(({ role }) => role === 'tool')
  if (result !== undefined) {
    const calls = messages.flatMap((message) => (message.tool_calls ?? []) as (typeof call)[])
    if (!calls.some(({ id }) => id === result.tool_call_id)) throw new Refusal(`no tool call has the id ${String(result.tool_call_id)}`)
    if (!JSON.stringify(result.content).includes('21')) throw new Refusal(`the result of the tool is ${JSON.stringify(result.content)}`)
    return { content: expected.afterTools }
  }
  if (said === questions.weather) {
    if (!JSON.stringify(body['tools'] ?? null).includes('"city"')) throw new Refusal('the tool is missing')
    return { content: null, tool_calls: [call] }
  }
  if (said === questions.structured) {
    if ((body['response_format'] as { type?: string } | undefined)?.type !== 'json_schema') throw new Refusal('response_format is missing')
    return { content: JSON.stringify(expected.structured) }
  }
  return { content: expected.text }
}

function toStream (message: Message, withUsage: boolean): FakeAnswer {
  const chunk = (delta: object, reason: string | null = null): { data: object } => ({ data: { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'gpt-4o-mini-2024-07-18', choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }] } })
  const pieces = message.tool_calls === undefined
    ? (message.content as string).split(/(?<= )/).map((content) => chunk({ content }))
    : [chunk({ tool_calls: [{ index: 0, ...call, function: { name: expected.toolName, arguments: '' } }] }), ...call.function.arguments.split(/(?<=:)/).map((part) => chunk({ tool_calls: [{ index: 0, function: { arguments: part } }] }))]
  return {
    contentType: 'text/event-stream; charset=utf-8',
    chunks: sse([
      chunk({ role: 'assistant', content: message.tool_calls === undefined ? '' : null, refusal: null }), ...pieces,
      chunk({}, message.tool_calls === undefined ? 'stop' : 'tool_calls'),
      ...withUsage ? [{ data: { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'gpt-4o-mini-2024-07-18', choices: [], usage } }] : [],
      { data: '[DONE]' }
    ])
  }
}
