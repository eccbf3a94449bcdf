import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobFrame } from '../../src/api/job.ts'
import type { ProviderSettings } from '../../src/api/settings.ts'
import type { AdapterRequest } from '../../src/providers/adapter.ts'
import { AnthropicChatProvider } from '../../src/providers/anthropic/chat.ts'
import { createAdapter } from './create-adapter.ts'
import { createContext, createSettings } from './anthropic-harness.ts'
import { createJob } from './recordings.ts'

const body = Buffer.from('{"model":"claude-haiku-4-5","max_tokens":5, "messages":[{"role":"user","content":"Hi"}]}')
const openAiBody = Buffer.from('{"model":"claude-haiku-4-5","temperature":0.5,"messages":[{"role":"user","content":"Hi"}]}')

async function requestOf (settings: ProviderSettings, extra: Partial<JobFrame>): Promise<{ path: string, headers: Record<string, string[]>, body: string }> {
  const job = createJob('chat_completion', { stream: false, model: 'claude-haiku-4-5', ...extra })
  const request: AdapterRequest = await createAdapter(settings).open(job).toRequest()
  const headers: Record<string, string[]> = {}
  for (let index = 0; index < request.headers.length; index += 2) (headers[request.headers[index] as string] ??= []).push(request.headers[index + 1] as string)
  return { path: request.origin + request.path, headers, body: Buffer.from(request.body).toString() }
}

test('a native body goes through byte for byte, with the version and the betas of the client', async () => {
  const request = await requestOf(createSettings(), { dialect: 'anthropic', body, forwardedHeaders: 'anthropic-version: 2026-10-21\nanthropic-beta: a,b' })
  assert.equal(request.body, body.toString())
  assert.equal(request.path, 'https://api.anthropic.com/v1/messages')
  assert.deepEqual([request.headers['anthropic-version'], request.headers['anthropic-beta'], request.headers['x-api-key'], request.headers.authorization], [['2026-10-21'], ['a,b'], ['secret'], undefined])
})

test('a count of tokens has an endpoint of its own', async () => {
  const request = await requestOf(createSettings(), { dialect: 'anthropic', operation: 'count_tokens', body })
  assert.equal(request.path, 'https://api.anthropic.com/v1/messages/count_tokens')
  assert.equal(request.body, body.toString())
})

test('the version is 2023-06-01 unless the client or the operator says otherwise, and the operator wins', async () => {
  const versionOf = async (extraHeaders: Record<string, string>, extra: Partial<JobFrame>): Promise<unknown> => (await requestOf(createSettings({ extraHeaders }), extra)).headers['anthropic-version']
  const operators = { 'anthropic-version': '2026-10-21' }
  const clients = { forwardedHeaders: 'anthropic-version: 2030-01-01' }
  assert.deepEqual(await versionOf({}, { body: openAiBody }), ['2023-06-01'])
  assert.deepEqual(await versionOf({}, { dialect: 'anthropic', body }), ['2023-06-01'])
  assert.deepEqual(await versionOf({}, { body: openAiBody, ...clients }), ['2030-01-01'])
  for (const extra of [{ body: openAiBody }, { dialect: 'anthropic' as const, body }]) {
    assert.deepEqual(await versionOf(operators, extra), ['2026-10-21'])
    assert.deepEqual(await versionOf(operators, { ...extra, ...clients }), ['2026-10-21'])
  }
})

test('the version that refuses sampling parameters gets none, whoever chose it', async () => {
  const temperatureOf = async (extraHeaders: Record<string, string>, forwardedHeaders: string): Promise<unknown> => (JSON.parse((await requestOf(createSettings({ extraHeaders }), { body: openAiBody, forwardedHeaders })).body) as { temperature?: number }).temperature
  assert.equal(await temperatureOf({}, ''), 0.5)
  assert.equal(await temperatureOf({ 'anthropic-version': '2026-10-21' }, ''), undefined)
  assert.equal(await temperatureOf({}, 'anthropic-version: 2026-10-21'), undefined)
  assert.equal(await temperatureOf({ 'anthropic-version': '2023-06-01' }, 'anthropic-version: 2026-10-21'), 0.5)
})

test('headers of Anthropic\'s clients do not reach a provider that is spoken to in other words', async () => {
  const settings = createSettings({ name: 'openai', kind: 'openai', baseUrl: 'https://api.openai.com', operations: ['chat_completion'], paths: { ...createSettings().paths, chat_completion: '/v1/chat/completions' } })
  const forwardedHeaders = 'anthropic-version: 2026-10-21\nx-trace: 1\nanthropic-beta: a'
  const request = await requestOf(settings, { dialect: 'anthropic', body, forwardedHeaders })
  assert.deepEqual(Object.keys(request.headers).filter((name) => name.startsWith('anthropic-')), [])
  assert.deepEqual(request.headers['x-trace'], ['1'])
  // A client of another dialect named them with the prefix, and meant them.
  assert.deepEqual((await requestOf(createSettings(), { body: openAiBody, forwardedHeaders })).headers['anthropic-beta'], ['a'])
})

test('a platform may take the model from the path and the version from the body', () => {
  const chat = new AnthropicChatProvider({
    provider: 'vertex',
    toUrl: ({ model, stream }) => new URL(`https://example.com/${model}:${stream ? 'streamRawPredict' : 'rawPredict'}`),
    hasModelInBody: false,
    bodyVersion: 'vertex-2023-10-16',
    versionOf: () => '2023-06-01'
  })
  const made = chat.toChatRequest({ model: 'x', messages: [{ role: 'user', content: 'Hi' }] }, createContext({ model: 'claude-haiku-4-5@20251001', stream: true }))
  assert.equal(made.url.href, 'https://example.com/claude-haiku-4-5@20251001:streamRawPredict')
  assert.deepEqual(made.body, { anthropic_version: 'vertex-2023-10-16', max_tokens: 64000, messages: [{ role: 'user', content: 'Hi' }], stream: true })
})
