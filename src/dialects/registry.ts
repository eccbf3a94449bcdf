import type { Dialect } from '../api/dialects.ts'
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
import { ollamaEmbedding } from './ollama/embedding.ts'
import { bedrockChat } from './bedrock/chat.ts'
import { bedrockTokenCount } from './bedrock/token-count.ts'
import { geminiChat } from './gemini/chat.ts'
import { geminiEmbedding } from './gemini/embedding.ts'
import { geminiTokenCount } from './gemini/token-count.ts'
import { openAiChat } from './openai/chat.ts'
import { openAiEmbedding } from './openai/embedding.ts'
import { openAiRerank } from './openai/rerank.ts'
import { responsesChat } from './responses/chat.ts'
import { responsesTokenCount } from './responses/token-count.ts'

/** What a dialect can say; a row per dialect. */
interface DialectParts {
  chat?: ChatDialect
  responses?: ChatDialect
  textCompletion?: ChatDialect
  embedding?: EmbeddingDialect
  rerank?: RerankDialect
  tokenCount?: TokenCountDialect
}

const parts: Readonly<Partial<Record<Dialect, DialectParts>>> = {
  openai: { chat: openAiChat, responses: responsesChat, textCompletion: completionsChat, embedding: openAiEmbedding, rerank: openAiRerank, tokenCount: responsesTokenCount },
  anthropic: { chat: anthropicChat, tokenCount: anthropicTokenCount },
  cohere: { chat: cohereChat, embedding: cohereEmbedding, rerank: cohereRerank },
  ollama: { chat: ollamaChat, embedding: ollamaEmbedding },
  bedrock: { chat: bedrockChat, tokenCount: bedrockTokenCount },
  gemini: { chat: geminiChat, embedding: geminiEmbedding, tokenCount: geminiTokenCount }
}

export function chatDialectOf (dialect: Dialect, operation: Operation): ChatDialect {
  const { chat, responses, textCompletion } = parts[dialect] ?? {}
  const found = { chat_completion: chat, responses, text_completion: textCompletion, embedding: undefined, rerank: undefined, count_tokens: undefined }[operation]
  return found ?? refuse(dialect, operation)
}

export function embeddingDialectOf (dialect: Dialect): EmbeddingDialect {
  return parts[dialect]?.embedding ?? refuse(dialect, 'embedding')
}

export function rerankDialectOf (dialect: Dialect): RerankDialect {
  return parts[dialect]?.rerank ?? refuse(dialect, 'rerank')
}

export function tokenCountDialectOf (dialect: Dialect): TokenCountDialect {
  return parts[dialect]?.tokenCount ?? refuse(dialect, 'count_tokens')
}

function refuse (dialect: Dialect, operation: Operation): never {
  throw new GatewayError('BIFROST_UNSUPPORTED_OPERATION', { message: `${operation} cannot be translated from the dialect ${dialect} for this provider.` })
}
