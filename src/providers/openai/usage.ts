import type { Usage } from '../../api/usage.ts'

/** Reads both spellings: chat's `prompt_tokens`/`completion_tokens` and Responses' `input_tokens`/`output_tokens`. */
export function toUsage (value: unknown, usage: Usage): void {
  if (typeof value !== 'object' || value === null) return
  const fields = value as Record<string, unknown>
  usage.inputTokens = toCount(fields.prompt_tokens ?? fields.input_tokens, usage.inputTokens)
  usage.outputTokens = toCount(fields.completion_tokens ?? fields.output_tokens, usage.outputTokens)
}

/** A whole number that fits the frame's uint32; anything else leaves what was known. */
function toCount (value: unknown, known: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32 ? value : known
}
