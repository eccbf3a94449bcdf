import type { ChatUsage } from '../../api/chat.ts'
import type { JobFrame } from '../../api/job.ts'
import type { Operation } from '../../api/operations.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import type { ChatProvider, EmbeddingProvider, Family } from '../family.ts'
import { bearerOf } from '../bearer.ts'
import { toOperationUrl } from '../operation-url.ts'
import { contentTypeOf } from '../reply-headers.ts'
import { OpenAiChatProvider } from './chat.ts'
import { OpenAiEmbeddingProvider } from './embedding.ts'
import { toUpstreamError } from './errors.ts'

/** OpenAI's API for clients of other dialects; its own clients go through `adapter.ts`, which looks at no more bytes than it must. */
export function createOpenAiFamily (settings: ProviderSettings): Family {
  const { name } = settings
  const urlOf = (operation: Operation): URL => toOperationUrl(settings, operation)
  // Who has the Responses API has followed OpenAI so far; of the others only the former words are known to work.
  // Ollama has the Responses API, but its chat passes over the newer names.
  const isOlder = !settings.nativeOperations.includes('responses') || name === 'ollama'
  const chatUrl = urlOf('chat_completion')
  const embeddingUrl = urlOf('embedding')
  const chat: ChatProvider | null = settings.nativeOperations.includes('chat_completion') ? new OpenAiChatProvider(name, () => chatUrl, isOlder, name === 'deepseek') : null
  const embedding: EmbeddingProvider | null = settings.nativeOperations.includes('embedding') ? new OpenAiEmbeddingProvider(name, () => embeddingUrl) : null
  return {
    streamFraming: () => 'sse',
    isNative: (dialect, operation) => dialect === 'openai' && settings.nativeOperations.includes(operation),
    toNativeRequest: (job: JobFrame) => ({ url: urlOf(job.operation), body: job.body }),
    chat: () => chat,
    embedding: () => embedding,
    rerank: () => null,
    tokenCounter: () => null,
    toUsage: (body) => (body as { usage?: ChatUsage } | null)?.usage ?? null,
    authorize: bearerOf(settings),
    toError: (status, headers, body) => toUpstreamError(name, status, contentTypeOf(headers), body)
  }
}
