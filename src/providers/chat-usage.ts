import type { ChatUsage } from '../api/chat.ts'
import type { Usage } from '../api/usage.ts'

/** @param usage is changed */
export function toUsage (from: ChatUsage, usage: Usage): void {
  usage.inputTokens = from.prompt_tokens
  usage.outputTokens = from.completion_tokens
  usage.cachedTokens = from.prompt_tokens_details?.cached_tokens ?? 0
  usage.cacheWriteTokens = from.prompt_tokens_details?.cache_write_tokens ?? 0
  usage.audioInputTokens = from.prompt_tokens_details?.audio_tokens ?? 0
  usage.reasoningTokens = from.completion_tokens_details?.reasoning_tokens ?? 0
  usage.audioOutputTokens = from.completion_tokens_details?.audio_tokens ?? 0
}
