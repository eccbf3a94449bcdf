import type { Dialect } from '../api/dialects.ts'
import type { Operation } from '../api/operations.ts'
import { GatewayError } from '../errors.ts'
import type { ChatDialect, EmbeddingDialect, RerankDialect, TokenCountDialect } from './dialect.ts'
import { geminiChat } from './gemini/chat.ts'
import { geminiEmbedding } from './gemini/embedding.ts'
import { geminiTokenCount } from './gemini/token-count.ts'
import { openAiChat } from './openai/chat.ts'
import { openAiEmbedding } from './openai/embedding.ts'
import { openAiRerank } from './openai/rerank.ts'

/** What a dialect can say; a row per dialect. */
interface DialectParts {
  chat?: ChatDialect
  responses?: ChatDialect
  embedding?: EmbeddingDialect
  rerank?: RerankDialect
  tokenCount?: TokenCountDialect
}

const parts: Readonly<Partial<Record<Dialect, DialectParts>>> = {
  openai: { chat: openAiChat, embedding: openAiEmbedding, rerank: openAiRerank },
  gemini: { chat: geminiChat, embedding: geminiEmbedding, tokenCount: geminiTokenCount }
}

export function chatDialectOf (dialect: Dialect, operation: Operation): ChatDialect {
  const { chat, responses } = parts[dialect] ?? {}
  return (operation === 'responses' ? responses : operation === 'chat_completion' ? chat : undefined) ?? refuse(dialect, operation)
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
