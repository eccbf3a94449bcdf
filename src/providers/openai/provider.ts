import type { ChatUsage, EmbeddingReply, EmbeddingRequest } from '../../api/chat.ts'
import type { JobFrame } from '../../api/job.ts'
import type { Operation } from '../../api/operations.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import { badResponse } from '../bad-response.ts'
import { isGiven } from '../is-given.ts'
import type { ChatProvider, EmbeddingProvider, Family } from '../family.ts'
import { contentTypeOf } from '../reply-headers.ts'
import { OpenAiChatProvider } from './chat.ts'
import { toUpstreamError } from './errors.ts'

const embeddingMembers: ReadonlySet<string> = new Set(['model', 'input', 'dimensions', 'encoding_format', 'user'])

/** OpenAI's API for clients of other dialects; its own clients go through `adapter.ts`, which looks at no more bytes than it must. */
export function createOpenAiFamily (settings: ProviderSettings): Family {
  const { name } = settings
  const urlOf = (operation: Operation): URL => {
    const path = settings.paths[operation]
    return new URL(/^https?:/.test(path) ? path : settings.baseUrl + path)
  }
  const chat: ChatProvider | null = settings.operations.includes('chat_completion') ? new OpenAiChatProvider(name, urlOf('chat_completion')) : null
  const embedding: EmbeddingProvider | null = settings.operations.includes('embedding') ? toEmbedding(name, urlOf('embedding')) : null
  return {
    streamFraming: () => 'sse',
    isNative: (dialect, operation) => dialect === 'openai' && settings.operations.includes(operation),
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
      const rest = Object.fromEntries(Object.entries(request).filter(([name, value]) => {
        if (embeddingMembers.has(name) || (context.passExtraParams && name !== 'input_type')) return true
        if (isGiven(value)) context.drop(name)
        return false
      }))
      return { url, body: { ...rest, model: context.model, encoding_format: 'float' } }
    },
    fromEmbeddingReply (body: unknown): EmbeddingReply {
      const reply = body as EmbeddingReply | null
      if (!Array.isArray(reply?.data)) throw badResponse(provider, 'no data')
      return reply
    }
  }
}
