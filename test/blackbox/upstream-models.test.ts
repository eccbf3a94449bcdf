import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import OpenAI from 'openai'
import { sendJson, startCaptureUpstream } from '../sdk/capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'

/** Where keys take any model, providers are asked what they have, each in its own words. */
const upstream = await startCaptureUpstream({ after })
const block = (provider: string, more: object = {}): object => ({
  keys: [{ name: 'main', value: `key-of-${provider}`, models: ['*'], ...more }],
  network_config: { base_url: `${upstream.url}/${provider}`, allow_private_network: true, max_retries: 0 }
})
const config = {
  openai: block('openai', { blacklisted_models: ['gpt-old'], aliases: { fast: 'gpt-4o-mini' } }),
  anthropic: block('anthropic'),
  gemini: block('gemini'),
  cohere: block('cohere'),
  together: block('together'),
  // Nobody has to be asked for names that a key has.
  groq: { ...block('groq'), keys: [{ name: 'main', value: 'x', models: ['llama-3'] }] }
}
// The shapes of the vendors' API references.
const lists: Record<string, unknown> = {
  '/openai/v1/models': { object: 'list', data: [{ id: 'gpt-4o', object: 'model' }, { id: 'gpt-old', object: 'model' }] },
  '/anthropic/v1/models?limit=1000': { data: [{ type: 'model', id: 'claude-haiku-4-5', display_name: 'Claude Haiku 4.5' }], has_more: false },
  '/gemini/v1beta/models?pageSize=1000': { models: [{ name: 'models/gemini-2.5-flash', displayName: 'Gemini 2.5 Flash' }] },
  '/cohere/v1/models?page_size=1000': { models: [{ name: 'command-a-03-2025', endpoints: ['chat'] }] },
  '/together/v1/models': [{ id: 'meta-llama/Llama-3-8b', type: 'chat' }]
}
const all = ['openai/gpt-4o', 'openai/fast', 'anthropic/claude-haiku-4-5', 'gemini/gemini-2.5-flash', 'cohere/command-a-03-2025', 'together/meta-llama/Llama-3-8b', 'groq/llama-3']

beforeEach(() => {
  upstream.requests.length = 0
  upstream.answer = (response, { path }) => { sendJson(response, path in lists ? 200 : 404, lists[path] ?? {}) }
})

async function idsOf ({ url }: TestGateway): Promise<string[]> {
  const list = await new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 }).models.list()
  return list.data.map(({ id }) => id)
}

test('lists are merged, with each provider\'s own key, and hold for a while', async (t) => {
  const gateway = await startTestGateway(t, { providers: config })
  assert.deepEqual(await idsOf(gateway), all)
  assert.deepEqual(await idsOf(gateway), all)
  assert.deepEqual(upstream.requests.map(({ method, path }) => `${method} ${path}`).sort(), Object.keys(lists).map((path) => `GET ${path}`).sort())
  const headers = new Map(upstream.requests.map((request) => [request.path.split('/')[1], request.headers]))
  assert.deepEqual([headers.get('openai')?.authorization, headers.get('anthropic')?.['x-api-key'], headers.get('gemini')?.['x-goog-api-key'], headers.get('cohere')?.authorization], ['Bearer key-of-openai', 'key-of-anthropic', 'key-of-gemini', 'Bearer key-of-cohere'])
})

test('many who want the list at once cost one question each', async (t) => {
  const gateway = await startTestGateway(t, { providers: config })
  const answers = await Promise.all(Array.from({ length: 20 }, () => idsOf(gateway)))
  for (const ids of answers) assert.deepEqual(ids, all)
  assert.equal(upstream.requests.length, Object.keys(lists).length)
})

test('who does not answer, answers an error or something else, is left as it was; the others are listed', async (t) => {
  upstream.answer = (response, { path }) => {
    if (path.startsWith('/openai')) response.socket?.destroy()
    else if (path.startsWith('/anthropic')) sendJson(response, 401, { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } })
    else if (path.startsWith('/cohere')) sendJson(response, 200, { unexpected: true })
    else sendJson(response, 200, lists[path])
  }
  const gateway = await startTestGateway(t, { providers: config })
  assert.deepEqual(await idsOf(gateway), ['openai/*', 'openai/fast', 'anthropic/*', 'gemini/gemini-2.5-flash', 'cohere/*', 'together/meta-llama/Llama-3-8b', 'groq/llama-3'])
})

test('nobody is asked where the config says so', async (t) => {
  const gateway = await startTestGateway(t, { client: { list_upstream_models: false }, providers: config })
  assert.deepEqual(await idsOf(gateway), ['openai/*', 'openai/fast', 'anthropic/*', 'gemini/*', 'cohere/*', 'together/*', 'groq/llama-3'])
  assert.equal(upstream.requests.length, 0)
})

test('a provider that is silent holds the list up for five seconds and no longer', { timeout: 30_000 }, async (t) => {
  upstream.answer = (response, { path }) => { if (!path.startsWith('/gemini')) sendJson(response, 200, lists[path]) }
  const gateway = await startTestGateway(t, { providers: config })
  assert.deepEqual(await idsOf(gateway), all.map((id) => id.startsWith('gemini/') ? 'gemini/*' : id))
  await gateway.whenIdle()
})
