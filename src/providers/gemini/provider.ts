import type { JsonObject } from '../../api/chat.ts'
import type { JobFrame } from '../../api/job.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import type { Family } from '../family.ts'
import { GeminiChatProvider, toChatUrl } from './chat.ts'
import type { UrlOfVerb } from './chat.ts'
import type { ApiTraits } from './chat-request.ts'
import { GeminiEmbeddingProvider, toResourceName } from './embedding.ts'
import { toEmbeddedError, toGoogleError } from './errors.ts'
import { fetchedTypes, fetchesUrls } from './fetched-media.ts'
import { createImageProvider } from './image.ts'
import { withModel } from './native-body.ts'
import { createSpeechProvider } from './speech.ts'
import { GeminiTokenCounter } from './token-count.ts'
import { createTranscriptionProvider } from './transcription.ts'
import { toChatUsage } from './usage.ts'
import type { UsageMetadata } from './wire.ts'

/** Labels are for the bills of Google Cloud. */
const api: ApiTraits = { unknownMembers: new Set(['labels']), hasServiceTier: true }

/** The Gemini API: generativelanguage.googleapis.com. */
export function createGeminiFamily (settings: ProviderSettings): Family {
  const { name, operations } = settings
  const urlOf: UrlOfVerb = (model, verb) => new URL(`${settings.baseUrl}/v1beta/${toResourceName(model).split('/').map(encodeURIComponent).join('/')}:${verb}`)
  const chat = operations.includes('chat_completion') ? new GeminiChatProvider(name, api, urlOf) : null
  const embedding = operations.includes('embedding') ? new GeminiEmbeddingProvider(name, urlOf) : null
  const tokenCounter = operations.includes('count_tokens') ? new GeminiTokenCounter(name, api, urlOf, toCountBody) : null
  const image = createImageProvider(name, urlOf, false)
  const speech = createSpeechProvider(name, urlOf)
  const transcription = createTranscriptionProvider(name, urlOf)
  return {
    streamFraming: () => 'sse',
    isNative: (dialect, operation) => dialect === 'gemini' && operations.includes(operation),
    toNativeRequest: (job) => toNativeRequest(job, urlOf),
    chat: () => chat,
    embedding: () => embedding,
    rerank: () => null,
    tokenCounter: () => tokenCounter,
    fetchedTypes: (media, model) => fetchedTypes(media, fetchesUrls(model)),
    // The front has looked whether the settings have them.
    image,
    speech: () => speech,
    transcription: () => transcription,
    toUsage (body, operation) {
      // A job that failed is no failure of who asks for it.
      const error = operation === 'chat_completion' ? toEmbeddedError(name, body) : null
      if (error !== null) throw error
      return toChatUsage((body as { usageMetadata?: UsageMetadata } | null)?.usageMetadata)
    },
    authorize: (request, keyIndex) => {
      const value = settings.keys[keyIndex]?.value ?? ''
      if (value !== '') request.headers.push('x-goog-api-key', value)
      return request
    },
    toError: (status, headers, body) => toGoogleError(name, status, headers, body)
  }
}

/** Bodies of chats hold no model; the others may, and Gemini refuses one that differs from the path. */
function toNativeRequest (job: JobFrame, urlOf: UrlOfVerb): { url: URL, body: Uint8Array } {
  const { model, operation, keyIndex } = job
  if (operation === 'chat_completion') return { url: toChatUrl(urlOf, model, job.stream, keyIndex), body: job.body }
  const { body, isBatch } = withModel(job.body, toResourceName(model))
  const verb = operation === 'count_tokens' ? 'countTokens' : isBatch ? 'batchEmbedContents' : 'embedContent'
  return { url: urlOf(model, verb, keyIndex), body }
}

/** Beside contents alone, it counts whole requests. */
function toCountBody (request: JsonObject, model: string): JsonObject {
  return { generateContentRequest: { model: toResourceName(model), ...request } }
}
