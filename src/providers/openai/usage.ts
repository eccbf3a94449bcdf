import type { Usage } from '../../api/usage.ts'

/** Reads both spellings: chat's `prompt_tokens`/`completion_tokens` and Responses' `input_tokens`/`output_tokens`. */
export function toUsage (value: unknown, usage: Usage): void {
  if (typeof value !== 'object' || value === null) return
  const fields = value as Record<string, unknown>
  usage.inputTokens = toCount(fields.prompt_tokens ?? fields.input_tokens, usage.inputTokens)
  usage.outputTokens = toCount(fields.completion_tokens ?? fields.output_tokens, usage.outputTokens)
  const input = detailsOf(fields.prompt_tokens_details ?? fields.input_tokens_details)
  // DeepSeek counts beside the details, Mistral too.
  usage.cachedTokens = toCount(input.cached_tokens ?? fields.prompt_cache_hit_tokens ?? fields.num_cached_tokens, usage.cachedTokens)
  usage.cacheWriteTokens = toCount(input.cache_write_tokens, usage.cacheWriteTokens)
  usage.audioInputTokens = toCount(input.audio_tokens, usage.audioInputTokens)
  const output = detailsOf(fields.completion_tokens_details ?? fields.output_tokens_details)
  usage.reasoningTokens = toCount(output.reasoning_tokens, usage.reasoningTokens)
  usage.audioOutputTokens = toCount(output.audio_tokens, usage.audioOutputTokens)
}

function detailsOf (value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
}

/** A whole number that fits the frame's uint32; anything else leaves what was known. */
function toCount (value: unknown, known: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32 ? value : known
}
