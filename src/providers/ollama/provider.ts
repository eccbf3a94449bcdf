import type { Operation } from '../../api/operations.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import type { ChatProvider, Family } from '../family.ts'
import { bearerOf } from '../bearer.ts'
import { isGiven } from '../is-given.ts'
import { toOperationUrl } from '../operation-url.ts'
import { OllamaChatDecoder } from './chat-decoder.ts'
import { fromChatReply, toChatUsage } from './chat-reply.ts'
import { toChatBody } from './chat-request.ts'
import { createEmbedding } from './embedding.ts'
import { toError, toLineError } from './errors.ts'
import type { OllamaReply } from './wire.ts'

/** Files are none of its business: they are left out by name. */
const fetchedImages = ['image/png', 'image/jpeg', 'image/webp']
const nativeOperations: ReadonlySet<Operation> = new Set(['chat_completion', 'text_completion', 'embedding'])

/** Ollama's own API, for servers whose config says `native`; the others are asked in OpenAI's words. */
export function createOllamaFamily (settings: ProviderSettings): Family {
  const { name } = settings
  const urlOf = (operation: Operation): URL => toOperationUrl(settings, operation)
  const serves = (operation: Operation): boolean => settings.operations.includes(operation)
  const chat: ChatProvider | null = serves('chat_completion') || serves('responses') ? toChat(name, urlOf('chat_completion')) : null
  const embedding = serves('embedding') ? createEmbedding(name, urlOf('embedding')) : null
  return {
    streamFraming: () => 'lines',
    isNative: (dialect, operation) => dialect === 'ollama' && nativeOperations.has(operation) && serves(operation),
    // OpenAI's clients have another path for it, which `paths` names.
    toNativeRequest: (job) => ({ url: job.operation === 'text_completion' ? new URL(`${settings.baseUrl}/api/generate`) : urlOf(job.operation), body: job.body }),
    chat: () => chat,
    embedding: () => embedding,
    rerank: () => null,
    tokenCounter: () => null,
    fetchedTypes: ({ kind }) => kind === 'image' ? fetchedImages : null,
    toUsage (body) {
      const reply = (body ?? {}) as OllamaReply
      if (isGiven(reply.error)) throw toLineError(name, reply.error)
      return body === null ? null : toChatUsage(reply)
    },
    authorize: bearerOf(settings),
    toError: (status, headers, body) => toError(name, status, headers, body)
  }
}

function toChat (provider: string, url: URL): ChatProvider {
  return {
    toChatRequest: (request, context) => ({ url, body: toChatBody(request, context) }),
    fromChatReply: (body, _request, context) => fromChatReply(provider, body, context.model),
    createChatDecoder: () => new OllamaChatDecoder(provider)
  }
}
