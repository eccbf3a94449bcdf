import { expected } from '../cells.ts'
import { quick } from '../fake-provider.ts'
import type { FakeProvider } from '../fake-provider.ts'
import { checkerOf, json, Refusal, startFakeServer } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { answerCompatible } from './ollama-compatible.ts'
import { embeddingOf, piecesOf, replyTo } from './reply.ts'
import type { Asked, Reply } from './reply.ts'
import { anyObject, boolean, either, integer, list, object, oneOf, text } from './schema.ts'

const model = 'llama3.2'
const embeddingModel = 'nomic-embed-text'
const number = { type: 'number' }
const whole = ['num_ctx', 'num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'num_keep', 'seed', 'num_predict', 'top_k', 'repeat_last_n']
const fractions = ['top_p', 'min_p', 'typical_p', 'temperature', 'repeat_penalty', 'presence_penalty', 'frequency_penalty']

const options = object({ ...Object.fromEntries(whole.map((name) => [`${name}?`, integer])), ...Object.fromEntries(fractions.map((name) => [`${name}?`, number])), 'use_mmap?': boolean, 'stop?': list(text, 0) })
const keepAlive = { 'keep_alive?': either(text, number) }
const images = { 'images?': list({ type: 'string', pattern: '^[A-Za-z0-9+/]+={0,2}$' }, 0) }

/** `ChatRequest`. Ollama passes over what it does not know; here that is refused, because it would be lost. */
const checkChat = checkerOf(object({
  model: { const: model },
  messages: list(either(
    object({ role: oneOf('system', 'user'), content: text, ...images }),
    object({ role: { const: 'assistant' }, 'content?': text, 'thinking?': text, 'tool_calls?': list(object({ 'id?': text, 'type?': text, function: object({ 'index?': integer, name: text, arguments: anyObject }) })), ...images }),
    // `Message` has images whatever its role.
    object({ role: { const: 'tool' }, content: text, 'tool_name?': text, 'tool_call_id?': text, ...images })
  )),
  'stream?': boolean,
  'format?': either(oneOf('', 'json'), anyObject),
  'tools?': list(object({ type: { const: 'function' }, function: object({ name: text, 'description?': text, 'parameters?': anyObject }) }), 0),
  'think?': either(boolean, oneOf('low', 'medium', 'high')),
  'logprobs?': boolean,
  'top_logprobs?': integer,
  'options?': options,
  ...keepAlive
}))
const checkEmbed = checkerOf(object({ model: { const: embeddingModel }, input: either(text, list(text)), 'truncate?': boolean, 'dimensions?': integer, 'options?': options, ...keepAlive }))

/** Both APIs of the server: its own under `/api` and its copy of OpenAI's under `/v1`. */
export const ollamaProvider: FakeProvider = {
  name: 'ollama',
  model,
  embeddingModel,
  lacks: [],
  start: (owner) => startFakeServer(owner, answerOllama),
  toConfig: ({ url }) => ({ network_config: { base_url: url, ...quick } })
}

interface NativeBody {
  messages: { role: string, content?: string, tool_name?: string, tool_call_id?: string, tool_calls?: Call[] }[]
  stream?: boolean
  format?: unknown
  tools?: { function: { name: string, parameters?: unknown } }[]
}

interface Call { id?: string, function: { name: string, arguments: object } }

function answerOllama (request: FakeRequest): FakeAnswer {
  const { method, path, body } = request
  switch (`${method} ${path}`) {
    case 'POST /api/chat':
      return answerChat(body as unknown as NativeBody)
    case 'POST /api/embed': {
      checkEmbed(body)
      const inputs = Array.isArray(body['input']) ? body['input'] : [body['input']]
      return json({ model: embeddingModel, embeddings: inputs.map(embeddingOf), total_duration: 14_143_917, load_duration: 1_019_500, prompt_eval_count: 2 })
    }
    default: return answerCompatible(request, model, embeddingModel)
  }
}

function answerChat (body: NativeBody): FakeAnswer {
  const reply = replyTo(readOllama(body))
  if (reply.kind === 'failure') return json({ error: expected.errorMessage }, 429)
  const [first, ...others] = toLines(reply)
  // Ollama streams unless it is told not to.
  if (body.stream === false) return json({ ...others.at(-1), message: messageOf(reply) })
  return { contentType: 'application/x-ndjson', chunks: [first, ...others].map((line) => `${JSON.stringify(line)}\n`) }
}

/** Ollama would answer results that it cannot tell the calls of, and worse for it. */
export function readOllama (body: unknown): Asked {
  checkChat(body)
  const { messages, tools = [], format } = body as NativeBody
  let calls: Call[] = []
  let results: Asked['results'][number][] = []
  for (const { role, content, tool_calls: said = [], tool_name: name, tool_call_id: id } of messages) {
    if (role !== 'tool') {
      if (calls.length > 0) throw new Refusal(`calls without results: ${calls.map((call) => call.function.name).join(', ')}`)
      calls = [...said]
      results = []
      continue
    }
    const call = calls.find((one) => one.function.name === name || (id !== undefined && one.id === id))
    if (call === undefined) throw new Refusal(`no call directly before has the name ${String(name)} or the id ${String(id)}`)
    calls.splice(calls.indexOf(call), 1)
    results.push({ name: call.function.name, arguments: call.function.arguments, content })
  }
  if (calls.length > 0) throw new Refusal(`calls without results: ${calls.map((call) => call.function.name).join(', ')}`)
  return { said: messages.findLast(({ role }) => role === 'user')?.content ?? '', results, tools: tools.map(({ function: { name, parameters } }) => ({ name, schema: parameters })), format }
}

function messageOf (reply: Exclude<Reply, { kind: 'failure' }>): object {
  return reply.kind === 'text'
    ? { role: 'assistant', content: reply.text }
    : { role: 'assistant', content: '', tool_calls: [{ id: 'call_x7rn5sl5', function: { index: 0, name: reply.name, arguments: reply.arguments } }] }
}

/** A call comes whole; the last line has the counts, and the reason `stop` after calls too. */
export function toLines (reply: Exclude<Reply, { kind: 'failure' }>): object[] {
  const line = (message: object): object => ({ model, created_at: '2026-08-13T12:11:45.201398Z', message, done: false })
  return [
    ...reply.kind === 'text' ? piecesOf(reply.text).map((content) => line({ role: 'assistant', content })) : [line(messageOf(reply))],
    {
      ...line({ role: 'assistant', content: '' }),
      done: true,
      done_reason: 'stop',
      total_duration: 4_883_583_458,
      load_duration: 1_334_875,
      prompt_eval_count: expected.usage.inputTokens,
      prompt_eval_duration: 342_546_000,
      eval_count: expected.usage.outputTokens,
      eval_duration: 4_535_599_000
    }
  ]
}
