import type { AssistantMessage, ChatReply, ChatUsage, FinishReason, JsonObject } from '../../api/chat.ts'
import type { AnswerContext } from '../dialect.ts'
import { fromCall, fromContent, fromImages, fromReasoning, isTextSignature } from './answer-parts.ts'
import type { Part } from './wire.ts'

export function toGenerateContentReply (reply: ChatReply, context: AnswerContext): JsonObject {
  return {
    candidates: reply.choices.map(({ index, message, finish_reason: reason }) => ({
      content: { parts: toParts(message), role: 'model' },
      finishReason: finishReasons[reason],
      index
    })),
    ...reply.usage === undefined ? {} : { usageMetadata: toUsageMetadata(reply.usage) },
    modelVersion: reply.model === '' ? context.model : reply.model,
    responseId: reply.id === '' ? context.newId() : reply.id
  }
}

/** Gemini says STOP where the model calls functions, too. */
export const finishReasons: Readonly<Record<FinishReason, string>> = { stop: 'STOP', tool_calls: 'STOP', length: 'MAX_TOKENS', content_filter: 'SAFETY' }

function toParts (message: AssistantMessage): Part[] {
  const said = fromContent(message.content, message.refusal)
  const calls = (message.tool_calls ?? []).map(fromCall)
  for (const detail of (message.reasoning_details ?? []).filter(isTextSignature)) {
    const call = detail.id === undefined ? -1 : (message.tool_calls ?? []).findIndex(({ id }) => id === detail.id)
    const text = said.findLast((part) => part.text !== undefined)
    const target = calls[call] ?? (text?.thoughtSignature === undefined ? text : undefined)
    if (target === undefined) said.push({ text: '', thoughtSignature: detail.data })
    else target.thoughtSignature ??= detail.data
  }
  return [...fromReasoning(message), ...said, ...fromImages(message.images), ...calls]
}

/** Gemini counts thoughts beside the answer. */
export function toUsageMetadata (usage: ChatUsage): JsonObject {
  const thoughts = usage.completion_tokens_details?.reasoning_tokens
  const cached = usage.prompt_tokens_details?.cached_tokens
  return {
    promptTokenCount: usage.prompt_tokens,
    candidatesTokenCount: Math.max(0, usage.completion_tokens - (thoughts ?? 0)),
    totalTokenCount: usage.total_tokens,
    ...thoughts === undefined ? {} : { thoughtsTokenCount: thoughts },
    ...cached === undefined ? {} : { cachedContentTokenCount: cached }
  }
}
