import type { JsonObject } from '../../api/chat.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import type { AdapterRequest } from '../adapter.ts'
import { isAnthropicError, toAnthropicError, toEmbeddedAnthropicError } from '../anthropic/errors.ts'
import { fromAnthropicUsage } from '../anthropic/usage.ts'
import type { AnthropicMessage } from '../anthropic/wire.ts'
import type { Family } from '../family.ts'
import { GeminiChatProvider, toChatUrl } from '../gemini/chat.ts'
import type { ApiTraits } from '../gemini/chat-request.ts'
import { toEmbeddedError, toGoogleError } from '../gemini/errors.ts'
import { fetchedTypes } from '../gemini/fetched-media.ts'
import { createImageProvider } from '../gemini/image.ts'
import { createSpeechProvider } from '../gemini/speech.ts'
import { GeminiTokenCounter } from '../gemini/token-count.ts'
import { createTranscriptionProvider } from '../gemini/transcription.ts'
import { toChatUsage } from '../gemini/usage.ts'
import type { UsageMetadata } from '../gemini/wire.ts'
import { TokenSource } from './auth.ts'
import type { TokenWorld } from './auth.ts'
import { hasAddress, isClaude, VertexClaude } from './claude.ts'
import { VertexEmbeddingProvider } from './embedding.ts'
import { toUrlOfVerb, vertexOf } from './endpoint.ts'

/** The tier is a matter of contracts and headers there. */
const api: ApiTraits = { unknownMembers: new Set(), hasServiceTier: false }

/** There, Anthropic's models take no addresses. */
const claudeImages = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']
const claudeFiles = [...claudeImages, 'application/pdf', 'text/plain']

export const toWorld = (fetch: TokenWorld['fetch']): TokenWorld => ({ fetch, nowMs: () => Date.now() })

/** Vertex AI: Gemini and Anthropic's models with Google Cloud's addresses and credentials. */
export function createVertexFamily (settings: ProviderSettings, world: TokenWorld = toWorld(null)): Family {
  const { name, operations, keys } = settings
  const urlOf = toUrlOfVerb(name, keys, settings.baseUrl)
  const chat = operations.includes('chat_completion') ? new GeminiChatProvider(name, api, urlOf) : null
  const embedding = operations.includes('embedding') ? new VertexEmbeddingProvider(name, urlOf) : null
  const tokenCounter = operations.includes('count_tokens') ? new GeminiTokenCounter(name, api, urlOf, toCountBody) : null
  const image = createImageProvider(name, urlOf, true)
  const speech = createSpeechProvider(name, urlOf)
  const transcription = createTranscriptionProvider(name, urlOf)
  const claude = new VertexClaude(settings)
  const tokens = keys.map((key) => new TokenSource(name, key.name, vertexOf(key).authCredentials, world))
  return {
    streamFraming: () => 'sse',
    isNative (dialect, operation, model, body) {
      if (!operations.includes(operation)) return false
      if (isClaude(model)) return dialect === 'anthropic' && (operation === 'chat_completion' || operation === 'count_tokens') && (body === undefined || !hasAddress(body))
      // Embeddings and counts have other bodies here than in the Gemini API.
      return dialect === 'gemini' && operation === 'chat_completion'
    },
    toNativeRequest (job) {
      return isClaude(job.model) ? claude.toNativeRequest(job) : { url: toChatUrl(urlOf, job.model, job.stream, job.keyIndex), body: job.body }
    },
    chat: (model) => (chat !== null && isClaude(model) ? claude.chat : chat),
    embedding: (model) => (isClaude(model) ? null : embedding),
    rerank: () => null,
    tokenCounter: (model) => (tokenCounter !== null && isClaude(model) ? claude.tokenCounter : tokenCounter),
    fetchedTypes: (media, model) => isClaude(model) ? (media.kind === 'image' ? claudeImages : claudeFiles) : fetchedTypes(media, true),
    // The front has looked whether the settings have them.
    image: (model) => (isClaude(model) ? null : image(model)),
    speech: (model) => (isClaude(model) ? null : speech),
    transcription: (model) => (isClaude(model) ? null : transcription),
    toUsage (body) {
      const error = isAnthropicError(body) ? toEmbeddedAnthropicError(name, body) : toEmbeddedError(name, body)
      if (error !== null) throw error
      const { usageMetadata, usage } = (body ?? {}) as { usageMetadata?: UsageMetadata, usage?: AnthropicMessage['usage'] }
      return typeof usage === 'object' && usage !== null ? fromAnthropicUsage(usage) : toChatUsage(usageMetadata)
    },
    authorize (request, keyIndex) {
      const key = keys[keyIndex]
      // The more specific credential wins: a key may have a value and an account.
      if (key !== undefined && key.value !== '' && vertexOf(key).authCredentials === '') return withHeader(request, 'x-goog-api-key', key.value)
      if (key === undefined || settings.keyless) return request
      const token = (tokens[keyIndex] as TokenSource).get()
      // Nearly always the token is there.
      return typeof token === 'string' ? withHeader(request, 'authorization', `Bearer ${token}`) : token.then((value) => withHeader(request, 'authorization', `Bearer ${value}`))
    },
    // Anthropic's models report in Anthropic's words, Google's front door in Google's.
    toError: (status, headers, body) => (isAnthropics(body) ? toAnthropicError : toGoogleError)(name, status, headers, body)
  }
}

/** `{"type":"error",...}`, which Google's envelope never has. */
function isAnthropics (body: Uint8Array): boolean {
  return /"type"\s*:\s*"error"/.test(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'))
}

function withHeader (request: AdapterRequest, name: string, value: string): AdapterRequest {
  request.headers.push(name, value)
  return request
}

/** countTokens looks at nothing else. */
function toCountBody (request: JsonObject): JsonObject {
  const counted = ['contents', 'systemInstruction', 'tools', 'generationConfig']
  return Object.fromEntries(Object.entries(request).filter(([name]) => counted.includes(name)))
}
