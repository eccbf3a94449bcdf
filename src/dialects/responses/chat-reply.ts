import type { AssistantMessage, ChatReply, ChatRequest, FinishReason, JsonObject, ReasoningDetail, ToolCall } from '../../api/chat.ts'
import type { AnswerContext } from '../dialect.ts'
import { fromChatAnnotation } from './annotations.ts'
import { DetailMerger, toCallExtraItem } from './reasoning-items.ts'
import { createResponse, cutReasonOf, finishResponse } from './response-object.ts'
import type { ItemStatus, OutputItem, OutputPart, ReasoningItem } from './wire.ts'

/** A whole answer as a Response: its first choice, since there is no other here. */
export function fromChatReply (reply: ChatReply, request: ChatRequest, context: AnswerContext): JsonObject {
  const [choice] = reply.choices
  const reason = choice?.finish_reason ?? null
  const output = choice === undefined ? [] : toOutput(choice.message, reason, choice.logprobs, context)
  return finishResponse(createResponse(request, reply.id, reply.model, reply.created, context), output, reason, reply.usage ?? null)
}

function toOutput (message: AssistantMessage, reason: FinishReason | null, logprobs: unknown, context: AnswerContext): OutputItem[] {
  const status: ItemStatus = cutReasonOf(reason) === null ? 'completed' : 'incomplete'
  const content = toParts(message, logprobs)
  return [
    ...toReasoningItems(message, context),
    ...content.length === 0 ? [] : [{ id: `msg_${context.newId()}`, type: 'message' as const, status, role: 'assistant' as const, content }],
    ...(message.tool_calls ?? []).flatMap((call) => toCallItems(call, context))
  ]
}

function toReasoningItems ({ reasoning_content: text, reasoning_details: given }: AssistantMessage, context: AnswerContext): ReasoningItem[] {
  const details: readonly ReasoningDetail[] = given !== undefined && given !== null && given.length > 0 ? given : typeof text === 'string' && text !== '' ? [{ type: 'reasoning.text', text }] : []
  const merged: DetailMerger[] = []
  let last: DetailMerger | undefined
  for (const detail of details) {
    // In a whole answer only OpenAI's own pairs belong together, and pieces that say so by an index.
    if (last?.continues(detail) === true && (detail.index !== undefined || detail.type === 'reasoning.encrypted')) last.add(detail)
    else {
      last = new DetailMerger(detail)
      merged.push(last)
    }
  }
  return merged.map((detail) => detail.toItem(`rs_${context.newId()}`))
}

function toParts ({ content, refusal, annotations = [] }: AssistantMessage, logprobs: unknown): OutputPart[] {
  const list = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content ?? []
  const said = (logprobs as { content?: unknown } | null | undefined)?.content
  const parts: OutputPart[] = list.flatMap((part): OutputPart[] => {
    if (part.type === 'text' && part.text !== '') return [{ type: 'output_text', text: part.text, annotations: [], logprobs: Array.isArray(said) ? said : [] }]
    return part.type === 'refusal' ? [{ type: 'refusal', refusal: part.refusal }] : []
  })
  const first = parts.find((part) => part.type === 'output_text')
  if (first?.type === 'output_text') first.annotations = annotations.map(fromChatAnnotation)
  if (typeof refusal === 'string' && refusal !== '') parts.push({ type: 'refusal', refusal })
  return parts
}

/** A call that was made is complete, however the answer ended. */
function toCallItems ({ id, function: called, extra_content: extra }: ToolCall, context: AnswerContext): OutputItem[] {
  const text = called.arguments
  return [
    ...extra === undefined ? [] : [toCallExtraItem(`rs_${context.newId()}`, id, extra)],
    { id: `fc_${context.newId()}`, type: 'function_call', status: 'completed', call_id: id, name: called.name, arguments: text === '' ? '{}' : text }
  ]
}
