import { textOf } from '../../api/anthropic-blocks.ts'
import type { FinishReason } from '../../api/chat.ts'

const finishReasons: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  // The server paused a long turn of its own tools; the client may send the answer back to go on.
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter'
}

/** An unknown reason is an end all the same; a call without the reason for one still has to be answered. */
export function toFinishReason (reason: unknown, hasCalls: boolean): FinishReason {
  return finishReasons[textOf(reason)] ?? (hasCalls ? 'tool_calls' : 'stop')
}
