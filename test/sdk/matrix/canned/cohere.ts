import { expected } from '../cells.ts'
import { json, sse } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { askedOf, models, requireCallAndResult, requireSame, textFor, toArgumentPieces, toolArgumentsText, toWords } from './asked.ts'
import type { Asked } from './asked.ts'

const callId = 'get_weather_cgvndtjtzzkh'
const usage = { billed_units: { input_tokens: 3, output_tokens: 2 }, tokens: { input_tokens: expected.usage.inputTokens, output_tokens: expected.usage.outputTokens }, cached_tokens: 0 }

export function answerAsCohere ({ path, headers, body }: FakeRequest): FakeAnswer {
  requireSame('authorization', headers.authorization, 'Bearer client-key')
  if (path === '/cohere/v2/embed') {
    requireSame('body', body, { model: models.embeddingModel, texts: expected.embeddingInputs, input_type: 'search_document', embedding_types: ['float'] })
    return json({ id: 'embed-1', texts: expected.embeddingInputs, embeddings: { float: expected.embeddings }, meta: { api_version: { version: '2' }, billed_units: { input_tokens: 2 } }, response_type: 'embeddings_by_type' })
  }
  requireSame('path', path, '/cohere/v2/chat')
  requireSame('model', body['model'], models.model)
  const asked = askedOf(body)
  if (asked === 'errors') return json({ id: 'error-1', message: expected.errorMessage }, 429)
  if (asked === 'results') requireCallAndResult(body, callId)
  if (asked === 'structured') requireSame('response_format.type', (body['response_format'] as { type?: string } | undefined)?.type, 'json_object')
  if (body['stream'] === true) return toStream(asked)
  return json({
    id: 'chat-1',
    message: asked === 'tools'
      ? { role: 'assistant', tool_plan: 'I will look up the weather.', tool_calls: [{ id: callId, type: 'function', function: { name: expected.toolName, arguments: toolArgumentsText } }] }
      : { role: 'assistant', content: [{ type: 'text', text: textFor(asked) }] },
    finish_reason: asked === 'tools' ? 'TOOL_CALL' : 'COMPLETE',
    usage
  })
}

function toStream (asked: Asked): FakeAnswer {
  const events: { type: string, [member: string]: unknown }[] = [
    { type: 'message-start', id: 'chat-1', delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } },
    ...asked === 'tools'
      ? [
          ...toWords('I will look up the weather.').map((plan) => ({ type: 'tool-plan-delta', delta: { message: { tool_plan: plan } } })),
          { type: 'tool-call-start', index: 0, delta: { message: { tool_calls: { id: callId, type: 'function', function: { name: expected.toolName, arguments: '' } } } } },
          ...toArgumentPieces().map((piece) => ({ type: 'tool-call-delta', index: 0, delta: { message: { tool_calls: { function: { arguments: piece } } } } })),
          { type: 'tool-call-end', index: 0 }
        ]
      : [
          { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
          ...toWords(textFor(asked)).map((text) => ({ type: 'content-delta', index: 0, delta: { message: { content: { text } } } })),
          { type: 'content-end', index: 0 }
        ],
    { type: 'message-end', delta: { finish_reason: asked === 'tools' ? 'TOOL_CALL' : 'COMPLETE', usage } }
  ]
  return { contentType: 'text/event-stream', chunks: sse([...events.map((event) => ({ name: event.type, data: event })), { data: '[DONE]' }]) }
}
