import { toEmbeddingList } from './embeddings.ts'
import type { MockOperation } from './operations.ts'
import type { MockRequest } from './request-body.ts'

export const mockCreatedSeconds = 1_735_689_600
const promptTokens = 42

const words = 'the mock answers with plain words so that every gateway carries the same bytes '.split(' ').filter(Boolean)

function answerText (tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => words[index % words.length]).join(' ')
}

export function chatUsage (completionTokens: number): Record<string, unknown> {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 }
  }
}

function responsesUsage (outputTokens: number): Record<string, unknown> {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + outputTokens
  }
}

/** A response object of `/v1/responses`; `text` is null while it is still being written. */
export function responseObject (model: string, text: string | null, tokens: number): Record<string, unknown> {
  return {
    id: 'resp_mock',
    object: 'response',
    created_at: mockCreatedSeconds,
    status: text === null ? 'in_progress' : 'completed',
    error: null,
    incomplete_details: null,
    model,
    output: text === null ? [] : [responseMessage(text)],
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    metadata: {},
    usage: text === null ? null : responsesUsage(tokens)
  }
}

export function responseMessage (text: string | null): Record<string, unknown> {
  return {
    id: 'msg_mock',
    type: 'message',
    role: 'assistant',
    status: text === null ? 'in_progress' : 'completed',
    content: text === null ? [] : [{ type: 'output_text', text, annotations: [] }]
  }
}

/** The bytes of a unary answer, padded with spaces (legal after JSON) up to `bodyBytes`. */
export function buildAnswer (operation: MockOperation, request: MockRequest, tokens: number, bodyBytes: number): Buffer {
  const json = JSON.stringify(answerOf(operation, request, tokens))
  return Buffer.from(json.padEnd(bodyBytes, ' '))
}

function answerOf (operation: MockOperation, request: MockRequest, tokens: number): Record<string, unknown> {
  const { model } = request
  switch (operation) {
    case 'chat':
      return {
        id: 'chatcmpl-mock',
        object: 'chat.completion',
        created: mockCreatedSeconds,
        model,
        choices: [{ index: 0, message: { role: 'assistant', content: answerText(tokens), refusal: null }, logprobs: null, finish_reason: 'stop' }],
        usage: chatUsage(tokens),
        service_tier: 'default',
        system_fingerprint: 'fp_mock'
      }
    case 'completions':
      return {
        id: 'cmpl-mock',
        object: 'text_completion',
        created: mockCreatedSeconds,
        model,
        choices: [{ index: 0, text: answerText(tokens), logprobs: null, finish_reason: 'stop' }],
        usage: chatUsage(tokens)
      }
    case 'embeddings':
      return {
        object: 'list',
        data: toEmbeddingList(request),
        model,
        usage: { prompt_tokens: promptTokens, total_tokens: promptTokens }
      }
    case 'responses':
      return responseObject(model, answerText(tokens), tokens)
  }
}

export const modelList = Buffer.from(JSON.stringify({
  object: 'list',
  data: ['gpt-4o-mini', 'gpt-4o', 'text-embedding-3-small'].map((id) => ({ id, object: 'model', created: mockCreatedSeconds, owned_by: 'mock' }))
}))

export function buildError (status: number): Buffer {
  const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error'
  return Buffer.from(JSON.stringify({ error: { message: `The mock upstream answers ${status}.`, type, param: null, code: `mock_${status}` } }))
}
