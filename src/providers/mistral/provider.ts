import type { Operation } from '../../api/operations.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import type { ChatProvider, Family } from '../family.ts'
import { bearerOf } from '../bearer.ts'
import { toOperationUrl } from '../operation-url.ts'
import { MistralChatDecoder } from './chat-decoder.ts'
import { fromChatReply, toChatUsage } from './chat-reply.ts'
import { toChatBody } from './chat-request.ts'
import { createEmbedding } from './embedding.ts'
import { toError } from './errors.ts'
import { createSpeech } from './speech.ts'
import type { MistralUsage } from './wire.ts'

/** Mistral's API for whoever does not speak it; what OpenAI's clients send goes through as it is where `plain.ts` allows. */
export function createMistralFamily (settings: ProviderSettings): Family {
  const { name } = settings
  const urlOf = (operation: Operation): URL => toOperationUrl(settings, operation)
  const serves = (operation: Operation): boolean => settings.operations.includes(operation)
  const chat: ChatProvider | null = serves('chat_completion') || serves('responses') ? toChat(name, urlOf('chat_completion')) : null
  const embedding = serves('embedding') ? createEmbedding(name, urlOf('embedding')) : null
  const speech = serves('speech') ? createSpeech(name, urlOf('speech')) : null
  return {
    streamFraming: () => 'sse',
    isNative: () => false,
    toNativeRequest: (job) => ({ url: urlOf(job.operation), body: job.body }),
    chat: () => chat,
    embedding: () => embedding,
    rerank: () => null,
    tokenCounter: () => null,
    speech: () => speech,
    toUsage (body) {
      const { usage } = (body ?? {}) as { usage?: MistralUsage }
      return usage === undefined ? null : toChatUsage(usage)
    },
    authorize: bearerOf(settings),
    toError: (status, headers, body) => toError(name, status, headers, body)
  }
}

function toChat (provider: string, url: URL): ChatProvider {
  return {
    toChatRequest: (request, context) => ({ url, body: toChatBody(request, context) }),
    fromChatReply: (body, _request, context) => fromChatReply(provider, body, context.model),
    createChatDecoder: () => new MistralChatDecoder(provider)
  }
}
