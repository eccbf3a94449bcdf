import type { AssistantMessage, ChatMessage, ContentPart } from '../../api/chat.ts'
import { invalid } from '../../api/parsed-request.ts'
import type { TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import { toReasoning } from './reasoning.ts'
import type { CohereMessage, CoherePart } from './wire.ts'

/**
 * The conversation without what says nothing: Cohere refuses it, and needs no turns that alternate. Anybody may have the last word.
 * @throws GatewayError BIFROST_INVALID_REQUEST when nothing is left to answer
 */
export function toMessages (messages: readonly ChatMessage[], context: TranslationContext): CohereMessage[] {
  const list = messages.map((message, index) => toMessage(message, `messages[${index}]`, context)).filter((message) => message !== null)
  const last = list.at(-1)
  if (last === undefined) throw invalid('messages', 'messages must have one that says something.')
  // OpenAI answers to system messages alone; Cohere wants somebody to have said something.
  return list.every(({ role }) => role === 'system') ? [...list.slice(0, -1), { ...last, role: 'user' }] : list
}

/** @returns null for one that says nothing */
function toMessage (message: ChatMessage, path: string, context: TranslationContext): CohereMessage | null {
  if (message.role !== 'tool' && isGiven(message.name)) context.drop('messages.name')
  switch (message.role) {
    case 'assistant': return toAssistant(message, context)
    case 'tool': {
      if (message.is_error === true) context.drop('messages.is_error')
      if (isGiven(message.cache_control)) context.drop('messages.cache_control')
      return { role: 'tool', tool_call_id: message.tool_call_id, content: orBlank(toContent(message.content, false, context)) }
    }
    case 'user': {
      const content = toContent(message.content, true, context)
      if (!isBlank(content)) return { role: 'user', content }
      if (Array.isArray(message.content) && message.content.some(({ type }) => type !== 'text')) throw invalid(`${path}.content`, `${path}.content holds nothing that the model can read: text and images.`)
      return null
    }
    default: {
      const content = toContent(message.content, false, context)
      return isBlank(content) ? null : { role: 'system', content }
    }
  }
}

function toAssistant (message: AssistantMessage, context: TranslationContext): CohereMessage | null {
  const { thinking, plan } = toReasoning(message, context)
  const said = message.content ?? message.refusal ?? null
  const content = said === null ? [] : toContent(said, false, context)
  const calls = message.tool_calls ?? []
  const citations = (message.annotations ?? []).flatMap(toCitation)
  if (isGiven(message.audio)) context.drop('messages.audio')
  if ((message.annotations ?? []).length > citations.length) context.drop('messages.annotations')
  if (calls.some((call) => isGiven(call.extra_content))) context.drop('messages.tool_calls.extra_content')
  if (isBlank(content) && calls.length === 0) {
    // Thoughts of a turn that was cut off before it said anything.
    if (thinking.length > 0 || plan !== '') context.drop((message.reasoning_details ?? []).length > 0 ? 'messages.reasoning_details' : 'messages.reasoning_content')
    return null
  }
  const answer: CohereMessage = { role: 'assistant' }
  if (thinking.length > 0) answer.content = [...thinking, ...typeof content === 'string' ? content === '' ? [] : [{ type: 'text' as const, text: content }] : content]
  else if (said !== null) answer.content = content
  if (plan !== '') answer.tool_plan = plan
  if (calls.length > 0) answer.tool_calls = calls.map(({ id, function: called }) => ({ id, type: 'function', function: { name: called.name, arguments: called.arguments === '' ? '{}' : called.arguments ?? '{}' } }))
  if (citations.length > 0) answer.citations = citations
  return answer
}

function toCitation (annotation: unknown): unknown[] {
  const { type, cohere_citation: citation } = (annotation ?? {}) as { type?: unknown, cohere_citation?: unknown }
  return type === 'cohere_citation' ? [citation] : []
}

/** A result of which nothing is left is a result all the same; an empty list is refused. */
function orBlank (content: string | CoherePart[]): string | CoherePart[] {
  return content.length === 0 ? '' : content
}

/** Nothing but white space. Beside calls Cohere takes that. */
function isBlank (content: string | readonly CoherePart[]): boolean {
  return typeof content === 'string' ? content.trim() === '' : content.every((part) => part.type === 'text' && part.text.trim() === '')
}

function toContent (content: string | readonly ContentPart[], mayHoldImages: boolean, context: TranslationContext): string | CoherePart[] {
  return typeof content === 'string' ? content : content.flatMap((part) => toPart(part, mayHoldImages, context))
}

function toPart (part: ContentPart, mayHoldImages: boolean, context: TranslationContext): CoherePart[] {
  if ('cache_control' in part && isGiven(part.cache_control)) context.drop('messages.content.cache_control')
  if ('extra_content' in part && isGiven(part.extra_content)) context.drop('messages.content.extra_content')
  if (part.type === 'text') return [{ type: 'text', text: part.text }]
  if (part.type === 'refusal') return [{ type: 'text', text: part.refusal }]
  if (part.type === 'image_url' && mayHoldImages) return [{ type: 'image_url', image_url: part.image_url }]
  context.drop(`messages.content.${part.type === 'opaque' ? part.dialect : part.type}`)
  return []
}
