import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AzureSettings, KeySettings, ProviderSettings } from '../../src/api/settings.ts'
import type { ChatRequest } from '../../src/api/chat.ts'
import type { JobFrame } from '../../src/api/job.ts'
import { createAzureAdapter } from '../../src/providers/azure/adapter.ts'
import type { EntraWorld } from '../../src/providers/azure/auth.ts'
import { createAzureFamily } from '../../src/providers/azure/provider.ts'
import type { AdapterRequest } from '../../src/providers/adapter.ts'
import { createKey, createProvider } from '../router/settings.ts'
import { createAdapter } from './create-adapter.ts'
import { createJob } from './recordings.ts'

const noWorld: EntraWorld = { fetch: async () => { throw new Error('nobody is to be asked') }, nowMs: () => 0 }

function azureKey (cloud: Partial<AzureSettings> = {}, more: Partial<KeySettings> = {}): KeySettings {
  return createKey({
    value: 'azure-key',
    cloud: { kind: 'azure', endpoint: 'https://name.openai.azure.com', apiVersion: '', clientId: '', clientSecret: '', tenantId: '', scopes: ['https://cognitiveservices.azure.com/.default'], authority: 'https://login.example', ...cloud },
    ...more
  })
}

function azure (keys: readonly KeySettings[], more: Partial<ProviderSettings> = {}): ProviderSettings {
  return createProvider('azure', { kind: 'azure', baseUrl: 'https://base.example', keys, ...more })
}

async function requestOf (settings: ProviderSettings, job: JobFrame): Promise<AdapterRequest> {
  return createAzureAdapter(settings, createAzureFamily(settings, noWorld)).open(job).toRequest()
}

const urls: [string, Partial<AzureSettings>, JobFrame['operation'], string][] = [
  ['chat of the v1 API', {}, 'chat_completion', 'https://name.openai.azure.com/openai/v1/chat/completions'],
  ['text of the v1 API', {}, 'text_completion', 'https://name.openai.azure.com/openai/v1/completions'],
  ['embeddings of the v1 API', {}, 'embedding', 'https://name.openai.azure.com/openai/v1/embeddings'],
  ['Responses of the v1 API', {}, 'responses', 'https://name.openai.azure.com/openai/v1/responses'],
  ['chat of a dated API', { apiVersion: '2024-10-21' }, 'chat_completion', 'https://name.openai.azure.com/openai/deployments/my%20gpt%2F4o/chat/completions?api-version=2024-10-21'],
  ['embeddings of a dated API', { apiVersion: '2024-10-21' }, 'embedding', 'https://name.openai.azure.com/openai/deployments/my%20gpt%2F4o/embeddings?api-version=2024-10-21'],
  ['Responses of a dated API, which have the deployment in the body', { apiVersion: '2025-04-01-preview' }, 'responses', 'https://name.openai.azure.com/openai/responses?api-version=2025-04-01-preview'],
  ['the models API of Foundry', { endpoint: 'https://name.services.ai.azure.com/models' }, 'chat_completion', 'https://name.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview'],
  ['a key without an endpoint', { endpoint: '' }, 'chat_completion', 'https://base.example/openai/v1/chat/completions']
]

for (const [what, cloud, operation, url] of urls) {
  test(`${what} has its own address, for native and translated requests`, async () => {
    const settings = azure([createKey(), azureKey(cloud)])
    const body = Buffer.from('{"model":"my gpt/4o"}')
    const request = await requestOf(settings, createJob(operation, { keyIndex: 1, model: 'my gpt/4o', body }))
    assert.equal(request.origin + request.path, url)
    assert.equal(request.body, body, 'the bytes go through')
    const family = createAzureFamily(settings, noWorld)
    const context = { model: 'my gpt/4o', keyIndex: 1, stream: false, passExtraParams: false, drop: () => {} }
    if (operation === 'chat_completion') assert.equal(family.chat('m')?.toChatRequest({ model: 'x', messages: [] }, context).url.href, url)
    if (operation === 'embedding') assert.equal(family.embedding('m')?.toEmbeddingRequest({ model: 'x', input: 'a' }, context).url.href, url)
  })
}

test('a key goes as api-key, and each request has the key and the resource of its own', async () => {
  const settings = azure([azureKey(), azureKey({ endpoint: 'https://other.openai.azure.com' }, { value: 'other-key' })])
  for (const [keyIndex, origin, value] of [[0, 'https://name.openai.azure.com', 'azure-key'], [1, 'https://other.openai.azure.com', 'other-key']] as const) {
    const request = await requestOf(settings, createJob('chat_completion', { keyIndex, stream: true }))
    assert.equal(request.origin, origin)
    assert.deepEqual(request.headers, ['content-type', 'application/json', 'accept', 'text/event-stream', 'user-agent', 'bifrost', 'api-key', value])
  }
})

test('a client of another dialect is put into OpenAI\'s words', () => {
  const chat = createAzureFamily(azure([azureKey()]), noWorld).chat('m')
  const request: ChatRequest = { model: 'x', messages: [{ role: 'developer', content: 'a' }, { role: 'user', content: [{ type: 'text', text: 'b', cache_control: { type: 'ephemeral' } }] }], max_completion_tokens: 5, top_k: 3, reasoning: { effort: 'low' } }
  const dropped: string[] = []
  assert.deepEqual(chat?.toChatRequest(request, { model: 'deployment', keyIndex: 0, stream: true, passExtraParams: false, drop: (member) => { dropped.push(member) } }).body, {
    model: 'deployment',
    messages: [{ role: 'developer', content: 'a' }, { role: 'user', content: [{ type: 'text', text: 'b' }] }],
    max_completion_tokens: 5,
    reasoning_effort: 'low',
    stream: true,
    stream_options: { include_usage: true }
  })
  assert.deepEqual(dropped, ['top_k'])
})

test('the kind azure is known to the translation, which serves OpenAI\'s clients without translating', async () => {
  const adapter = createAdapter(azure([azureKey()]))
  const body = Buffer.from('{"model":"m", "messages":[]}')
  assert.equal((await adapter.open(createJob('chat_completion', { body })).toRequest()).body, body)
})
