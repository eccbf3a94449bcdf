import { createHash } from 'node:crypto'
import type { ChatReply, ChatUsage, FinishReason, ToolCall } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import { isGiven } from '../is-given.ts'
import { toLineError } from './errors.ts'
import type { OllamaReply } from './wire.ts'

/** The word is `stop` also where tools are called. */
export function toFinishReason (word: string | undefined, hasCalls: boolean): FinishReason {
  if (word === 'length') return 'length'
  return hasCalls ? 'tool_calls' : 'stop'
}

/** A prompt that was cached whole may not be counted. */
export function toChatUsage ({ prompt_eval_count: input = 0, eval_count: output = 0 }: OllamaReply): ChatUsage {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
}

/** @throws GatewayError for an answer without a message, and for an error in its place */
export function fromChatReply (provider: string, body: unknown, model: string): ChatReply {
  const reply = body as OllamaReply | null
  if (isGiven(reply?.error)) throw toLineError(provider, reply.error)
  if (typeof reply?.message !== 'object' || reply.message === null) throw badResponse(provider, 'no message')
  const { content = '', thinking = '' } = reply.message
  const calls = toToolCalls(reply, 0)
  return {
    id: '',
    object: 'chat.completion',
    created: Math.floor(Date.parse(reply.created_at ?? '') / 1000) || 0,
    model: reply.model ?? model,
    choices: [{
      index: 0,
      message: {
        role: 'assistant',
        content: content === '' && calls.length > 0 ? null : content,
        ...thinking === '' ? {} : { reasoning_content: thinking },
        ...calls.length === 0 ? {} : { tool_calls: calls }
      },
      finish_reason: toFinishReason(reply.done_reason, calls.length > 0),
      native_finish_reason: reply.done_reason ?? '',
      ...Array.isArray(reply.logprobs) ? { logprobs: { content: reply.logprobs, refusal: null } } : {}
    }],
    usage: toChatUsage(reply)
  }
}

/** @param before how many calls earlier lines of the answer had */
export function toToolCalls ({ created_at: createdAt = '', message }: OllamaReply, before: number): ToolCall[] {
  const calls = message?.tool_calls
  return (Array.isArray(calls) ? calls : []).map(({ id, function: called }, index) => {
    const name = called?.name ?? ''
    const text = typeof called?.arguments === 'string' ? called.arguments : JSON.stringify(called?.arguments ?? {})
    return { id: id === undefined || id === '' ? toCallId(`${createdAt} ${before + index} ${name} ${text}`) : id, type: 'function', function: { name, arguments: text === '' ? '{}' : text } }
  })
}

/** Most versions give calls no id. The time of the answer, in nanoseconds, tells this call from the same one in another turn. */
function toCallId (seed: string): string {
  return `call_${createHash('sha256').update(seed).digest('hex').slice(0, 24)}`
}
