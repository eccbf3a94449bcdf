import type { ChatUsage, EmbeddingReply, EmbeddingRequest } from '../../api/chat.ts'
import type { JobFrame } from '../../api/job.ts'
import type { Operation } from '../../api/operations.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import { badResponse } from '../bad-response.ts'
import type { ChatProvider, EmbeddingProvider, Family } from '../family.ts'
import { contentTypeOf } from '../reply-headers.ts'
import { OpenAiChatProvider } from './chat.ts'
import { toUpstreamError } from './errors.ts'

/** OpenAI's API for clients of other dialects; its own clients go through `adapter.ts`, which looks at no more bytes than it must. */
export function createOpenAiFamily (settings: ProviderSettings): Family {
  const { name } = settings
  const urlOf = (operation: Operation): URL => {
    const path = settings.paths[operation]
    return new URL(/^https?:/.test(path) ? path : settings.baseUrl + path)
  }
  // Who has the Responses API has followed OpenAI so far; of the others only the former words are known to work.
  const isOlder = !settings.nativeOperations.includes('responses')
  const chatUrl = urlOf('chat_completion')
  const chat: ChatProvider | null = settings.nativeOperations.includes('chat_completion') ? new OpenAiChatProvider(name, () => chatUrl, isOlder) : null
  const embedding: EmbeddingProvider | null = settings.nativeOperations.includes('embedding') ? toEmbedding(name, urlOf('embedding')) : null
  return {
    streamFraming: () => 'sse',
    isNative: (dialect, operation) => dialect === 'openai' && settings.nativeOperations.includes(operation),
    toNativeRequest: (job: JobFrame) => ({ url: urlOf(job.operation), body: job.body }),
    chat: () => chat,
    embedding: () => embedding,
    rerank: () => null,
    tokenCounter: () => null,
    toUsage: (body) => (body as { usage?: ChatUsage } | null)?.usage ?? null,
    authorize: (request, keyIndex) => {
      const value = settings.keys[keyIndex]?.value ?? ''
      if (value !== '') request.headers.push('authorization', `Bearer ${value}`)
      return request
    },
    toError: (status, headers, body) => toUpstreamError(name, status, contentTypeOf(headers), body)
  }
}

function toEmbedding (provider: string, url: URL): EmbeddingProvider {
  return {
    toEmbeddingRequest (request: EmbeddingRequest, context) {
      const { input_type: inputType, ...rest } = request
      if (inputType !== undefined && inputType !== null) context.drop('input_type')
      return { url, body: { ...rest, model: context.model, encoding_format: 'float' } }
    },
    fromEmbeddingReply (body: unknown): EmbeddingReply {
      const reply = body as EmbeddingReply | null
      if (!Array.isArray(reply?.data)) throw badResponse(provider, 'no data')
      return reply
    }
  }
}
