import type { AssistantMessage, ChatReply, ChatUsage, FinishReason, ReasoningDetail, ToolCall } from '../../api/chat.ts'
import type { FinishDetail } from '../../api/chat-sink.ts'
import { badResponse } from '../bad-response.ts'
import { toEmbeddedError } from './errors.ts'
import type { Citation, ConverseReply, ConverseUsage, ReplyBlock } from './wire.ts'

const finishReasons: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  content_filtered: 'content_filter',
  guardrail_intervened: 'content_filter'
}

export function toFinishReason (stopReason: string): FinishReason {
  return finishReasons[stopReason] ?? 'stop'
}

export function toFinishDetail ({ stopReason = '', additionalModelResponseFields: fields }: Pick<ConverseReply, 'stopReason' | 'additionalModelResponseFields'>): FinishDetail {
  const met = fields?.stop_sequence
  return { native: stopReason, ...typeof met === 'string' ? { stopSequence: met } : {} }
}

export function toChatUsage (usage: ConverseUsage): ChatUsage {
  const { inputTokens, outputTokens, cacheReadInputTokens: read = usage.cacheReadInputTokenCount, cacheWriteInputTokens: written = usage.cacheWriteInputTokenCount } = usage
  const prompt = toCount(inputTokens) + toCount(read) + toCount(written)
  const completion = toCount(outputTokens)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...read === undefined && written === undefined ? {} : { prompt_tokens_details: { cached_tokens: toCount(read), cache_write_tokens: toCount(written) } }
  }
}

function toCount (value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** A citation as OpenAI has it; one of a document stays in Bedrock's words. */
export function toAnnotation (citation: Citation): unknown {
  const web = citation.location?.web
  if (web?.url === undefined) return { type: 'bedrock_citation', bedrock_citation: citation }
  return { type: 'url_citation', url_citation: { url: web.url, title: citation.title ?? web.domain ?? '' } }
}

/** @throws GatewayError for what is no answer, or an error in the place of one */
export function fromConverseReply (provider: string, body: unknown): ChatReply {
  const reply = (body ?? {}) as ConverseReply
  const blocks = reply.output?.message?.content
  if (!Array.isArray(blocks)) throw toEmbeddedError(provider, body) ?? badResponse(provider, 'no output.message.content')
  const { native, stopSequence } = toFinishDetail(reply)
  return {
    id: '',
    object: 'chat.completion',
    created: 0,
    model: '',
    choices: [{
      index: 0,
      message: toMessage(blocks.filter((block) => typeof block === 'object' && block !== null)),
      finish_reason: toFinishReason(reply.stopReason ?? ''),
      ...native === '' ? {} : { native_finish_reason: native },
      ...stopSequence === undefined ? {} : { stop_sequence: stopSequence }
    }],
    ...reply.usage === undefined ? {} : { usage: toChatUsage(reply.usage) }
  }
}

function toMessage (blocks: readonly ReplyBlock[]): AssistantMessage {
  const text = blocks.flatMap(textsOf).join('')
  const calls = blocks.flatMap(toToolCall)
  const details = blocks.flatMap(({ reasoningContent }, index) => toReasoningDetail(reasoningContent, index))
  const thought = details.map((detail) => detail.type === 'reasoning.text' ? detail.text : '').join('')
  const annotations = blocks.flatMap(({ citationsContent }) => citationsContent?.citations ?? []).map(toAnnotation)
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...thought === '' ? {} : { reasoning_content: thought },
    ...details.length === 0 ? {} : { reasoning_details: details },
    ...calls.length === 0 ? {} : { tool_calls: calls },
    ...annotations.length === 0 ? {} : { annotations }
  }
}

function textsOf ({ text, citationsContent }: ReplyBlock): string[] {
  if (typeof text === 'string') return [text]
  return (citationsContent?.content ?? []).map((content) => content.text ?? '')
}

/** A tool that Amazon runs itself is no call for the client to answer. */
function toToolCall ({ toolUse }: ReplyBlock): ToolCall[] {
  if (toolUse === undefined || isServerTool(toolUse.type)) return []
  return [{ id: toolUse.toolUseId ?? '', type: 'function', function: { name: toolUse.name ?? '', arguments: JSON.stringify(toolUse.input ?? {}) } }]
}

export function isServerTool (type: string | undefined): boolean {
  return type === 'server_tool_use'
}

/** @param index of the block, which says what belongs together */
export function toReasoningDetail (content: ReplyBlock['reasoningContent'], index: number): ReasoningDetail[] {
  if (content?.reasoningText !== undefined) {
    const { text = '', signature } = content.reasoningText
    return [{ type: 'reasoning.text', text, ...signature === undefined ? {} : { signature }, format: 'bedrock', index }]
  }
  return content?.redactedContent === undefined ? [] : [{ type: 'reasoning.encrypted', data: content.redactedContent, format: 'bedrock', index }]
}
