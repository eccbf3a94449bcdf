import { fromAssistantBlocks, textOf } from '../../api/anthropic-blocks.ts'
import type { AssistantContent } from '../../api/anthropic-blocks.ts'
import type { ChatReply } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import { isAnthropicError, toEmbeddedAnthropicError } from './errors.ts'
import { toFinishReason } from './stop-reason.ts'
import { fromAnthropicUsage } from './usage.ts'
import type { AnthropicMessage } from './wire.ts'

/** @throws GatewayError for an answer that is no message, or an error inside a 200 */
export function fromMessage (provider: string, body: unknown): ChatReply {
  if (isAnthropicError(body)) throw toEmbeddedAnthropicError(provider, body)
  const message = body as AnthropicMessage | null
  if (typeof message !== 'object' || message === null || !Array.isArray(message.content)) throw badResponse(provider, 'no content')
  if (message.content.some((block) => typeof block !== 'object' || block === null || typeof block.type !== 'string')) throw badResponse(provider, 'a content block without a type')
  const said = fromAssistantBlocks(message.content, (signature) => ({ format: 'anthropic', signature }))
  const { stop_reason: reason, stop_details: details } = message
  return {
    id: textOf(message.id),
    object: 'chat.completion',
    created: 0,
    model: textOf(message.model),
    choices: [{
      index: 0,
      message: { role: 'assistant', ...said, content: toContent(said), ...(typeof details?.explanation === 'string' && { refusal: details.explanation }) },
      finish_reason: toFinishReason(reason, said.tool_calls !== undefined),
      ...(typeof reason === 'string' && { native_finish_reason: reason }),
      ...(typeof message.stop_sequence === 'string' && { stop_sequence: message.stop_sequence })
    }],
    ...(typeof message.usage === 'object' && message.usage !== null && { usage: fromAnthropicUsage(message.usage) })
  }
}

/** One text is text; parts stay where their borders mean something. An answer that says nothing is empty text, one of calls alone has none. */
function toContent ({ content, tool_calls: calls }: AssistantContent): AssistantContent['content'] {
  if (!Array.isArray(content)) return calls === undefined ? '' : null
  const [first] = content
  return content.length === 1 && first?.type === 'text' ? first.text : content
}
