import { expected } from '../cells.ts'
import { json, Refusal } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { askedOf, models, requireSame, textFor, toWords } from './asked.ts'
import type { Asked } from './asked.ts'

const base = { model: 'llama3.2', created_at: '2025-10-09T08:53:20.000Z' }
/** Also with tool calls the reason is `stop`. */
const end = { done: true, done_reason: 'stop', total_duration: 9, load_duration: 1, prompt_eval_count: expected.usage.inputTokens, prompt_eval_duration: 3, eval_count: expected.usage.outputTokens, eval_duration: 5 }
const callMessage = { role: 'assistant', content: '', tool_calls: [{ function: { name: expected.toolName, arguments: expected.toolArguments } }] }

export function answerAsOllama ({ path, body }: FakeRequest): FakeAnswer {
  if (path === '/api/embed') {
    requireSame('model', body['model'], models.embeddingModel)
    requireSame('input', body['input'], expected.embeddingInputs)
    return json({ model: 'nomic-embed-text', embeddings: expected.embeddings, total_duration: 9, load_duration: 1, prompt_eval_count: 2 })
  }
  requireSame('path', path, '/api/chat')
  requireSame('model', body['model'], models.model)
  const asked = askedOf(body)
  if (asked === 'errors') return json({ error: expected.errorMessage }, 429)
  if (asked === 'results') checkResult(body)
  if (asked === 'structured') requireSame('format.type', (body['format'] as { type?: string } | undefined)?.type, 'object')
  // A client that says nothing gets a stream.
  if (body['stream'] !== false) return toStream(asked)
  return json({ ...base, message: asked === 'tools' ? callMessage : { role: 'assistant', content: textFor(asked) }, ...end })
}

/** Ollama has no ids of calls: the result says the name of the tool. */
function checkResult (body: Record<string, unknown>): void {
  const [, call, result] = body['messages'] as { role: string, tool_name?: string, tool_calls?: { function: { name: string } }[] }[]
  if (result?.role !== 'tool' || result.tool_name !== call?.tool_calls?.[0]?.function.name) throw new Refusal('the result is not that of the call')
}

function toStream (asked: Asked): FakeAnswer {
  const messages = asked === 'tools' ? [callMessage] : toWords(textFor(asked)).map((content) => ({ role: 'assistant', content }))
  const lines = [...messages.map((message) => ({ ...base, message, done: false })), { ...base, message: { role: 'assistant', content: '' }, ...end }]
  return { contentType: 'application/x-ndjson', chunks: lines.map((line) => `${JSON.stringify(line)}\n`) }
}
