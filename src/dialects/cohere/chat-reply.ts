import type { AssistantMessage, ChatReply, ChatUsage, ContentPart, FinishReason, JsonObject, ReasoningDetail } from '../../api/chat.ts'
import type { AnswerContext } from '../dialect.ts'
import { thinkingFormat, toolPlanFormat } from './wire.ts'
import type { CohereContent, CohereUsage } from './wire.ts'

const finishReasons: Readonly<Record<FinishReason, string>> = { stop: 'COMPLETE', length: 'MAX_TOKENS', tool_calls: 'TOOL_CALL', content_filter: 'ERROR' }
const ownReasons: ReadonlySet<string> = new Set(['COMPLETE', 'STOP_SEQUENCE', 'MAX_TOKENS', 'TOOL_CALL', 'ERROR', 'TIMEOUT'])

/** @param native the provider's own word, which may be Cohere's */
export function toFinishWord (reason: FinishReason, native: string | undefined, stopSequence: string | null | undefined): string {
  if (native !== undefined && ownReasons.has(native)) return native
  return reason === 'stop' && typeof stopSequence === 'string' ? 'STOP_SEQUENCE' : finishReasons[reason]
}

/** Nobody else distinguishes what is paid for from what went through the model. */
export function toCohereUsage (usage: ChatUsage): CohereUsage {
  const units = { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens }
  const cached = usage.prompt_tokens_details?.cached_tokens
  const reasoning = usage.completion_tokens_details?.reasoning_tokens
  return {
    billed_units: units,
    tokens: { ...units, ...reasoning === undefined ? {} : { reasoning_tokens: reasoning } },
    ...cached === undefined ? {} : { cached_tokens: cached }
  }
}

export function fromChatReply (reply: ChatReply, context: AnswerContext): JsonObject {
  const choice = reply.choices[0]
  return {
    id: reply.id === '' ? context.newId() : reply.id,
    message: choice === undefined ? { role: 'assistant', content: [] } : toMessage(choice.message),
    finish_reason: toFinishWord(choice?.finish_reason ?? 'stop', choice?.native_finish_reason, choice?.stop_sequence),
    ...reply.usage === undefined ? {} : { usage: toCohereUsage(reply.usage) }
  }
}

function toMessage (message: AssistantMessage): JsonObject {
  const { thinking, plan } = toThoughts(message)
  const text = textOf(message)
  const content: CohereContent[] = [...thinking, ...text === '' ? [] : [{ type: 'text' as const, text }]]
  const calls = message.tool_calls ?? []
  const citations = (message.annotations ?? []).flatMap((annotation) => toCitation(annotation, text))
  return {
    role: 'assistant',
    ...content.length > 0 || calls.length === 0 ? { content } : {},
    ...plan === '' ? {} : { tool_plan: plan },
    ...calls.length === 0 ? {} : { tool_calls: calls.map(({ id, function: called }) => ({ id, type: 'function', function: { name: called.name, arguments: called.arguments } })) },
    ...citations.length === 0 ? {} : { citations }
  }
}

function toThoughts (message: AssistantMessage): { thinking: CohereContent[], plan: string } {
  const details: ReasoningDetail[] = message.reasoning_details ?? []
  const readable = details.filter((detail) => textOfDetail(detail) !== '')
  if (readable.length === 0) {
    const plain = message.reasoning_content ?? ''
    return { thinking: plain === '' ? [] : [{ type: 'thinking', thinking: plain }], plan: '' }
  }
  return {
    thinking: readable.filter((detail) => detail.format !== toolPlanFormat).map((detail) => ({ type: 'thinking', thinking: textOfDetail(detail) })),
    plan: readable.filter((detail) => detail.format === toolPlanFormat).map(textOfDetail).join('')
  }
}

/** Empty for what is encrypted. */
export function textOfDetail (detail: ReasoningDetail): string {
  return detail.type === 'reasoning.text' ? detail.text : detail.type === 'reasoning.summary' ? detail.summary : ''
}

/** Which kind of block a detail goes to. */
export function formatOf (detail: ReasoningDetail | undefined): string {
  return detail?.format === toolPlanFormat ? toolPlanFormat : thinkingFormat
}

function textOf ({ content, refusal }: AssistantMessage): string {
  if (typeof content === 'string') return content
  const text = (content ?? []).map((part: ContentPart) => part.type === 'text' ? part.text : part.type === 'refusal' ? part.refusal : '').join('')
  return text === '' ? refusal ?? '' : text
}

/** @param text that the places are in; a link of another provider becomes a document with that address */
export function toCitation (annotation: unknown, text: string): unknown[] {
  const { type, cohere_citation: own, url_citation: link } = (annotation ?? {}) as { type?: unknown, cohere_citation?: unknown, url_citation?: { start_index?: number, end_index?: number, url?: string, title?: string } }
  if (type === 'cohere_citation') return [own]
  if (type !== 'url_citation' || typeof link?.url !== 'string') return []
  const { start_index: start = 0, end_index: end = 0, url, title } = link
  return [{ start, end, text: text.slice(start, end), sources: [{ type: 'document', id: url, document: { id: url, url, ...title === undefined ? {} : { title } } }], type: 'TEXT_CONTENT' }]
}
