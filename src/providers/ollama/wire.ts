import type { JsonObject } from '../../api/chat.ts'

/** What of Ollama's own API the gateway reads and writes. Answers are not trusted: every member may be absent. */
export interface OllamaMessage {
  role: 'system' | 'user' | 'assistant' | 'tool'
  content: string
  thinking?: string
  /** base64 without a type. */
  images?: string[]
  tool_calls?: { id?: string, function: { name: string, arguments: JsonObject } }[]
  tool_name?: string
  tool_call_id?: string
}

/** A whole answer, and a line of a stream: the last one says `done`. */
export interface OllamaReply {
  model?: string
  created_at?: string
  message?: {
    content?: string
    thinking?: string
    tool_calls?: { id?: string, function?: { name?: string, arguments?: JsonObject | string } }[] | null
  }
  /** Of a generation, in place of a message. */
  response?: string
  thinking?: string
  done?: boolean
  done_reason?: string
  prompt_eval_count?: number
  eval_count?: number
  logprobs?: { token?: string, logprob?: number, bytes?: number[], top_logprobs?: unknown[] }[]
  error?: unknown
}
