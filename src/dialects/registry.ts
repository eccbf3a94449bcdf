import type { Dialect } from '../api/dialects.ts'
import type { JsonObject } from '../api/chat.ts'
import type { Operation } from '../api/operations.ts'
import { GatewayError } from '../errors.ts'
import type { ChatDialect, EmbeddingDialect, RerankDialect, TokenCountDialect } from './dialect.ts'
import { anthropicChat } from './anthropic/chat.ts'
import { anthropicTokenCount } from './anthropic/token-count.ts'
import { completionsChat } from './completions/chat.ts'
import { cohereChat } from './cohere/chat.ts'
import { cohereEmbedding } from './cohere/embedding.ts'
import { cohereRerank } from './cohere/rerank.ts'
import { ollamaChat } from './ollama/chat.ts'
import { ollamaGenerate } from './ollama/generate.ts'
import { ollamaEmbedding } from './ollama/embedding.ts'
import { bedrockChat } from './bedrock/chat.ts'
import { bedrockTokenCount } from './bedrock/token-count.ts'
import { geminiChat } from './gemini/chat.ts'
import { geminiEmbedding } from './gemini/embedding.ts'
import { geminiTokenCount } from './gemini/token-count.ts'
import { invokeChatOf } from './invoke/chat.ts'
import { invokeEmbeddingOf } from './invoke/embedding.ts'
import { invokeRerank } from './invoke/rerank.ts'
import { invokeTextOf } from './invoke/text-completion.ts'
import { openAiChat } from './openai/chat.ts'
import { openAiEmbedding } from './openai/embedding.ts'
import { openAiRerank } from './openai/rerank.ts'
import { responsesChat } from './responses/chat.ts'
import { responsesTokenCount } from './responses/token-count.ts'

/** Where a dialect has several formats for the same, the body tells which it is in, and the answer is in the same one. */
type OfBody<Part> = (body: JsonObject) => Part

/** What a dialect can say; a row per dialect. */
interface DialectParts {
  chat?: ChatDialect | OfBody<ChatDialect>
  responses?: ChatDialect
  textCompletion?: ChatDialect | OfBody<ChatDialect>
  embedding?: EmbeddingDialect | OfBody<EmbeddingDialect>
  rerank?: RerankDialect
  tokenCount?: TokenCountDialect
}

const parts: Readonly<Partial<Record<Dialect, DialectParts>>> = {
  openai: { chat: openAiChat, responses: responsesChat, textCompletion: completionsChat, embedding: openAiEmbedding, rerank: openAiRerank, tokenCount: responsesTokenCount },
  anthropic: { chat: anthropicChat, tokenCount: anthropicTokenCount },
  cohere: { chat: cohereChat, embedding: cohereEmbedding, rerank: cohereRerank },
  ollama: { chat: ollamaChat, textCompletion: ollamaGenerate, embedding: ollamaEmbedding },
  bedrock: { chat: bedrockChat, tokenCount: bedrockTokenCount },
  gemini: { chat: geminiChat, embedding: geminiEmbedding, tokenCount: geminiTokenCount },
  invoke: { chat: invokeChatOf, textCompletion: invokeTextOf, embedding: invokeEmbeddingOf, rerank: invokeRerank }
}

/** @throws GatewayError BIFROST_INVALID_REQUEST for a body in none of the formats of its dialect */
export function chatDialectOf (dialect: Dialect, operation: Operation, body: JsonObject): ChatDialect {
  const { chat, responses, textCompletion } = parts[dialect] ?? {}
  const candidates: Partial<Record<Operation, ChatDialect | OfBody<ChatDialect> | undefined>> = { chat_completion: chat, responses, text_completion: textCompletion }
  const found = candidates[operation]
  return found === undefined ? refuse(dialect, operation) : partOf(found, body)
}

export function embeddingDialectOf (dialect: Dialect, body: JsonObject): EmbeddingDialect {
  const found = parts[dialect]?.embedding
  return found === undefined ? refuse(dialect, 'embedding') : partOf(found, body)
}

export function rerankDialectOf (dialect: Dialect): RerankDialect {
  return parts[dialect]?.rerank ?? refuse(dialect, 'rerank')
}

export function tokenCountDialectOf (dialect: Dialect): TokenCountDialect {
  return parts[dialect]?.tokenCount ?? refuse(dialect, 'count_tokens')
}

function partOf<Part extends object> (found: Part | OfBody<Part>, body: JsonObject): Part {
  return typeof found === 'function' ? found(body) : found
}

function refuse (dialect: Dialect, operation: Operation): never {
  throw new GatewayError('BIFROST_UNSUPPORTED_OPERATION', { message: `${operation} cannot be translated from the dialect ${dialect} for this provider.` })
}
