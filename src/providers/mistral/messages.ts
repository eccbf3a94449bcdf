import type { AssistantMessage, ChatMessage, ContentPart, JsonObject, ReasoningDetail } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import type { TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import { toToolId } from './tool-id.ts'
import { thinkingFormat } from './wire.ts'
import type { MistralMessage, MistralPart } from './wire.ts'

/** Between a tool's result and the user's next word Mistral wants to have said something itself. */
const filler = 'OK.'
/** Parts in Mistral's own words, from clients that speak OpenAI's dialect to it. */
const ownParts: ReadonlySet<string> = new Set(['document_url', 'thinking', 'reference'])

/** The conversation in an order that Mistral takes: see `docs/decisions/2026-11-25-mistral-is-translated.md`. */
export function toMessages (messages: readonly ChatMessage[], context: TranslationContext): MistralMessage[] {
  const list: MistralMessage[] = []
  for (const [index, message] of messages.entries()) {
    const next = toMessage(message, `messages[${index}]`, context)
    if (next === null) continue
    if (next.role !== 'tool' && next.role !== 'assistant' && list.at(-1)?.role === 'tool') list.push({ role: 'assistant', content: filler })
    list.push(next)
  }
  const last = list.at(-1)
  // Without it a conversation must not end with the assistant; with it the answer goes on from there.
  if (last?.role === 'assistant' && last.tool_calls === undefined) last.prefix = true
  return list
}

function toMessage (message: ChatMessage, path: string, context: TranslationContext): MistralMessage | null {
  if (message.role !== 'tool' && isGiven(message.name)) context.drop('messages.name')
  switch (message.role) {
    case 'assistant': return toAssistant(message, context)
    case 'tool': {
      if (message.is_error === true) context.drop('messages.is_error')
      if (isGiven(message.cache_control)) context.drop('messages.cache_control')
      return { role: 'tool', tool_call_id: toToolId(message.tool_call_id), content: toContent(message.content, context), ...isGiven(message.name) ? { name: message.name } : {} }
    }
    case 'user': {
      const content = toContent(message.content, context)
      if (content.length === 0 && message.content.length > 0) throw new GatewayError('BIFROST_INVALID_REQUEST', { param: `${path}.content`, message: `${path}.content holds nothing that the provider can read.` })
      return { role: 'user', content }
    }
    default: return { role: 'system', content: toContent(message.content, context) }
  }
}

/** @returns null for one that says nothing and calls nothing, which Mistral refuses */
function toAssistant (message: AssistantMessage, context: TranslationContext): MistralMessage | null {
  const thinking = toThinking(message, context)
  const said = withoutEmpty(toContent(message.content ?? message.refusal ?? '', context))
  const calls = message.tool_calls ?? []
  if (isGiven(message.audio)) context.drop('messages.audio')
  if ((message.annotations ?? []).length > 0) context.drop('messages.annotations')
  if (calls.some((call) => isGiven(call.extra_content))) context.drop('messages.tool_calls.extra_content')
  if (thinking.length === 0 && said.length === 0 && calls.length === 0) return null
  const content = thinking.length === 0 ? said : [...thinking, ...typeof said === 'string' ? said === '' ? [] : [{ type: 'text' as const, text: said }] : said]
  return {
    role: 'assistant',
    content,
    ...calls.length === 0 ? {} : { tool_calls: calls.map(({ id, function: called }) => ({ id: toToolId(id), type: 'function', function: { name: called.name, arguments: called.arguments === '' ? '{}' : called.arguments ?? '{}' } })) }
  }
}

/** Empty texts are no content to Mistral. */
function withoutEmpty (content: string | MistralPart[]): string | MistralPart[] {
  return typeof content === 'string' ? content : content.filter((part) => part.type !== 'text' || part.text !== '')
}

/** Mistral's own thoughts come back as they were; those of others as text, without what only they can read. */
function toThinking (message: AssistantMessage, context: TranslationContext): MistralPart[] {
  const details: ReasoningDetail[] = message.reasoning_details ?? (isGiven(message.reasoning_content) ? [{ type: 'reasoning.text', text: message.reasoning_content }] : [])
  return details.flatMap((detail): MistralPart[] => {
    const text = detail.type === 'reasoning.text' ? detail.text : detail.type === 'reasoning.summary' ? detail.summary : ''
    const signature = detail.type === 'reasoning.text' && isGiven(detail.signature) && detail.signature !== '' ? detail.signature : null
    const isOwn = detail.format === thinkingFormat
    if (detail.type === 'reasoning.encrypted' || (signature !== null && !isOwn)) context.drop('messages.reasoning_details')
    return text === '' ? [] : [{ type: 'thinking', thinking: [{ type: 'text', text }], ...signature !== null && isOwn ? { signature } : {}, closed: true }]
  })
}

function toContent (content: string | readonly ContentPart[], context: TranslationContext): string | MistralPart[] {
  return typeof content === 'string' ? content : content.flatMap((part) => toPart(part, context))
}

function toPart (part: ContentPart, context: TranslationContext): MistralPart[] {
  if ('cache_control' in part && isGiven(part.cache_control)) context.drop('messages.content.cache_control')
  if ('extra_content' in part && isGiven(part.extra_content)) context.drop('messages.content.extra_content')
  switch (part.type) {
    case 'text': return [{ type: 'text', text: part.text }]
    case 'refusal': return [{ type: 'text', text: part.refusal }]
    case 'image_url': return [{ type: 'image_url', image_url: part.image_url }]
    case 'input_audio': {
      const audio: string | { data: string } = part.input_audio
      return [{ type: 'input_audio', input_audio: typeof audio === 'string' ? audio : audio.data }]
    }
    case 'file': return toFile(part as unknown as JsonObject, context)
    case 'opaque': return dropPart(part.dialect, context)
    default: {
      const other = part as unknown as MistralPart
      return ownParts.has(other.type) ? [other] : dropPart(other.type, context)
    }
  }
}

function toFile (part: JsonObject, context: TranslationContext): MistralPart[] {
  // Mistral's own form.
  if (typeof part['file_id'] === 'string') return [{ type: 'file', file_id: part['file_id'] }]
  const { file_url: url, file_data: data, file_id: id, filename } = (part['file'] ?? {}) as { file_url?: string, file_data?: string, file_id?: string, filename?: string }
  const address = url ?? data
  if (isGiven(address)) return [{ type: 'document_url', document_url: address, ...isGiven(filename) ? { document_name: filename } : {} }]
  return isGiven(id) ? [{ type: 'file', file_id: id }] : dropPart('file', context)
}

function dropPart (name: string, context: TranslationContext): [] {
  context.drop(`messages.content.${name}`)
  return []
}
