import type { JsonObject } from '../../api/chat.ts'

/** What of Cohere's v2 API the gateway reads and writes. Answers are not trusted: every member may be absent. */
export interface CohereToolCall {
  id: string
  type: 'function'
  function: { name: string, arguments: string }
}

export type CoherePart =
  | { type: 'text', text: string }
  | { type: 'thinking', thinking: string }
  | { type: 'image_url', image_url: { url: string, detail?: string } }

export interface CohereMessage {
  role: 'system' | 'user' | 'assistant' | 'tool'
  content?: string | CoherePart[]
  tool_plan?: string
  tool_calls?: CohereToolCall[]
  tool_call_id?: string
  citations?: unknown[]
}

export interface CohereUsage {
  /** What is paid for: without the provider's own preamble. */
  billed_units?: { input_tokens?: number, output_tokens?: number }
  /** What went through the model. */
  tokens?: { input_tokens?: number, output_tokens?: number, reasoning_tokens?: number }
  cached_tokens?: number
}

export interface CohereReply {
  id?: string
  message?: {
    content?: string | { type?: string, text?: string, thinking?: string }[] | null
    tool_plan?: string | null
    tool_calls?: PartialCall[] | null
    citations?: unknown[] | null
  }
  finish_reason?: string
  usage?: CohereUsage
  logprobs?: TokenLogprobs[] | null
}

/** A piece of text and the tokens that it is made of. */
export interface TokenLogprobs { text?: string, logprobs?: number[] }

export interface PartialCall {
  id?: string
  function?: { name?: string, arguments?: string | null } | null
}

/** One event of a stream. Unlike in a whole answer, `content`, `tool_calls` and `citations` hold one item each. */
export interface CohereEvent {
  type?: string
  id?: string
  index?: number
  logprobs?: TokenLogprobs | null
  /** Of an error that came in place of an event. */
  message?: string
  delta?: {
    finish_reason?: string
    error?: string
    usage?: CohereUsage
    message?: {
      content?: { text?: string, thinking?: string }
      tool_plan?: string
      tool_calls?: PartialCall | PartialCall[]
      citations?: JsonObject
    }
  }
}

/** `meta` of embeddings and rankings. */
export interface CohereMeta {
  billed_units?: { input_tokens?: number, search_units?: number }
  tokens?: { input_tokens?: number, output_tokens?: number }
}

/** Marks a reasoning detail that is Cohere's `thinking` block. */
export const thinkingFormat = 'cohere'
/** Marks a reasoning detail that is Cohere's `tool_plan`. */
export const toolPlanFormat = 'cohere-tool-plan'
