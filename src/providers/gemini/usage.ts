import type { ChatUsage } from '../../api/chat.ts'
import type { UsageMetadata } from './wire.ts'

/** @returns null where nothing has been counted: some events of Vertex AI only name the kind of traffic */
export function toChatUsage (usage: UsageMetadata | null | undefined): ChatUsage | null {
  if (typeof usage !== 'object' || usage === null) return null
  const { promptTokenCount, toolUsePromptTokenCount, candidatesTokenCount, thoughtsTokenCount, cachedContentTokenCount, totalTokenCount } = usage
  if ([promptTokenCount, candidatesTokenCount, totalTokenCount].every((count) => count === undefined)) return null
  const prompt = count(promptTokenCount) + count(toolUsePromptTokenCount)
  const completion = count(candidatesTokenCount) + count(thoughtsTokenCount)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...cachedContentTokenCount === undefined ? {} : { prompt_tokens_details: { cached_tokens: count(cachedContentTokenCount) } },
    ...thoughtsTokenCount === undefined ? {} : { completion_tokens_details: { reasoning_tokens: count(thoughtsTokenCount) } }
  }
}

function count (value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : 0
}
