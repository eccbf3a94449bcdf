import type { ChatReply, ChatRequest, JsonObject } from '../../api/chat.ts'
import { anthropicChat } from '../anthropic/chat.ts'
import { AnthropicChatEncoder } from '../anthropic/chat-stream.ts'
import { bedrockChat } from '../bedrock/chat.ts'
import { BedrockChatEncoder } from '../bedrock/chat-stream.ts'
import type { AnswerUsage } from '../bedrock/wire.ts'
import { invalid, isRecord } from '../checks.ts'
import type { AnswerContext, ChatDialect } from '../dialect.ts'
import { openAiChat } from '../openai/chat.ts'
import { ChunkEncoder } from './chunk-encoder.ts'
import { OpenAiEventEncoder } from './openai-event-encoder.ts'

/** Claude: the Messages API, with the version in the body and the model in the path. */
const claude: ChatDialect = {
  ...anthropicChat,
  createChatEncoder: (_request, context) => new ChunkEncoder((toBytes) => new AnthropicChatEncoder(context, toBytes), { lastType: 'message_stop', toPayload: (_type, payload) => payload })
}

/** Amazon's Nova: Converse but for a few names; an event stands in a member of its name. */
const nova: ChatDialect = {
  toChatRequest: (body, model, stream, drop) => bedrockChat.toChatRequest(toConverse(body), model, stream, drop),
  fromChatReply (reply: ChatReply, request: ChatRequest, context: AnswerContext): JsonObject {
    const { metrics: _metrics, usage, ...answer } = bedrockChat.fromChatReply(reply, request, context)
    return { ...answer, usage: toNovaUsage(usage as AnswerUsage) }
  },
  createChatEncoder: () => new ChunkEncoder((toBytes) => new BedrockChatEncoder(toBytes), { lastType: 'metadata', toPayload: toNovaEvent })
}

function toNovaEvent (type: string, payload: object): object {
  return { [type]: type === 'metadata' ? { usage: toNovaUsage((payload as { usage: AnswerUsage }).usage), metrics: {} } : payload }
}

function toNovaUsage ({ cacheReadInputTokens: read, cacheWriteInputTokens: written, ...usage }: AnswerUsage): JsonObject {
  return { ...usage, ...read === undefined ? {} : { cacheReadInputTokenCount: read, cacheWriteInputTokenCount: written } }
}

function toConverse ({ schemaVersion: _version, inferenceConfig, additionalModelRequestFields, ...rest }: JsonObject): JsonObject {
  const { topK, max_new_tokens: formerLimit, maxTokens = formerLimit, ...config } = isRecord(inferenceConfig) ? inferenceConfig : {}
  return {
    ...rest,
    inferenceConfig: { ...config, maxTokens },
    additionalModelRequestFields: { ...isRecord(additionalModelRequestFields) ? additionalModelRequestFields : {}, ...topK === undefined ? {} : { top_k: topK } }
  }
}

/** Mistral, gpt-oss, Qwen, DeepSeek and others: OpenAI's chat completions. */
const openAi: ChatDialect = {
  ...openAiChat,
  toChatRequest: (body, model, stream) => ({ ...openAiChat.toChatRequest(body, model, stream), ...stream ? { stream: true } : {} }),
  createChatEncoder: (_request, context) => new ChunkEncoder((toBytes) => new OpenAiEventEncoder(context, toBytes), { lastType: 'usage', toPayload: (_type, payload) => payload })
}

/** Whose words a chat is in: no header says so. @throws GatewayError BIFROST_INVALID_REQUEST for a body in nobody's */
export function invokeChatOf (body: JsonObject): ChatDialect {
  const { messages } = body
  if (!Array.isArray(messages)) throw invalid('messages', 'messages must be an array: for this provider the body must be one of a chat (messages), a completion (prompt, or inputText with textGenerationConfig), an embedding (inputText, texts or singleEmbeddingParams) or a ranking (query and documents).')
  if (body['anthropic_version'] !== undefined) return claude
  return ['schemaVersion', 'inferenceConfig', 'toolConfig'].some((name) => body[name] !== undefined) || (messages as unknown[]).some(hasNovaBlock) ? nova : openAi
}

/** Only Nova's blocks have no type. */
function hasNovaBlock (message: unknown): boolean {
  const content = isRecord(message) ? message['content'] : null
  return Array.isArray(content) && content.some((block) => isRecord(block) && block['type'] === undefined)
}
