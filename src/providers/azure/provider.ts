import type { ChatUsage } from '../../api/chat.ts'
import type { Operation } from '../../api/operations.ts'
import type { AzureSettings, ProviderSettings } from '../../api/settings.ts'
import type { AdapterRequest } from '../adapter.ts'
import type { Family } from '../family.ts'
import { OpenAiChatProvider } from '../openai/chat.ts'
import { OpenAiEmbeddingProvider } from '../openai/embedding.ts'
import { toAzureUrl } from './address.ts'
import { EntraToken } from './auth.ts'
import type { EntraWorld } from './auth.ts'
import { toAzureError } from './errors.ts'

export const toWorld = (fetch: EntraWorld['fetch']): EntraWorld => ({ fetch, nowMs: () => performance.now() })

/** OpenAI's API at an address per key, with Azure's two ways to get in. */
export function createAzureFamily (settings: ProviderSettings, world: EntraWorld = toWorld(globalThis.fetch)): Family {
  const { name } = settings
  const tokens = settings.keys.map(({ cloud }) => cloud?.kind === 'azure' && usesEntra(cloud) ? new EntraToken(cloud, name, world) : null)
  const urlOf = (operation: Operation, model: string, keyIndex: number, resource = ''): URL => {
    const cloud = settings.keys[keyIndex]?.cloud
    const azure = cloud?.kind === 'azure' ? cloud : { endpoint: '', apiVersion: '' }
    return toAzureUrl(azure.endpoint === '' ? settings.baseUrl : azure.endpoint, azure, operation, model, resource)
  }
  const chat = new OpenAiChatProvider(name, ({ model, keyIndex }) => urlOf('chat_completion', model, keyIndex), false)
  const embedding = new OpenAiEmbeddingProvider(name, ({ model, keyIndex }) => urlOf('embedding', model, keyIndex))
  return {
    streamFraming: () => 'sse',
    isNative: (dialect, operation) => dialect === 'openai' && settings.nativeOperations.includes(operation),
    toNativeRequest: (job) => ({ url: urlOf(job.operation, job.model, job.keyIndex, job.resource), body: job.body }),
    chat: () => chat,
    embedding: () => embedding,
    rerank: () => null,
    tokenCounter: () => null,
    toUsage: (body) => (body as { usage?: ChatUsage } | null)?.usage ?? null,
    authorize (request, keyIndex) {
      const token = tokens[keyIndex]?.get()
      if (token === undefined) return withHeader(request, 'api-key', settings.keys[keyIndex]?.value ?? '')
      return typeof token === 'string' ? withBearer(request, token) : token.then((fetched) => withBearer(request, fetched))
    },
    toError: (status, headers, body) => toAzureError(name, status, headers, body)
  }
}

function usesEntra ({ clientId, clientSecret, tenantId }: AzureSettings): boolean {
  return clientId !== '' && clientSecret !== '' && tenantId !== ''
}

function withBearer (request: AdapterRequest, token: string): AdapterRequest {
  return withHeader(request, 'authorization', `Bearer ${token}`)
}

function withHeader (request: AdapterRequest, name: string, value: string): AdapterRequest {
  if (value !== '') request.headers.push(name, value)
  return request
}
