import type { AssistantMessage, ChatMessage, ContentPart, ExtraContent, JsonObject, ReasoningDetail, ToolCall } from '../../api/chat.ts'
import { toChatAnnotation } from './annotations.ts'
import { toContent } from './content-parts.ts'
import { invalidRequest, isRecord } from './invalid-request.ts'
import { readReasoningItem } from './reasoning-items.ts'

/** `input` as messages: items of the assistant that follow one another were one answer, and become one message again. */
export function toMessages (input: unknown): ChatMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  if (!Array.isArray(input)) throw invalidRequest('input', 'must be text or an array of items.')
  const messages: ChatMessage[] = []
  let turn: AssistantTurn | null = null
  for (const [index, item] of (input as unknown[]).entries()) {
    const path = `input[${index}]`
    if (!isRecord(item)) throw invalidRequest(path, 'must be an object.')
    if (isOfAssistant(item)) {
      turn ??= new AssistantTurn()
      turn.add(item, path)
      continue
    }
    if (turn !== null) messages.push(...turn.toMessages())
    turn = null
    messages.push(toMessage(item, path))
  }
  if (turn !== null) messages.push(...turn.toMessages())
  return messages
}

function isOfAssistant (item: JsonObject): boolean {
  return item['type'] === 'reasoning' || item['type'] === 'function_call' || (item['role'] === 'assistant' && (item['type'] === undefined || item['type'] === 'message'))
}

function toMessage (item: JsonObject, path: string): ChatMessage {
  const { type = 'message', role } = item
  if (type === 'function_call_output') {
    if (typeof item['call_id'] !== 'string') throw invalidRequest(`${path}.call_id`, 'is required.')
    return { role: 'tool', tool_call_id: item['call_id'], content: toContent(item['output'], `${path}.output`) }
  }
  if (type === 'item_reference') throw invalidRequest(path, 'refers to an item that is not stored here; send the item itself.')
  if (type !== 'message') throw invalidRequest(`${path}.type`, `is ${JSON.stringify(type)}, which only OpenAI's own API knows.`)
  if (role !== 'user' && role !== 'system' && role !== 'developer') throw invalidRequest(`${path}.role`, 'must be user, assistant, system or developer.')
  return { role, content: toContent(item['content'], `${path}.content`) }
}

/** One answer of the model while its items are put together. */
class AssistantTurn {
  private readonly parts: ContentPart[] = []
  private readonly calls: ToolCall[] = []
  private readonly details: ReasoningDetail[] = []
  private readonly annotations: unknown[] = []
  private readonly extras = new Map<string, ExtraContent>()
  private reasoning = ''
  private refusal = ''
  private hasSignature = false

  add (item: JsonObject, path: string): void {
    if (item['type'] === 'reasoning') this.addReasoning(item)
    else if (item['type'] === 'function_call') this.addCall(item, path)
    else this.addMessage(item, path)
  }

  /** @returns none for a turn that said nothing, or only thought: a message without content is refused by most */
  toMessages (): AssistantMessage[] {
    const { calls, parts, extras } = this
    if (parts.length === 0 && calls.length === 0 && this.refusal === '') return []
    const message: AssistantMessage = { role: 'assistant', content: this.content() }
    if (this.refusal !== '') message.refusal = this.refusal
    if (this.reasoning !== '') message.reasoning_content = this.reasoning
    if (this.hasSignature) message.reasoning_details = this.details
    if (this.annotations.length > 0) message.annotations = this.annotations
    if (calls.length > 0) {
      message.tool_calls = calls.map((call) => {
        const extra = extras.get(call.id)
        return extra === undefined ? call : { ...call, extra_content: extra }
      })
    }
    return [message]
  }

  private content (): AssistantMessage['content'] {
    const [first] = this.parts
    if (first === undefined) return null
    return this.parts.length === 1 && first.type === 'text' ? first.text : this.parts
  }

  private addReasoning (item: JsonObject): void {
    const read = readReasoningItem(item)
    if (read.kind === 'call') {
      this.extras.set(read.callId, read.extra)
      return
    }
    this.reasoning += read.text
    if (read.details.length > 0) {
      this.hasSignature = true
      this.details.push(...read.details)
    } else if (read.text !== '') this.details.push({ type: 'reasoning.text', text: read.text })
  }

  private addMessage (item: JsonObject, path: string): void {
    const content = toContent(item['content'], `${path}.content`)
    for (const part of typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content) {
      if (part.type === 'refusal') this.refusal += part.refusal
      else if (part.type !== 'text' || part.text !== '') this.parts.push(part)
    }
    if (!Array.isArray(item['content'])) return
    for (const part of item['content'] as unknown[]) {
      if (isRecord(part) && Array.isArray(part['annotations'])) this.annotations.push(...part['annotations'].map(toChatAnnotation))
    }
  }

  /** `call_id` is what the output refers to; `id` only names the item. */
  private addCall (item: JsonObject, path: string): void {
    const { call_id: id, name, arguments: text = '' } = item
    if (typeof id !== 'string' || typeof name !== 'string') throw invalidRequest(path, 'must have a call_id and a name.')
    if (typeof text !== 'string' || !isObjectText(text)) throw invalidRequest(`${path}.arguments`, 'must be the JSON text of an object.')
    this.calls.push({ id, type: 'function', function: { name, arguments: text.trim() === '' ? '{}' : text } })
  }
}

function isObjectText (text: string): boolean {
  if (text.trim() === '') return true
  try {
    return isRecord(JSON.parse(text))
  } catch {
    return false
  }
}
