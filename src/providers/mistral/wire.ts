/** What of Mistral's API differs from OpenAI's. Answers are not trusted: every member may be absent. */
export type MistralPart =
  | { type: 'text', text: string }
  | { type: 'thinking', thinking: { type: 'text', text: string }[], signature?: string, closed?: boolean }
  | { type: 'image_url', image_url: string | { url: string, detail?: string } }
  | { type: 'document_url', document_url: string, document_name?: string }
  | { type: 'file', file_id: string }
  | { type: 'input_audio', input_audio: string }

export interface MistralToolCall {
  id: string
  type: 'function'
  function: { name: string, arguments: string }
}

export interface MistralMessage {
  role: 'system' | 'user' | 'assistant' | 'tool'
  content?: string | MistralPart[]
  tool_calls?: MistralToolCall[]
  tool_call_id?: string
  name?: string
  /** The answer is to go on where this message ends. */
  prefix?: true
}

export interface PartialPart {
  type?: string
  text?: string
  thinking?: string | { type?: string, text?: string }[]
  signature?: string | null
}

export interface PartialCall {
  id?: string | null
  index?: number
  function?: { name?: string | null, arguments?: string | Record<string, unknown> | null }
}

interface MistralChoice {
  index?: number
  finish_reason?: string | null
}

interface SaidByModel {
  content?: string | PartialPart[] | null
  tool_calls?: PartialCall[] | null
}

export interface MistralUsage {
  prompt_tokens?: number
  completion_tokens?: number
  total_tokens?: number
  /** Where it stood before `prompt_tokens_details`. */
  num_cached_tokens?: number | null
  prompt_tokens_details?: { cached_tokens?: number } | null
}

export interface MistralReply {
  id?: string
  model?: string
  created?: number
  choices?: (MistralChoice & { message?: SaidByModel })[]
  usage?: MistralUsage
}

export interface MistralChunk {
  object?: string
  message?: unknown
  id?: string
  model?: string
  choices?: (MistralChoice & { delta?: SaidByModel })[]
  usage?: MistralUsage | null
}

/** Marks a reasoning detail that is Mistral's `thinking` part. */
export const thinkingFormat = 'mistral'
