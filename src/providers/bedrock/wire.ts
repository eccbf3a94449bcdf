import type { JsonObject } from '../../api/chat.ts'

/** Amazon Bedrock's Converse API, as far as it is read or written here; bytes are base64. */
export interface ConverseBody {
  messages: ConverseMessage[]
  system?: SystemBlock[]
  inferenceConfig?: InferenceConfig
  toolConfig?: ToolConfig
  additionalModelRequestFields?: JsonObject
  requestMetadata?: Record<string, string>
  serviceTier?: { type: string }
  outputConfig?: OutputConfig
}

export interface ConverseMessage {
  role: 'user' | 'assistant'
  content: ContentBlock[]
}

/** A block has exactly one member. */
export type ContentBlock =
  | { text: string }
  | { image: MediaBlock }
  | { audio: MediaBlock }
  | { document: MediaBlock & { name: string } }
  | { toolUse: ToolUse }
  | { toolResult: ToolResult }
  | { reasoningContent: ReasoningContent }
  | CachePoint

export interface MediaBlock { format: string, source: { bytes: string } }
export interface CachePoint { cachePoint: { type: 'default', ttl?: string } }
export type SystemBlock = { text: string } | CachePoint
export interface ToolUse { toolUseId: string, name: string, input: unknown, type?: string }
export interface ToolResult { toolUseId: string, content: ContentBlock[], status?: 'success' | 'error' }
export type ReasoningContent = { reasoningText: { text: string, signature?: string } } | { redactedContent: string }

interface InferenceConfig { maxTokens?: number, temperature?: number, topP?: number, stopSequences?: string[] }

export interface ToolConfig {
  tools: ConverseTool[]
  toolChoice?: { auto: JsonObject } | { any: JsonObject } | { tool: { name: string } }
}

export type ConverseTool =
  | { toolSpec: { name: string, description?: string, inputSchema: { json: JsonObject }, strict?: boolean } }
  | { systemTool: { name: string } }
  | CachePoint

export interface OutputConfig {
  /** `schema` is JSON text. */
  textFormat?: { type: 'json_schema', structure: { jsonSchema: { schema: string, name?: string, description?: string } } }
  effort?: string
}

/** `inputTokens` holds neither what came from the cache nor what was written to it. */
export interface ConverseUsage {
  inputTokens?: number
  outputTokens?: number
  totalTokens?: number
  cacheReadInputTokens?: number
  cacheWriteInputTokens?: number
  /** Nova's own format, which is Converse but for these names. */
  cacheReadInputTokenCount?: number
  cacheWriteInputTokenCount?: number
}

export interface ConverseReply {
  output?: { message?: { role?: string, content?: ReplyBlock[] } }
  stopReason?: string
  usage?: ConverseUsage
  additionalModelResponseFields?: { stop_sequence?: unknown } | null
}

/** What a model may say; blocks of other kinds are passed over. */
export interface ReplyBlock {
  text?: string
  toolUse?: Partial<ToolUse>
  reasoningContent?: { reasoningText?: { text?: string, signature?: string }, redactedContent?: string }
  citationsContent?: { content?: { text?: string }[], citations?: Citation[] }
}

export interface Citation {
  title?: string
  source?: string
  location?: { web?: { url?: string, domain?: string } }
}

/** The payload of one event of a stream; which it is, its frame says. */
export interface StreamPayload {
  contentBlockIndex?: number
  start?: { toolUse?: Partial<ToolUse> }
  delta?: {
    text?: string
    toolUse?: { input?: string }
    reasoningContent?: { text?: string, signature?: string, redactedContent?: string }
    citation?: Citation
  }
  stopReason?: string
  usage?: ConverseUsage
  additionalModelResponseFields?: { stop_sequence?: unknown } | null
  message?: string
  Message?: string
}
