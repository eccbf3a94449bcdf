import type { ChatRequest, ChatUsage, FinishReason, JsonObject } from '../../api/chat.ts'
import type { AnswerContext } from '../dialect.ts'
import { isRecord } from './invalid-request.ts'
import type { OutputItem, ResponseObject, ResponseUsage } from './wire.ts'

/** Where the client's own body hangs on the canonical request; not enumerable, so that it goes nowhere else. */
const kAsked = Symbol('responses request')

/** A Response says again what it was asked for, in the words in which it was asked. */
export function keepAsked (request: ChatRequest, body: JsonObject): void {
  Object.defineProperty(request, kAsked, { value: body })
}

function askedOf (request: ChatRequest): JsonObject {
  return (request as { [kAsked]?: JsonObject })[kAsked] ?? {}
}

/** A Response that has just begun. @param id the provider's, or empty */
export function createResponse (request: ChatRequest, id: string, model: string, createdSeconds: number, context: AnswerContext): ResponseObject {
  const asked = askedOf(request)
  const text = isRecord(asked['text']) ? asked['text'] : {}
  const reasoning = isRecord(asked['reasoning']) ? asked['reasoning'] : {}
  return {
    id: toResponseId(id, context),
    object: 'response',
    created_at: createdSeconds === 0 ? context.nowSeconds : createdSeconds,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: asked['instructions'] ?? null,
    max_output_tokens: asked['max_output_tokens'] ?? null,
    max_tool_calls: null,
    metadata: asked['metadata'] ?? {},
    model: model === '' ? context.model : model,
    output: [],
    parallel_tool_calls: asked['parallel_tool_calls'] ?? true,
    previous_response_id: null,
    reasoning: { effort: reasoning['effort'] ?? null, summary: reasoning['summary'] ?? null },
    service_tier: asked['service_tier'] ?? 'auto',
    store: false,
    temperature: asked['temperature'] ?? 1,
    text: { format: text['format'] ?? { type: 'text' }, ...text['verbosity'] === undefined ? {} : { verbosity: text['verbosity'] } },
    tool_choice: asked['tool_choice'] ?? 'auto',
    tools: asked['tools'] ?? [],
    top_logprobs: asked['top_logprobs'] ?? 0,
    top_p: asked['top_p'] ?? 1,
    truncation: 'disabled',
    usage: null,
    user: asked['user'] ?? null
  }
}

function toResponseId (id: string, context: AnswerContext): string {
  return id.startsWith('resp_') ? id : `resp_${id === '' ? context.newId() : id.replace(/^chatcmpl-/, '')}`
}

export function finishResponse (response: ResponseObject, output: OutputItem[], reason: FinishReason | null, usage: ChatUsage | null): ResponseObject {
  const cut = cutReasonOf(reason)
  return { ...response, status: cut === null ? 'completed' : 'incomplete', incomplete_details: cut === null ? null : { reason: cut }, output, usage: usage === null ? null : toResponseUsage(usage) }
}

export function cutReasonOf (reason: FinishReason | null): 'max_output_tokens' | 'content_filter' | null {
  return reason === 'length' ? 'max_output_tokens' : reason === 'content_filter' ? 'content_filter' : null
}

function toResponseUsage (usage: ChatUsage): ResponseUsage {
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total, prompt_tokens_details: prompt, completion_tokens_details: completion } = usage
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: prompt?.cached_tokens ?? 0, cache_write_tokens: prompt?.cache_write_tokens ?? 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: completion?.reasoning_tokens ?? 0 },
    total_tokens: total ?? input + output
  }
}
