import { expected } from '../cells.ts'
import { json, sse } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { askedOf, models, requireCallAndResult, requireSame, textFor, toArgumentPieces, toolArgumentsText, toWords } from './asked.ts'
import type { Asked } from './asked.ts'

export interface OpenAiDialect {
  chatPath: string
  embeddingsPath: string
  /** Header that carries the client's key, and how. */
  key: readonly [string, string]
  callId: string
  /** Mistral streams a call whole, in one piece with the end of the message and the usage, and gives embeddings an id. */
  isMistral: boolean
}

const base = { id: 'chatcmpl-1', created: 1_760_000_000, model: 'gpt-4o-mini-2024-07-18' }
const usage = { prompt_tokens: expected.usage.inputTokens, completion_tokens: expected.usage.outputTokens, total_tokens: 18 }

/** Chat completions and embeddings as OpenAI, Azure and Mistral answer them. */
export function answerAsOpenAi (dialect: OpenAiDialect): (request: FakeRequest) => FakeAnswer {
  return ({ path, headers, body }) => {
    requireSame(dialect.key[0], headers[dialect.key[0]], dialect.key[1])
    if (path === dialect.embeddingsPath) return toEmbeddings(body, dialect.isMistral)
    requireSame('path', path, dialect.chatPath)
    requireSame('model', body['model'], models.model)
    const asked = askedOf(body)
    if (asked === 'errors') return json({ error: { message: expected.errorMessage, type: 'requests', param: null, code: 'rate_limit_exceeded' } }, 429)
    if (asked === 'results') requireCallAndResult(body, dialect.callId)
    if (asked === 'structured') requireSame('response_format.type', (body['response_format'] as { type?: string } | undefined)?.type, 'json_schema')
    if (body['stream'] === true) return dialect.isMistral ? toMistralStream(asked, dialect.callId) : toStream(asked, dialect.callId, body)
    return json({
      ...base,
      object: 'chat.completion',
      choices: [{
        index: 0,
        message: asked === 'tools' ? { role: 'assistant', content: null, tool_calls: [toCall(dialect.callId)] } : { role: 'assistant', content: textFor(asked) },
        finish_reason: asked === 'tools' ? 'tool_calls' : 'stop'
      }],
      usage
    })
  }
}

function toCall (id: string): { id: string, type: string, function: { name: string, arguments: string } } {
  return { id, type: 'function', function: { name: expected.toolName, arguments: toolArgumentsText } }
}

function toEmbeddings (body: Record<string, unknown>, withId: boolean): FakeAnswer {
  requireSame('model', body['model'], models.embeddingModel)
  requireSame('input', body['input'], expected.embeddingInputs)
  const asBase64 = body['encoding_format'] === 'base64'
  return json({
    ...withId ? { id: 'embd-1' } : {},
    object: 'list',
    model: 'text-embedding-3-small',
    data: expected.embeddings.map((numbers, index) => ({ object: 'embedding', index, embedding: asBase64 ? Buffer.from(Float32Array.from(numbers).buffer).toString('base64') : numbers })),
    usage: { prompt_tokens: 2, total_tokens: 2 }
  })
}

const toChunk = (delta: object, reason: string | null = null, more: object = {}): { data: object } => ({ data: { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }], ...more } })

function toStream (asked: Asked, callId: string, body: Record<string, unknown>): FakeAnswer {
  const pieces = asked === 'tools'
    ? [toChunk({ tool_calls: [{ index: 0, ...toCall(callId), function: { name: expected.toolName, arguments: '' } }] }), ...toArgumentPieces().map((part) => toChunk({ tool_calls: [{ index: 0, function: { arguments: part } }] }))]
    : toWords(textFor(asked)).map((content) => toChunk({ content }))
  const withUsage = (body['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true
  return {
    contentType: 'text/event-stream; charset=utf-8',
    chunks: sse([
      toChunk({ role: 'assistant', content: asked === 'tools' ? null : '' }), ...pieces, toChunk({}, asked === 'tools' ? 'tool_calls' : 'stop'),
      ...withUsage ? [{ data: { ...base, object: 'chat.completion.chunk', choices: [], usage } }] : [],
      { data: '[DONE]' }
    ])
  }
}

function toMistralStream (asked: Asked, callId: string): FakeAnswer {
  const pieces = asked === 'tools'
    ? [toChunk({ tool_calls: [{ ...toCall(callId), index: 0 }] }, 'tool_calls', { usage })]
    : [...toWords(textFor(asked)).map((content) => toChunk({ content })), toChunk({ content: '' }, 'stop', { usage })]
  return { contentType: 'text/event-stream; charset=utf-8', chunks: sse([toChunk({ role: 'assistant', content: '' }), ...pieces, { data: '[DONE]' }]) }
}
