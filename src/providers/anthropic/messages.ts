import { cacheControlOf, toAnthropicToolId, toAssistantBlocks } from '../../api/anthropic-blocks.ts'
import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { AssistantMessage, ChatMessage, ContentPart, ReasoningDetail, SystemMessage, ToolMessage } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import type { TranslationContext } from '../family.ts'
import { hasText, toBlocks, toTextBlock } from './parts.ts'

interface AnthropicTurn {
  role: 'user' | 'assistant'
  content: string | AnthropicBlock[]
}

export interface AnthropicConversation {
  /** Null when there is none. */
  system: string | AnthropicBlock[] | null
  turns: AnthropicTurn[]
}

/** Said by the user where the assistant has the last word and Anthropic would not go on from it. */
const goOn = 'Please continue from where you left off.'
/** Stands for a user's last word that is white space. */
const nothing = '.'

/**
 * @param takesPrefill the model goes on from a last message of the assistant, and does not think, which rules it out
 * @throws GatewayError BIFROST_INVALID_REQUEST when nothing is left to answer
 */
export function toConversation (messages: readonly ChatMessage[], takesPrefill: boolean, context: TranslationContext): AnthropicConversation {
  const system = toSystem(messages, context)
  const turns = toTurns(messages, takesPrefill, context)
  if (turns.length > 0) return { system, turns }
  if (system === null) throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'messages', message: 'messages must have one that says something.' })
  // OpenAI answers to system messages alone; Anthropic wants somebody to have said something.
  return { system: null, turns: [{ role: 'user', content: system }] }
}

/** The system prompt stands outside of the messages: text when it is one text, else blocks. */
function toSystem (messages: readonly ChatMessage[], context: TranslationContext): string | AnthropicBlock[] | null {
  const system = messages.filter((message): message is SystemMessage => message.role === 'system' || message.role === 'developer')
  const [first] = system
  if (system.length === 1 && typeof first?.content === 'string') return hasText(first.content) ? first.content : null
  const blocks = system.flatMap(({ content }) => toBlocks(content, context)).filter(({ type }) => {
    if (type !== 'text') context.drop('messages.content')
    return type === 'text'
  })
  return blocks.length === 0 ? null : blocks
}

/**
 * Turns that alternate: what one side says in a row is one turn, results of tools before anything else in it. Either side may begin.
 * A last message of the assistant is what Anthropic goes on from, as far as it does.
 */
function toTurns (messages: readonly ChatMessage[], takesPrefill: boolean, context: TranslationContext): AnthropicTurn[] {
  const turns: { role: AnthropicTurn['role'], text: string | null, content: AnthropicBlock[] }[] = []
  for (const message of messages) {
    if (message.role === 'system' || message.role === 'developer') continue
    if ((message.role === 'user' || message.role === 'assistant') && message.name !== undefined && message.name !== null) context.drop('messages.name')
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const content = message.role === 'assistant' ? fromAssistant(message, context) : message.role === 'tool' ? [toToolResult(message, context)] : toBlocks(message.content, context)
    if (content.length === 0) continue
    const last = turns.at(-1)
    if (last?.role === role) {
      last.text = null
      last.content.push(...content)
    } else turns.push({ role, text: typeof message.content === 'string' && isOneText(content) ? message.content : null, content })
  }
  const end = turns.at(-1)
  if (end?.role === 'assistant') {
    const hasLastWord = messages.at(-1)?.role === 'assistant'
    const isPrefill = hasLastWord && takesPrefill && !end.content.some(isThought)
    // Calls wait for their results.
    if (!isPrefill && !end.content.some(isCall)) turns.push({ role: 'user', text: hasLastWord ? goOn : nothing, content: [] })
  }
  return turns.map(({ role, text, content }, index) => {
    if (role === 'assistant') return index === turns.length - 1 ? trimmed(text, content) : { role, content: text ?? content }
    return { role, content: text ?? [...content.filter(isResult), ...content.filter((block) => !isResult(block))] }
  })
}

function isOneText ([block, ...others]: readonly AnthropicBlock[]): boolean {
  return block?.type === 'text' && others.length === 0
}

function isCall ({ type }: AnthropicBlock): boolean {
  return type === 'tool_use'
}

function isResult ({ type }: AnthropicBlock): boolean {
  return type === 'tool_result'
}

/** What the assistant is to go on from must not end in white space. */
function trimmed (text: string | null, content: AnthropicBlock[]): AnthropicTurn {
  if (text !== null) return { role: 'assistant', content: text.trimEnd() }
  const last = content.at(-1)
  if (last?.type === 'text' && typeof last['text'] === 'string') content[content.length - 1] = { ...last, text: last['text'].trimEnd() }
  return { role: 'assistant', content }
}

function toToolResult (message: ToolMessage, context: TranslationContext): AnthropicBlock {
  const { content } = message
  return {
    type: 'tool_result',
    tool_use_id: toAnthropicToolId(message.tool_call_id),
    content: typeof content === 'string' ? content : toBlocks(content, context),
    ...(message.is_error === true && { is_error: true }),
    ...cacheControlOf(message as unknown as AnthropicBlock)
  }
}

function fromAssistant (message: AssistantMessage, context: TranslationContext): AnthropicBlock[] {
  const { refusal, reasoning_details: details, reasoning_content: reasoning } = message
  if (message.audio !== undefined && message.audio !== null) context.drop('messages.audio')
  if (typeof reasoning === 'string' && reasoning !== '' && (details ?? []).length === 0) context.drop('messages.reasoning_content')
  const blocks = toAssistantBlocks(message, {
    toThinking: (detail) => toThinkingBlock(detail, context),
    toPart: (part) => toAssistantPart(part, context),
    toToolId: toAnthropicToolId
  })
  if (typeof refusal === 'string' && hasText(refusal)) blocks.push({ type: 'text', text: refusal })
  // A turn that was cut off while it was thought out: Anthropic refuses one that ends so.
  while (isThought(blocks.at(-1))) {
    blocks.pop()
    context.drop('messages.reasoning_details')
  }
  return blocks
}

function isThought (block: AnthropicBlock | undefined): boolean {
  return block?.type === 'thinking' || block?.type === 'redacted_thinking'
}

/** What the assistant itself may have said. */
function toAssistantPart (part: ContentPart, context: TranslationContext): AnthropicBlock | null {
  if (part.type === 'text') return toTextBlock(part.text, part)
  const [block] = part.type === 'image_url' || part.type === 'file' ? [] : toBlocks([part], context)
  if (part.type === 'image_url' || part.type === 'file') context.drop(`messages.content.${part.type}`)
  return block ?? null
}

/** Signatures are good on every platform that serves the model; what has none, or another maker's, Anthropic refuses. */
function toThinkingBlock (detail: ReasoningDetail, context: TranslationContext): AnthropicBlock | null {
  const format = typeof detail.format === 'string' ? detail.format : undefined
  const isClaude = format === undefined || format.startsWith('anthropic') || format === 'bedrock'
  if (isClaude && detail.type === 'reasoning.text' && typeof detail.signature === 'string' && detail.signature !== '') {
    return { type: 'thinking', thinking: detail.text ?? '', signature: detail.signature }
  }
  if (isClaude && format !== undefined && detail.type === 'reasoning.encrypted' && typeof detail.data === 'string') return { type: 'redacted_thinking', data: detail.data }
  context.drop('messages.reasoning_details')
  return null
}
