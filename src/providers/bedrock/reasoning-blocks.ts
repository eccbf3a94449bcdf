import type { AssistantMessage, ReasoningDetail } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import type { ContentBlock, ReasoningContent } from './wire.ts'

/**
 * What the model thought, as it said it. Thoughts without a signature are not sent: the models that could take them do not need them,
 * and Claude refuses the request.
 */
export function toReasoningBlocks (message: AssistantMessage, context: TranslationContext): ContentBlock[] {
  const { reasoning_details: details, reasoning_content: text } = message
  if (details === null || details === undefined || details.length === 0) {
    if (text !== null && text !== undefined && text !== '') context.drop('messages.reasoning_content')
    return []
  }
  const blocks = details.flatMap(toReasoning)
  if (blocks.length < details.length) context.drop('messages.reasoning_details')
  return blocks.map((reasoningContent) => ({ reasoningContent }))
}

function toReasoning (detail: ReasoningDetail): ReasoningContent[] {
  const format = detail.format ?? 'bedrock'
  // Claude's signatures hold wherever it is hosted; what it encrypts is wrapped differently here.
  if (detail.type === 'reasoning.text' && typeof detail.signature === 'string' && detail.signature !== '' && /^(bedrock|anthropic)/.test(format)) {
    return [{ reasoningText: { text: detail.text, signature: detail.signature } }]
  }
  return detail.type === 'reasoning.encrypted' && format === 'bedrock' ? [{ redactedContent: detail.data }] : []
}
