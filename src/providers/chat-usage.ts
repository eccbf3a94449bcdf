import type { ChatUsage } from '../api/chat.ts'
import type { Usage } from '../api/usage.ts'

/** @param usage is changed */
export function toUsage (from: ChatUsage, usage: Usage): void {
  usage.inputTokens = from.prompt_tokens
  usage.outputTokens = from.completion_tokens
}
