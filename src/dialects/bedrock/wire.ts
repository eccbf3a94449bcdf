import type { JsonObject } from '../../api/chat.ts'

/** A Converse body as a client sends it; nothing of it has been looked at. */
export interface ConverseBody {
  messages?: unknown
  system?: unknown
  inferenceConfig?: { maxTokens?: number, temperature?: number, topP?: number, stopSequences?: string[] } | null
  toolConfig?: { tools?: ClientTool[], toolChoice?: ToolChoice } | null
  additionalModelRequestFields?: JsonObject | null
  requestMetadata?: Record<string, string> | null
  serviceTier?: { type?: string } | null
  outputConfig?: { textFormat?: { structure?: { jsonSchema?: { schema?: string, name?: string, description?: string } } }, effort?: string } | null
  [member: string]: unknown
}

/** Every block has one of its members; bytes are base64. */
export interface ClientBlock {
  text?: string
  image?: { format?: string, source?: { bytes?: string } }
  audio?: { format?: string, source?: { bytes?: string } }
  document?: { format?: string, name?: string, source?: { bytes?: string, text?: string, content?: { text?: string }[] } }
  toolUse?: { toolUseId?: string, name?: string, input?: unknown, type?: string }
  toolResult?: { toolUseId?: string, content?: ClientBlock[], status?: string }
  reasoningContent?: { reasoningText?: { text?: string, signature?: string }, redactedContent?: string }
  citationsContent?: { content?: { text?: string }[] }
  guardContent?: { text?: { text?: string } }
  cachePoint?: { ttl?: string }
  json?: unknown
  searchResult?: { source?: string, title?: string, content?: { text?: string }[] }
}

/** One of them. */
export interface ToolChoice { auto?: object, any?: object, tool?: { name: string } }

export interface ClientTool {
  toolSpec?: { name?: string, description?: string, inputSchema?: { json?: JsonObject }, strict?: boolean }
  systemTool?: { name?: string }
  cachePoint?: { ttl?: string }
}

/** A block of an answer. */
export type AnswerBlock =
  | { text: string }
  | { toolUse: { toolUseId: string, name: string, input: unknown } }
  | { reasoningContent: { reasoningText: { text: string, signature?: string } } | { redactedContent: string } }
  | { citationsContent: { citations: AnswerCitation[], content: never[] } }

export interface AnswerCitation { title?: string, location?: { web: { url: string } } }

export interface AnswerUsage {
  inputTokens: number
  outputTokens: number
  totalTokens: number
  cacheReadInputTokens?: number
  cacheWriteInputTokens?: number
}
