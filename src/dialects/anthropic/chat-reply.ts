import { citationOf, toAnthropicToolId, toAssistantBlocks } from '../../api/anthropic-blocks.ts'
import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { AssistantMessage, ChatReply, ContentPart, JsonObject, ToolCall } from '../../api/chat.ts'
import type { AnswerContext } from '../dialect.ts'
import { toAnthropicUsage, toCitation, toStopDetails, toStopReason, toThinking } from './answers.ts'
import { toCallSignature } from './signatures.ts'

/** The first choice as a message; Anthropic's API has no others. */
export function toMessage (reply: ChatReply, context: AnswerContext): JsonObject {
  const choice = reply.choices[0]
  const message: AssistantMessage = choice?.message ?? { role: 'assistant', content: '' }
  const calls = message.tool_calls ?? []
  const reason = toStopReason(choice?.finish_reason ?? 'stop', choice?.native_finish_reason, choice?.stop_sequence, calls.length > 0)
  return {
    id: reply.id === '' ? `msg_${context.newId()}` : reply.id,
    type: 'message',
    role: 'assistant',
    model: reply.model === '' ? context.model : reply.model,
    content: [...toBlocks(message, context), ...(reason === 'refusal' ? [] : toText(message.refusal))],
    stop_reason: reason,
    stop_sequence: reason === 'stop_sequence' ? choice?.stop_sequence : null,
    stop_details: toStopDetails(reason, message.refusal ?? ''),
    usage: toAnthropicUsage(reply.usage)
  }
}

function toBlocks (message: AssistantMessage, context: AnswerContext): AnthropicBlock[] {
  const { reasoning_content: reasoning, reasoning_details: details } = message
  const thought = details !== undefined && details !== null && details.length > 0
    ? details
    : typeof reasoning === 'string' && reasoning !== '' ? [{ type: 'reasoning.text' as const, text: reasoning }] : []
  const blocks = toAssistantBlocks({ ...message, reasoning_details: thought }, {
    toThinking,
    toPart,
    toToolId: (id) => id === '' ? `toolu_${context.newId()}` : toAnthropicToolId(id)
  })
  return withCallSignatures(withPages(blocks, message.annotations ?? []), message.tool_calls ?? [])
}

function withCallSignatures (blocks: AnthropicBlock[], calls: readonly ToolCall[]): AnthropicBlock[] {
  let next = 0
  return blocks.flatMap((block) => {
    const signature = block.type === 'tool_use' ? toCallSignature(calls[next++]?.extra_content) : null
    return signature === null ? [block] : [signature, block]
  })
}

function toPart (part: ContentPart): AnthropicBlock | null {
  switch (part.type) {
    case 'text': return toText(part.text)[0] ?? null
    case 'refusal': return toText(part.refusal)[0] ?? null
    case 'opaque': return part.dialect === 'anthropic' ? part.value as AnthropicBlock : null
    case 'image_url':
    case 'input_audio':
    case 'file': return null
  }
}

function toText (text: string | null | undefined): AnthropicBlock[] {
  return typeof text === 'string' && text !== '' ? [{ type: 'text', text }] : []
}

/** Pages that another provider cites belong to the whole answer: to its last text. */
function withPages (blocks: AnthropicBlock[], annotations: readonly unknown[]): AnthropicBlock[] {
  const pages = annotations.filter((annotation) => citationOf(annotation) === null).map(toCitation).filter((citation) => citation !== null)
  const at = blocks.findLastIndex(({ type }) => type === 'text')
  if (pages.length > 0 && at >= 0) blocks[at] = { ...blocks[at] as AnthropicBlock, citations: pages }
  return blocks
}
