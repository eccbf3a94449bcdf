/** A part of a Response that an answer may hold; optional members are those that only some kinds of answers have. */
export type OutputItem = ReasoningItem | MessageItem | FunctionCallItem

export interface ReasoningItem {
  id: string
  type: 'reasoning'
  summary: SummaryText[]
  /** What only the provider can read; see `reasoning-items.ts`. */
  encrypted_content: string | null
}

export interface SummaryText { type: 'summary_text', text: string }

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

export interface MessageItem {
  id: string
  type: 'message'
  status: ItemStatus
  role: 'assistant'
  content: OutputPart[]
}

export type OutputPart = OutputText | { type: 'refusal', refusal: string }

export interface OutputText { type: 'output_text', text: string, annotations: unknown[], logprobs: unknown[] }

export interface FunctionCallItem {
  id: string
  type: 'function_call'
  status: ItemStatus
  call_id: string
  name: string
  arguments: string
}

export interface ResponseUsage {
  input_tokens: number
  input_tokens_details: { cached_tokens: number, cache_write_tokens: number }
  output_tokens: number
  output_tokens_details: { reasoning_tokens: number }
  total_tokens: number
}

export interface ResponseObject {
  id: string
  object: 'response'
  /** Seconds since 1970. */
  created_at: number
  status: 'in_progress' | 'completed' | 'incomplete'
  error: null
  incomplete_details: { reason: 'max_output_tokens' | 'content_filter' } | null
  output: OutputItem[]
  usage: ResponseUsage | null
  /** What the client asked for, said again. */
  [member: string]: unknown
}
