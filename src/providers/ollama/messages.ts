import type { AssistantMessage, ChatMessage, ContentPart, JsonObject } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import type { TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import type { OllamaMessage } from './wire.ts'

const imageUrl = /^data:[^,]*;base64,/

/** Messages have one text, images beside it, and results that name their tool. */
export function toMessages (messages: readonly ChatMessage[], context: TranslationContext): OllamaMessage[] {
  /** Which tool a call was of. */
  const nameOfCall = new Map<string, string>()
  return messages.map((message, index) => {
    const path = `messages[${index}]`
    if (message.role !== 'tool' && isGiven(message.name)) context.drop('messages.name')
    if (message.role === 'assistant') {
      for (const call of message.tool_calls ?? []) nameOfCall.set(call.id, call.function.name)
      return toAssistant(message, path, context)
    }
    const { text, images } = toContent(message.content, path, context)
    const said = { content: text, ...images.length === 0 ? {} : { images } }
    if (message.role !== 'tool') {
      if (message.role === 'user' && text === '' && images.length === 0 && message.content.length > 0 && !isOnlyText(message.content)) throw new GatewayError('BIFROST_INVALID_REQUEST', { param: `${path}.content`, message: `${path}.content holds nothing that the model can read: text and images.` })
      return { role: message.role === 'developer' ? 'system' : message.role, ...said }
    }
    if (message.is_error === true) context.drop('messages.is_error')
    if (isGiven(message.cache_control)) context.drop('messages.cache_control')
    const name = message.name ?? nameOfCall.get(message.tool_call_id)
    return { role: 'tool', ...said, ...name === undefined ? {} : { tool_name: name }, tool_call_id: message.tool_call_id }
  })
}

function isOnlyText (content: string | readonly ContentPart[]): boolean {
  return typeof content === 'string' || content.every((part) => part.type === 'text')
}

function toAssistant (message: AssistantMessage, path: string, context: TranslationContext): OllamaMessage {
  const details = message.reasoning_details ?? []
  if (details.some((detail) => detail.type === 'reasoning.encrypted' || (detail.type === 'reasoning.text' && (detail.signature ?? '') !== ''))) context.drop('messages.reasoning_details')
  const readable = details.map((detail) => detail.type === 'reasoning.text' ? detail.text : detail.type === 'reasoning.summary' ? detail.summary : '').join('')
  const thinking = readable === '' ? message.reasoning_content ?? '' : readable
  const calls = message.tool_calls ?? []
  if (isGiven(message.audio)) context.drop('messages.audio')
  if ((message.annotations ?? []).length > 0) context.drop('messages.annotations')
  if (calls.some((call) => isGiven(call.extra_content))) context.drop('messages.tool_calls.extra_content')
  return {
    role: 'assistant',
    content: toContent(message.content ?? message.refusal ?? '', path, context).text,
    ...thinking === '' ? {} : { thinking },
    ...calls.length === 0 ? {} : { tool_calls: calls.map(({ id, function: called }, index) => ({ id, function: { name: called.name, arguments: parseArguments(called.arguments, `${path}.tool_calls[${index}].function.arguments`) } })) }
  }
}

/** Arguments are an object there, not the text of one. */
function parseArguments (text: string | null | undefined, path: string): JsonObject {
  if (text === '' || text === null || text === undefined) return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  } catch {
    // The same refusal as for JSON that is no object.
  }
  throw new GatewayError('BIFROST_INVALID_REQUEST', { param: path, message: `${path} must be the JSON text of an object.` })
}

function toContent (content: string | readonly ContentPart[], path: string, context: TranslationContext): { text: string, images: string[] } {
  if (typeof content === 'string') return { text: content, images: [] }
  const texts: string[] = []
  const images: string[] = []
  for (const [index, part] of content.entries()) {
    if ('cache_control' in part && isGiven(part.cache_control)) context.drop('messages.content.cache_control')
    if ('extra_content' in part && isGiven(part.extra_content)) context.drop('messages.content.extra_content')
    if (part.type === 'text') texts.push(part.text)
    else if (part.type === 'refusal') texts.push(part.refusal)
    else if (part.type === 'image_url') images.push(toImage(part.image_url.url, `${path}.content[${index}].image_url.url`))
    else context.drop(`messages.content.${part.type === 'opaque' ? part.dialect : part.type}`)
  }
  return { text: texts.join('\n'), images }
}

/** An answer about a picture that the model has not seen would be made up, so an address is refused, not left out. */
function toImage (url: string, path: string): string {
  const start = imageUrl.exec(url)?.[0]
  if (start === undefined) throw new GatewayError('BIFROST_INVALID_REQUEST', { param: path, message: `${path} must be a data URL in base64: the provider fetches no images.` })
  return url.slice(start.length)
}
