import type { AssistantMessage, ChatReply, ChatRequest, FinishReason, JsonObject } from '../../api/chat.ts'
import type { AnswerContext } from '../dialect.ts'

export function fromChatReply (reply: ChatReply, _request: ChatRequest, context: AnswerContext): JsonObject {
  return {
    id: toCompletionId(reply.id, context),
    object: 'text_completion',
    created: reply.created === 0 ? context.nowSeconds : reply.created,
    model: reply.model === '' ? context.model : reply.model,
    choices: reply.choices.map(({ index, message, finish_reason: reason }) => ({ text: textOf(message), index, logprobs: null, finish_reason: toFinish(reason) })),
    ...reply.usage === undefined ? {} : { usage: reply.usage }
  }
}

export function toCompletionId (id: string, context: AnswerContext): string {
  return id.startsWith('cmpl-') ? id : `cmpl-${id === '' ? context.newId() : id.replace(/^chatcmpl-/, '')}`
}

/** There are no tools here, so nothing is called. */
export function toFinish (reason: FinishReason): FinishReason {
  return reason === 'tool_calls' ? 'stop' : reason
}

function textOf ({ content, refusal }: AssistantMessage): string {
  if (typeof content === 'string') return content
  const text = (content ?? []).map((part) => part.type === 'text' ? part.text : '').join('')
  return text === '' ? refusal ?? '' : text
}
