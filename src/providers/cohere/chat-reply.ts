import type { AssistantMessage, ChatReply, ChatUsage, FinishReason, ReasoningDetail, ToolCall } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import { badResponse } from '../bad-response.ts'
import { thinkingFormat, toolPlanFormat } from './wire.ts'
import type { CohereReply, CohereUsage, PartialCall } from './wire.ts'

const finishReasons: Readonly<Record<string, FinishReason>> = { COMPLETE: 'stop', STOP_SEQUENCE: 'stop', MAX_TOKENS: 'length', TOOL_CALL: 'tool_calls', ERROR_TOXIC: 'content_filter' }
const failures: Readonly<Record<string, number>> = { ERROR: 500, TIMEOUT: 504 }

export function toFinishReason (word: string): FinishReason {
  return finishReasons[word] ?? 'stop'
}

/** The failure that a finish reason stands for. @returns null for an answer */
export function failureOf (provider: string, word: string | undefined, message: string | undefined): GatewayError | null {
  const status = failures[word ?? '']
  if (status === undefined) return null
  return new GatewayError('BIFROST_UPSTREAM_STATUS', { status, provider, message: message ?? `${provider} ended its answer with ${word as string}.`, upstreamCode: word })
}

/** Cohere counts the cached part and the reasoning within the sums, as OpenAI does. */
export function toChatUsage (usage: CohereUsage): ChatUsage {
  const input = usage.tokens?.input_tokens ?? usage.billed_units?.input_tokens ?? 0
  const output = usage.tokens?.output_tokens ?? usage.billed_units?.output_tokens ?? 0
  const reasoning = usage.tokens?.reasoning_tokens
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...usage.cached_tokens === undefined ? {} : { prompt_tokens_details: { cached_tokens: usage.cached_tokens } },
    ...reasoning === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoning } }
  }
}

/** @throws GatewayError for an answer without a message, and for one that says that it failed */
export function fromChatReply (provider: string, body: unknown, model: string): ChatReply {
  const reply = body as CohereReply | null
  const failure = failureOf(provider, reply?.finish_reason, undefined)
  if (failure !== null) throw failure
  if (typeof reply?.message !== 'object' || reply.message === null) throw badResponse(provider, 'no message')
  const logprobs = toLogprobs(reply.logprobs)
  return {
    id: reply.id ?? '',
    object: 'chat.completion',
    created: 0,
    model,
    choices: [{
      index: 0,
      message: toMessage(reply.message),
      finish_reason: toFinishReason(reply.finish_reason ?? ''),
      native_finish_reason: reply.finish_reason ?? '',
      ...logprobs === null ? {} : { logprobs }
    }],
    ...reply.usage === undefined ? {} : { usage: toChatUsage(reply.usage) }
  }
}

function toMessage ({ content, tool_plan: plan, tool_calls: calls, citations }: NonNullable<CohereReply['message']>): AssistantMessage {
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : content ?? []
  const text = parts.map((part) => part.text ?? '').join('')
  const details: ReasoningDetail[] = parts.flatMap((part) => typeof part.thinking === 'string' ? [{ type: 'reasoning.text' as const, text: part.thinking, format: thinkingFormat }] : [])
  if (typeof plan === 'string' && plan !== '') details.push({ type: 'reasoning.text', text: plan, format: toolPlanFormat })
  for (const [index, detail] of details.entries()) detail.index = index
  const hasCalls = Array.isArray(calls) && calls.length > 0
  return {
    role: 'assistant',
    content: text === '' && hasCalls ? null : text,
    ...details.length === 0 ? {} : { reasoning_content: details.map((detail) => 'text' in detail ? detail.text : '').join('\n'), reasoning_details: details },
    ...hasCalls ? { tool_calls: calls.map(toToolCall) } : {},
    ...Array.isArray(citations) && citations.length > 0 ? { annotations: citations.map(toAnnotation) } : {}
  }
}

function toToolCall ({ id, function: called }: PartialCall): ToolCall {
  return { id: id ?? '', type: 'function', function: { name: called?.name ?? '', arguments: toArguments(called?.arguments) } }
}

/** A tool without parameters is called without arguments, which nobody else understands. */
function toArguments (text: string | null | undefined): string {
  return text === null || text === undefined || text === '' ? '{}' : text
}

export function toAnnotation (citation: unknown): unknown {
  return { type: 'cohere_citation', cohere_citation: citation }
}

/** @returns null where none were told */
export function toLogprobs (items: CohereReply['logprobs']): unknown {
  if (!Array.isArray(items)) return null
  return { content: items.map((item) => ({ token: item.text ?? '', logprob: (item.logprobs ?? []).reduce((sum, value) => sum + value, 0), bytes: null, top_logprobs: [] })), refusal: null }
}
