import type { FinishReason } from '../../api/chat.ts'

const reasons: Readonly<Record<string, FinishReason>> = {
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  LANGUAGE: 'content_filter',
  // Vertex AI's, which no list of Google's names.
  MODEL_ARMOR: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter'
}

/** Gemini says STOP also where the model wants to call functions. Reasons that are not known here are a plain end. */
export function toFinishReason (reason: string, hasCalls: boolean): FinishReason {
  return reasons[reason] ?? (hasCalls ? 'tool_calls' : 'stop')
}
