/**
 * The canonical form: OpenAI's chat completion, with members of other providers where it has none. Every dialect is translated into
 * it and out of it, so that N dialects and M providers need N + M translations. Members that are not listed here go along unread.
 *
 * Extensions, and whose convention they are:
 *   reasoning_content, reasoning_details   what the model thought (DeepSeek; OpenRouter), with signatures that must come back unchanged
 *   cache_control on parts and tools       prompt caching (Anthropic)
 *   extra_content on tool calls and parts  thought signatures (Google's own OpenAI endpoint)
 *   opaque parts                           a block that only its own provider understands
 *   images on answers                      what the model drew (OpenRouter)
 *   extra_body                             what only one provider understands, by whose it is (Google's own OpenAI endpoint)
 */
export interface ChatRequest {
  model: string
  messages: ChatMessage[]
  stream?: boolean | null
  stream_options?: { include_usage?: boolean, [member: string]: unknown } | null
  max_tokens?: number | null
  max_completion_tokens?: number | null
  temperature?: number | null
  top_p?: number | null
  /** Not OpenAI's, but known to most others. */
  top_k?: number | null
  n?: number | null
  stop?: string | string[] | null
  seed?: number | null
  presence_penalty?: number | null
  frequency_penalty?: number | null
  logit_bias?: Record<string, number> | null
  logprobs?: boolean | null
  top_logprobs?: number | null
  tools?: ChatTool[] | null
  /** A provider's own tools, which run on its side. */
  opaque_tools?: OpaqueTool[]
  tool_choice?: ChatToolChoice | null
  parallel_tool_calls?: boolean | null
  response_format?: ResponseFormat | null
  reasoning_effort?: string | null
  /** Bifrost's: an effort or a budget of tokens; wins over `reasoning_effort`. */
  reasoning?: { effort?: string | null, max_tokens?: number | null, enabled?: boolean | null, summary?: string | null } | null
  user?: string | null
  metadata?: Record<string, string> | null
  service_tier?: string | null
  /** `google` holds members of a generateContent request, in camel or snake case; they win over what is made of the others. */
  extra_body?: { google?: JsonObject | null, [provider: string]: unknown } | null
  /** Members that this list does not name. */
  [member: string]: unknown
}

export type ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage

export interface SystemMessage {
  role: 'system' | 'developer'
  content: string | ContentPart[]
  name?: string
}

export interface UserMessage {
  role: 'user'
  content: string | ContentPart[]
  name?: string
}

export interface AssistantMessage {
  role: 'assistant'
  content?: string | ContentPart[] | null
  refusal?: string | null
  tool_calls?: ToolCall[] | null
  reasoning_content?: string | null
  /** In the order in which the model thought; wins over `reasoning_content` where both are there. */
  reasoning_details?: ReasoningDetail[] | null
  annotations?: unknown[]
  images?: ImagePart[] | null
  audio?: { id: string, [member: string]: unknown } | null
  name?: string
}

export interface ToolMessage {
  role: 'tool'
  tool_call_id: string
  content: string | ContentPart[]
  /** Of the function; few clients send it. */
  name?: string
  /** The tool failed (Anthropic). */
  is_error?: boolean
  cache_control?: CacheControl
}

export type ContentPart = TextPart | ImagePart | AudioPart | FilePart | RefusalPart | OpaquePart

export interface CacheControl { type: 'ephemeral', ttl?: string }

interface PartExtras {
  cache_control?: CacheControl | null
  extra_content?: ExtraContent
}

export interface TextPart extends PartExtras { type: 'text', text: string }
/** `url` is `https:...` or a data URL. */
export interface ImagePart extends PartExtras { type: 'image_url', image_url: { url: string, detail?: string } }
/** `data` is base64. */
export interface AudioPart extends PartExtras { type: 'input_audio', input_audio: { data: string, format: string } }
/** One of the three: `file_data` is a data URL, `file_url` is `https:...`, `file_id` is the provider's. */
export interface FilePart extends PartExtras { type: 'file', file: { filename?: string, file_data?: string, file_url?: string, file_id?: string } }
export interface RefusalPart { type: 'refusal', refusal: string }
/** `value` is a block of `dialect` as it came. Others leave it out and say so. */
export interface OpaquePart { type: 'opaque', dialect: string, value: unknown }

/** `google.thought_signature` is base64; `anthropic` holds members of Anthropic's block that have no other place. */
export interface ExtraContent { google?: { thought_signature?: string }, anthropic?: JsonObject }

export interface ToolCall {
  id: string
  type: 'function'
  /** `arguments` is JSON text of an object. */
  function: { name: string, arguments: string }
  extra_content?: ExtraContent
}

export interface ChatTool {
  type: 'function'
  function: { name: string, description?: string, parameters?: JsonObject | null, strict?: boolean | null }
  cache_control?: CacheControl | null
}

export type ChatToolChoice = 'auto' | 'none' | 'required' | { type: 'function', function: { name: string } }

export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema', json_schema: { name: string, description?: string, schema?: JsonObject, strict?: boolean | null } }

/** `format` says who understands the signature or the data: `anthropic`, `gemini`, `bedrock`, `openai-responses`. */
export type ReasoningDetail =
  | { type: 'reasoning.text', text: string, signature?: string | null, format?: string, index?: number, id?: string }
  | { type: 'reasoning.summary', summary: string, format?: string, index?: number, id?: string }
  | { type: 'reasoning.encrypted', data: string, format?: string, index?: number, id?: string }

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

/** A tool that only its own provider understands, as it came. Others leave it out and say so. */
export interface OpaqueTool { dialect: string, value: unknown }

/** A whole answer. */
export interface ChatReply {
  id: string
  object: 'chat.completion'
  /** Seconds since 1970. */
  created: number
  model: string
  choices: ChatChoice[]
  usage?: ChatUsage
  [member: string]: unknown
}

export interface ChatChoice {
  index: number
  message: AssistantMessage
  finish_reason: FinishReason
  logprobs?: unknown
  /** The provider's own word where it says more, and the stop sequence that was met. */
  native_finish_reason?: string
  stop_sequence?: string | null
}

/** Tokens. The sums hold the details: cached input is part of `prompt_tokens`, reasoning of `completion_tokens`. */
export interface ChatUsage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details?: { cached_tokens?: number, cache_write_tokens?: number, audio_tokens?: number, text_tokens?: number, image_tokens?: number }
  completion_tokens_details?: { reasoning_tokens?: number, audio_tokens?: number, text_tokens?: number, image_tokens?: number }
}

/** What one event adds to an answer. */
export interface ChatDelta {
  role?: 'assistant'
  content?: string
  refusal?: string
  reasoning_content?: string
  /** Entries that are new, or go on where the last one of the same `index` ended. */
  reasoning_details?: ReasoningDetail[]
  tool_calls?: ToolCallDelta[]
  annotations?: unknown[]
  images?: ImagePart[]
}

/** The first delta of a call has `id`, `type` and `name`, later ones only more of `arguments`. `index` counts the calls of a choice from 0. */
export interface ToolCallDelta {
  index: number
  id?: string
  type?: 'function'
  function: { name?: string, arguments?: string }
  extra_content?: ExtraContent
}

/** `input` is text or several texts; token arrays only go to those who speak OpenAI's API. */
export interface EmbeddingRequest {
  model: string
  input: string | string[] | number[] | number[][]
  dimensions?: number | null
  encoding_format?: string | null
  user?: string | null
  /** What the vectors are for (Cohere, Gemini, Bedrock), in Cohere's words: search_document, search_query, classification, clustering. */
  input_type?: string | null
  [member: string]: unknown
}

/** Vectors in the order of the input. */
export interface EmbeddingReply {
  object: 'list'
  model: string
  data: { object: 'embedding', index: number, embedding: number[] }[]
  usage: { prompt_tokens: number, total_tokens: number }
}

export interface RerankRequest {
  model: string
  query: string
  documents: (string | { text: string, id?: string })[]
  top_n?: number | null
  return_documents?: boolean | null
  max_tokens_per_doc?: number | null
  [member: string]: unknown
}

export interface RerankReply {
  id?: string
  model: string
  results: { index: number, relevance_score: number, document?: unknown }[]
  usage?: { prompt_tokens: number, completion_tokens: number, total_tokens: number }
}

export type JsonObject = Record<string, unknown>
