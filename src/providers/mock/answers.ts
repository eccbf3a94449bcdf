import type { Operation } from '../../api/operations.ts'
import type { MockSettings } from '../../api/settings.ts'
import type { JobFrame } from '../../api/job.ts'
import { toBase64Floats } from '../../api/base64-floats.ts'

/** Characters per token, for usage figures that look like a provider's. */
const charactersPerToken = 4
const embeddingInputsMax = 2048

/** What the mock says to a job: pure text building, no timers. */
interface MockAnswer {
  /** Pieces of the answer, one per streamed event. */
  tokens: string[]
  inputTokens: number
}

function toMockAnswer (settings: MockSettings, job: JobFrame): MockAnswer {
  const text = settings.text === '' ? `This is only a mock response to a request of ${job.body.length} bytes for the model ${job.model}.` : settings.text
  const words = text.split(/(?<= )/)
  const count = Math.max(1, settings.tokens)
  return {
    tokens: Array.from({ length: count }, (_, index) => {
      const word = words[index % words.length] as string
      // A text shorter than the wanted number of tokens starts again, one space apart.
      return index > 0 && index % words.length === 0 ? ` ${word}` : word
    }),
    inputTokens: Math.max(1, Math.round(job.body.length / charactersPerToken))
  }
}

/** A unary answer as OpenAI would print it. */
export function toMockReply (settings: MockSettings, job: JobFrame, createdSeconds: number): { body: Buffer, inputTokens: number, outputTokens: number } {
  const answer = toMockAnswer(settings, job)
  const content = answer.tokens.join('')
  const outputTokens = job.operation === 'embedding' ? 0 : answer.tokens.length
  const usage = toUsageObject(job.operation, answer.inputTokens, outputTokens)
  const id = `${job.operation === 'responses' ? 'resp' : 'chatcmpl'}-mock-${job.id}`
  const body = toReplyObject(settings, job, { id, content, createdSeconds, usage })
  return { body: Buffer.from(JSON.stringify(body)), inputTokens: answer.inputTokens, outputTokens }
}

function toReplyObject (settings: MockSettings, job: JobFrame, answer: { id: string, content: string, createdSeconds: number, usage: object }): object {
  const { id, content, createdSeconds: created, usage } = answer
  switch (job.operation) {
    case 'chat_completion':
      return { id, object: 'chat.completion', created, model: job.model, choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: 'stop' }], usage }
    case 'text_completion':
      return { id, object: 'text_completion', created, model: job.model, choices: [{ index: 0, text: content, logprobs: null, finish_reason: 'stop' }], usage }
    case 'embedding':
      return { object: 'list', model: job.model, data: toEmbeddings(settings, job), usage }
    case 'responses':
      return { id, object: 'response', created_at: created, status: 'completed', error: null, model: job.model, output: [{ id: `msg-mock-${job.id}`, type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: content, annotations: [] }] }], usage }
    default:
      throw new RangeError(`the mock knows no ${job.operation}`)
  }
}

function toEmbeddings (settings: MockSettings, job: JobFrame): object[] {
  const request = JSON.parse(job.body.toString('utf8')) as { input?: unknown }
  const inputs = Array.isArray(request.input) && typeof request.input[0] !== 'number' ? request.input.slice(0, embeddingInputsMax) : [request.input]
  return inputs.map((input, index) => {
    const vector = toVector(JSON.stringify(input ?? ''), settings.embeddingDimensions)
    return { object: 'embedding', index, embedding: job.base64Embeddings ? toBase64Floats(vector) : vector }
  })
}

/** The same text always gives the same unit vector: a small xorshift seeded by the characters. */
function toVector (text: string, dimensions: number): number[] {
  let state = 2166136261
  for (let index = 0; index < text.length; index++) state = Math.imul(state ^ text.charCodeAt(index), 16777619)
  const vector = Array.from({ length: dimensions }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return Math.fround((state >>> 0) / 2 ** 31 - 1)
  })
  const length = Math.hypot(...vector) || 1
  return vector.map((value) => Math.fround(value / length))
}

/** The event texts of a stream: one per token between an opening and the closing ones. */
export function toMockEvents (settings: MockSettings, job: JobFrame, createdSeconds: number): { events: string[], inputTokens: number, outputTokens: number } {
  const answer = toMockAnswer(settings, job)
  const events = job.operation === 'responses' ? toResponsesEvents(job, answer, createdSeconds) : toChunkEvents(job, answer, createdSeconds)
  return { events, inputTokens: answer.inputTokens, outputTokens: answer.tokens.length }
}

function toChunkEvents (job: JobFrame, answer: MockAnswer, created: number): string[] {
  const chat = job.operation === 'chat_completion'
  const base = { id: `chatcmpl-mock-${job.id}`, object: chat ? 'chat.completion.chunk' : 'text_completion', created, model: job.model }
  const choice = (delta: object | string, finish: string | null): object => chat
    ? { ...base, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] }
    : { ...base, choices: [{ index: 0, text: typeof delta === 'string' ? delta : '', logprobs: null, finish_reason: finish }] }
  const chunks = answer.tokens.map((token) => choice(chat ? { content: token } : token, null))
  if (chat) chunks.unshift(choice({ role: 'assistant', content: '' }, null))
  chunks.push(choice({}, 'stop'))
  chunks.push({ ...base, choices: [], usage: toUsageObject(job.operation, answer.inputTokens, answer.tokens.length) })
  return [...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`), 'data: [DONE]\n\n']
}

function toResponsesEvents (job: JobFrame, answer: MockAnswer, created: number): string[] {
  const id = `resp-mock-${job.id}`
  const item = `msg-mock-${job.id}`
  const response = (status: string, extra: object): object => ({ id, object: 'response', created_at: created, status, model: job.model, error: null, ...extra })
  const events: [string, object][] = [
    ['response.created', { response: response('in_progress', { output: [] }) }],
    ...answer.tokens.map((token): [string, object] => ['response.output_text.delta', { item_id: item, output_index: 0, content_index: 0, delta: token }]),
    ['response.completed', {
      response: response('completed', {
        output: [{ id: item, type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: answer.tokens.join(''), annotations: [] }] }],
        usage: toUsageObject('responses', answer.inputTokens, answer.tokens.length)
      })
    }]
  ]
  return events.map(([type, fields], index) => `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: index, ...fields })}\n\n`)
}

function toUsageObject (operation: Operation, inputTokens: number, outputTokens: number): object {
  const total = inputTokens + outputTokens
  if (operation === 'responses') return { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: total }
  if (operation === 'embedding') return { prompt_tokens: inputTokens, total_tokens: inputTokens }
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: total }
}
