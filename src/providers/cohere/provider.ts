import type { ChatUsage } from '../../api/chat.ts'
import type { Operation } from '../../api/operations.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import type { ChatProvider, Family } from '../family.ts'
import { bearerOf } from '../bearer.ts'
import { toOperationUrl } from '../operation-url.ts'
import { CohereChatDecoder } from './chat-decoder.ts'
import { failureOf, fromChatReply, toChatUsage } from './chat-reply.ts'
import { toChatBody } from './chat-request.ts'
import { createEmbedding } from './embedding.ts'
import { toError } from './errors.ts'
import { createRerank } from './rerank.ts'
import type { CohereMeta, CohereUsage } from './wire.ts'

/** Cohere's API, version 2. */
export function createCohereFamily (settings: ProviderSettings): Family {
  const { name } = settings
  const urlOf = (operation: Operation): URL => toOperationUrl(settings, operation)
  const serves = (operation: Operation): boolean => settings.operations.includes(operation)
  const chat: ChatProvider | null = serves('chat_completion') || serves('responses') ? toChat(name, urlOf('chat_completion')) : null
  const embedding = serves('embedding') ? createEmbedding(name, urlOf('embedding')) : null
  const rerank = serves('rerank') ? createRerank(name, urlOf('rerank')) : null
  return {
    streamFraming: () => 'sse',
    isNative: (dialect, operation) => dialect === 'cohere' && settings.nativeOperations.includes(operation),
    toNativeRequest: (job) => ({ url: urlOf(job.operation), body: job.body }),
    chat: () => chat,
    embedding: () => embedding,
    rerank: () => rerank,
    tokenCounter: () => null,
    toUsage: (body) => toUsage(name, body),
    authorize: bearerOf(settings),
    toError: (status, headers, body) => toError(name, status, headers, body)
  }
}

function toChat (provider: string, url: URL): ChatProvider {
  return {
    toChatRequest: (request, context) => ({ url, body: toChatBody(request, context) }),
    fromChatReply: (body, _request, context) => fromChatReply(provider, body, context.model),
    createChatDecoder: () => new CohereChatDecoder(provider)
  }
}

function toUsage (provider: string, body: unknown): ChatUsage | null {
  const { usage, meta, finish_reason: reason } = (body ?? {}) as { usage?: CohereUsage, meta?: CohereMeta, finish_reason?: string }
  const failure = failureOf(provider, reason, undefined)
  if (failure !== null) throw failure
  if (usage !== undefined) return toChatUsage(usage)
  const tokens = meta?.tokens?.input_tokens ?? meta?.billed_units?.input_tokens
  return tokens === undefined ? null : { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens }
}
