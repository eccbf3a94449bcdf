import type { AssistantMessage, ChatChoice, ChatReply, ChatUsage, FinishReason, JsonObject, ReasoningDetail } from '../../api/chat.ts'
import type { FinishDetail } from '../../api/chat-sink.ts'
import type { AnswerBlock, AnswerCitation, AnswerUsage } from './wire.ts'

const stopReasons: Readonly<Record<FinishReason, string>> = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'content_filtered' }
/** Words that Bedrock itself would use, by the reason that they mean. */
const ownReasons: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  malformed_model_output: 'stop',
  malformed_tool_use: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  content_filtered: 'content_filter',
  guardrail_intervened: 'content_filter'
}

/** What ends a message in Bedrock's words. */
export function toStop (reason: FinishReason, { native = '', stopSequence }: FinishDetail): JsonObject {
  const met = typeof stopSequence === 'string' ? stopSequence : undefined
  const own = ownReasons[native] === reason ? native : met !== undefined && reason === 'stop' ? 'stop_sequence' : stopReasons[reason]
  return { stopReason: own, ...met === undefined ? {} : { additionalModelResponseFields: { stop_sequence: met } } }
}

export function toAnswerUsage (usage: ChatUsage | undefined): AnswerUsage {
  const { prompt_tokens: prompt = 0, completion_tokens: completion = 0, prompt_tokens_details: details } = usage ?? {}
  const { cached_tokens: read = 0, cache_write_tokens: written = 0 } = details ?? {}
  const isCached = details?.cached_tokens !== undefined || details?.cache_write_tokens !== undefined
  return {
    inputTokens: Math.max(0, prompt - read - written),
    outputTokens: completion,
    totalTokens: usage?.total_tokens ?? prompt + completion,
    ...isCached ? { cacheReadInputTokens: read, cacheWriteInputTokens: written } : {}
  }
}

/** A canonical answer as Converse gives it. Only the first choice: Converse has no others. */
export function fromChatReply (reply: ChatReply): JsonObject {
  const choice: Partial<ChatChoice> = reply.choices[0] ?? {}
  const { message = { role: 'assistant' }, finish_reason: reason = 'stop', native_finish_reason: native, stop_sequence: stopSequence } = choice
  return {
    output: { message: { role: 'assistant', content: toAnswerBlocks(message) } },
    ...toStop(reason, { native, stopSequence }),
    usage: toAnswerUsage(reply.usage),
    // Clients read it without asking; who translates knows no time.
    metrics: { latencyMs: 0 }
  }
}

function toAnswerBlocks (message: AssistantMessage): AnswerBlock[] {
  const text = textOf(message)
  const citations = toCitations(message.annotations ?? [])
  return [
    ...toReasoningBlocks(message),
    ...text === '' ? [] : [{ text }],
    ...citations.length === 0 ? [] : [{ citationsContent: { citations, content: [] } }],
    ...(message.tool_calls ?? []).map((call) => ({ toolUse: { toolUseId: call.id, name: call.function.name, input: parseInput(call.function.arguments) } }))
  ]
}

function textOf ({ content, refusal }: AssistantMessage): string {
  const said = typeof content === 'string' ? content : (content ?? []).map((part) => part.type === 'text' ? part.text : part.type === 'refusal' ? part.refusal : '').join('')
  return said + (refusal ?? '')
}

function toReasoningBlocks ({ reasoning_details: details, reasoning_content: text }: AssistantMessage): AnswerBlock[] {
  if (details === null || details === undefined || details.length === 0) return text === null || text === undefined || text === '' ? [] : [{ reasoningContent: { reasoningText: { text } } }]
  return details.map((detail: ReasoningDetail) => {
    if (detail.type === 'reasoning.encrypted') return { reasoningContent: { redactedContent: detail.data } }
    if (detail.type === 'reasoning.summary') return { reasoningContent: { reasoningText: { text: detail.summary } } }
    const { text: thought, signature } = detail
    return { reasoningContent: { reasoningText: { text: thought, ...typeof signature === 'string' ? { signature } : {} } } }
  })
}

/** Annotations of OpenAI, and those that Bedrock's provider left in Bedrock's words. */
export function toCitations (annotations: readonly unknown[]): AnswerCitation[] {
  return annotations.flatMap((annotation): AnswerCitation[] => {
    const { url_citation: web, bedrock_citation: own } = (annotation ?? {}) as { url_citation?: { url?: string, title?: string }, bedrock_citation?: AnswerCitation }
    if (own !== undefined) return [own]
    return typeof web?.url === 'string' ? [{ ...web.title === undefined ? {} : { title: web.title }, location: { web: { url: web.url } } }] : []
  })
}

/** A model may have written arguments that are no JSON; they are shown as they are. */
function parseInput (text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text)
  } catch {
    return text
  }
}
