import { citationOf } from '../../api/anthropic-blocks.ts'
import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { ChatUsage, FinishReason, JsonObject, ReasoningDetail } from '../../api/chat.ts'
import { isObject } from './checks.ts'
import { toSignature } from './signatures.ts'

const stopReasons: Readonly<Record<FinishReason, string>> = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' }
/** Words of Anthropic's that say more than the canonical reason. */
const ownReasons: Readonly<Record<string, FinishReason>> = { pause_turn: 'stop', model_context_window_exceeded: 'length' }

/** @param native the provider's own word */
export function toStopReason (reason: FinishReason, native: string | undefined, stopSequence: string | null | undefined, hasCalls: boolean): string {
  if (native !== undefined && ownReasons[native] === reason) return native
  // Some providers say that they stopped where they called a tool; clients look at the reason to know.
  if (reason === 'stop' && hasCalls) return 'tool_use'
  return reason === 'stop' && typeof stopSequence === 'string' ? 'stop_sequence' : stopReasons[reason]
}

export function toStopDetails (stopReason: string, explanation: string): JsonObject | null {
  return stopReason === 'refusal' ? { type: 'refusal', category: null, explanation: explanation === '' ? null : explanation } : null
}

/** What the cache gave and took is no part of Anthropic's `input_tokens`. */
export function toAnthropicUsage (usage: ChatUsage | null | undefined): JsonObject {
  const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0
  const written = usage?.prompt_tokens_details?.cache_write_tokens ?? 0
  const thinking = usage?.completion_tokens_details?.reasoning_tokens
  return {
    input_tokens: Math.max(0, (usage?.prompt_tokens ?? 0) - cached - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    output_tokens: usage?.completion_tokens ?? 0,
    ...(typeof thinking === 'number' && { output_tokens_details: { thinking_tokens: thinking } })
  }
}

/** Whoever thought it: clients show it, and send it back. */
export function toThinking (detail: ReasoningDetail): AnthropicBlock {
  if (detail.type === 'reasoning.encrypted') return { type: 'redacted_thinking', data: toSignature(detail.data, detail.format) }
  if (detail.type === 'reasoning.summary') return { type: 'thinking', thinking: detail.summary, signature: '' }
  return { type: 'thinking', thinking: detail.text, signature: toSignature(detail.signature ?? '', detail.format) }
}

/** Anthropic's own citation, or one like those of its web search for a page that another provider cites. */
export function toCitation (annotation: unknown): JsonObject | null {
  const own = citationOf(annotation)
  if (own !== null) return own
  const page = isObject(annotation) && annotation['type'] === 'url_citation' ? annotation['url_citation'] : null
  if (!isObject(page) || typeof page['url'] !== 'string') return null
  return { type: 'web_search_result_location', cited_text: '', url: page['url'], title: typeof page['title'] === 'string' ? page['title'] : null, encrypted_index: '' }
}
