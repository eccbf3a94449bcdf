import type { AssistantMessage, ChatReply, ChatUsage, FinishReason, JsonObject, ReasoningDetail } from '../../api/chat.ts'
import type { AnswerContext } from '../dialect.ts'

/** There is no word for tool calls, nor for a filter. */
export function toDoneReason (reason: FinishReason): string {
  return reason === 'length' ? 'length' : 'stop'
}

export function toCounts (usage: ChatUsage): JsonObject {
  return { prompt_eval_count: usage.prompt_tokens, eval_count: usage.completion_tokens }
}

export function toTime (nowSeconds: number): string {
  return new Date(nowSeconds * 1000).toISOString()
}

/** An object; arguments that a limit cut off in the middle are none. */
export function parseArguments (text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as JsonObject : {}
  } catch {
    return {}
  }
}

export function textOfDetails (details: readonly ReasoningDetail[] | null | undefined): string {
  return (details ?? []).map((detail) => detail.type === 'reasoning.text' ? detail.text : detail.type === 'reasoning.summary' ? detail.summary : '').join('')
}

export function fromChatReply (reply: ChatReply, context: AnswerContext): JsonObject {
  const choice = reply.choices[0]
  return {
    model: context.model,
    created_at: toTime(reply.created === 0 ? context.nowSeconds : reply.created),
    message: choice === undefined ? { role: 'assistant', content: '' } : toMessage(choice.message),
    done: true,
    done_reason: toDoneReason(choice?.finish_reason ?? 'stop'),
    ...reply.usage === undefined ? {} : toCounts(reply.usage)
  }
}

function toMessage (message: AssistantMessage): JsonObject {
  const thinking = message.reasoning_content ?? textOfDetails(message.reasoning_details)
  const calls = message.tool_calls ?? []
  return {
    role: 'assistant',
    content: textOf(message),
    ...thinking === '' ? {} : { thinking },
    ...calls.length === 0 ? {} : { tool_calls: calls.map(({ id, function: called }, index) => ({ id, function: { index, name: called.name, arguments: parseArguments(called.arguments) } })) }
  }
}

function textOf ({ content, refusal }: AssistantMessage): string {
  const text = typeof content === 'string' ? content : (content ?? []).map((part) => part.type === 'text' ? part.text : part.type === 'refusal' ? part.refusal : '').join('')
  return text === '' ? refusal ?? '' : text
}
