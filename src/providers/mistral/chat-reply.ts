import type { AssistantMessage, ChatReply, ChatUsage, FinishReason, ReasoningDetail, ToolCall } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import { badResponse } from '../bad-response.ts'
import { toEmbeddedError } from '../openai/errors.ts'
import { thinkingFormat } from './wire.ts'
import type { MistralReply, MistralUsage, PartialCall, PartialPart } from './wire.ts'

const finishReasons: Readonly<Record<string, FinishReason>> = { stop: 'stop', length: 'length', model_length: 'length', tool_calls: 'tool_calls', content_filter: 'content_filter' }

export function toFinishReason (word: string): FinishReason {
  return finishReasons[word] ?? 'stop'
}

/** For an answer whose finish reason is `error`. */
export function failed (provider: string): GatewayError {
  return new GatewayError('BIFROST_UPSTREAM_STATUS', { status: 500, provider, message: `${provider} ended its answer with an error.`, upstreamCode: 'error' })
}

export function toChatUsage (usage: MistralUsage): ChatUsage {
  const input = usage.prompt_tokens ?? 0
  const output = usage.completion_tokens ?? 0
  const cached = usage.prompt_tokens_details?.cached_tokens ?? usage.num_cached_tokens
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: usage.total_tokens ?? input + output,
    ...typeof cached === 'number' ? { prompt_tokens_details: { cached_tokens: cached } } : {}
  }
}

/** @throws GatewayError for an answer without choices, and for one that says that it failed */
export function fromChatReply (provider: string, body: unknown, model: string): ChatReply {
  const reply = body as MistralReply | null
  if (!Array.isArray(reply?.choices)) throw toEmbeddedError(provider, body) ?? badResponse(provider, 'no choices')
  if (reply.choices.some((choice) => choice.finish_reason === 'error')) throw failed(provider)
  return {
    id: reply.id ?? '',
    object: 'chat.completion',
    created: reply.created ?? 0,
    model: reply.model ?? model,
    choices: reply.choices.map(({ index = 0, message, finish_reason: reason }) => ({
      index,
      message: toMessage(message?.content ?? '', message?.tool_calls ?? []),
      finish_reason: toFinishReason(reason ?? ''),
      native_finish_reason: reason ?? ''
    })),
    ...reply.usage === undefined ? {} : { usage: toChatUsage(reply.usage) }
  }
}

function toMessage (content: string | PartialPart[], calls: PartialCall[]): AssistantMessage {
  const parts = partsOf(content)
  const text = parts.map((part) => part.text).join('')
  const thoughts = parts.filter((part) => part.thinking !== '')
  const details: ReasoningDetail[] = thoughts.map(({ thinking, signature }, index) => ({ type: 'reasoning.text', text: thinking, ...signature === '' ? {} : { signature }, format: thinkingFormat, index }))
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...details.length === 0 ? {} : { reasoning_content: thoughts.map((part) => part.thinking).join(''), reasoning_details: details },
    ...calls.length === 0 ? {} : { tool_calls: calls.map(toToolCall) }
  }
}

/** Each part has text, or a thought, or neither: references and what else there may be say nothing to anybody else. */
export function partsOf (content: string | PartialPart[] | null | undefined): { text: string, thinking: string, signature: string }[] {
  if (!Array.isArray(content)) return [{ text: content ?? '', thinking: '', signature: '' }]
  return content.map(({ type, text, thinking, signature }) => ({
    text: type === 'text' ? text ?? '' : '',
    thinking: type !== 'thinking' ? '' : typeof thinking === 'string' ? thinking : (thinking ?? []).map((item) => item.text ?? '').join(''),
    signature: signature ?? ''
  }))
}

function toToolCall ({ id, function: called }: PartialCall): ToolCall {
  const text = toArguments(called?.arguments)
  return { id: id ?? '', type: 'function', function: { name: called?.name ?? '', arguments: text === '' ? '{}' : text } }
}

/** Text of an object, or a piece of it; Mistral may send the object itself. */
export function toArguments (value: string | Record<string, unknown> | null | undefined): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value ?? ''
}
