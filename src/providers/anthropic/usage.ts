import type { ChatUsage } from '../../api/chat.ts'
import type { AnthropicUsage } from './wire.ts'

/** Counts what the cache gave and took as part of the prompt, as OpenAI does. */
export function fromAnthropicUsage (usage: AnthropicUsage): ChatUsage {
  const cached = countOf(usage.cache_read_input_tokens)
  const written = countOf(usage.cache_creation_input_tokens)
  const prompt = countOf(usage.input_tokens) + cached + written
  const completion = countOf(usage.output_tokens)
  const thinking = usage.output_tokens_details?.thinking_tokens
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    ...(typeof thinking === 'number' && { completion_tokens_details: { reasoning_tokens: thinking } })
  }
}

/** Later counts replace earlier ones; what they leave out stays. */
export function mergeUsage (known: AnthropicUsage, later: AnthropicUsage): AnthropicUsage {
  return { ...known, ...Object.fromEntries(Object.entries(later).filter(([, value]) => value !== null && value !== undefined)) }
}

function countOf (value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}
