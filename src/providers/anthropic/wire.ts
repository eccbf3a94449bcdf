import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'

/** An answer of the Messages API, as far as it is read; everything may be missing in what an imitator sends. */
export interface AnthropicMessage {
  type?: string
  id?: string
  model?: string
  content?: AnthropicBlock[]
  stop_reason?: string | null
  stop_sequence?: string | null
  stop_details?: { type?: string, category?: string | null, explanation?: string | null } | null
  usage?: AnthropicUsage | null
}

/** Tokens. `input_tokens` leaves out what the cache gave or took; `output_tokens` holds thinking. */
export interface AnthropicUsage {
  input_tokens?: number | null
  cache_creation_input_tokens?: number | null
  cache_read_input_tokens?: number | null
  output_tokens?: number | null
  output_tokens_details?: { thinking_tokens?: number | null } | null
}

/** One event of a stream. */
export interface AnthropicEvent {
  type?: string
  index?: number
  message?: AnthropicMessage
  content_block?: AnthropicBlock
  delta?: { type?: string, [member: string]: unknown }
  usage?: AnthropicUsage | null
  error?: unknown
}
