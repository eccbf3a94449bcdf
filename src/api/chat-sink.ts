import type { ChatDelta, ChatUsage, FinishReason } from './chat.ts'

/** Takes what a stream says, in order. */
export interface ChatSink {
  /** Once, first, when the provider says so. Empty: it did not say. */
  start (id: string, model: string): void
  /** @param logprobs of the tokens that it adds, as in `ChatChoice`; undefined where they are not told */
  delta (choice: number, delta: ChatDelta, logprobs?: unknown): void
  /** `detail` is the provider's own word, and the stop sequence that was met. */
  finish (choice: number, reason: FinishReason, detail?: FinishDetail): void
  /** Totals so far: a later call replaces an earlier one. */
  usage (usage: ChatUsage): void
}

export interface FinishDetail {
  native?: string
  stopSequence?: string | null
}
