import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { startTestGateway } from '../helpers/gateway.ts'

const key = { name: 'main', value: 'x' }
const gateway = await startTestGateway({ after }, {
  providers: {
    openai: { keys: [{ ...key, models: ['gpt-4o', 'gpt-4o-mini'], aliases: { fast: 'gpt-4o-mini' } }] },
    anthropic: { keys: [{ ...key, models: ['*'] }], network_config: { base_url: 'http://127.0.0.1:9', allow_private_network: true } },
    cohere: {}
  }
})
const expected = ['openai/gpt-4o', 'openai/gpt-4o-mini', 'openai/fast', 'anthropic/*']

async function idsOf<Model> (list: AsyncIterable<Model>, toId: (model: Model) => string | undefined): Promise<(string | undefined)[]> {
  const ids: (string | undefined)[] = []
  for await (const model of list) ids.push(toId(model))
  return ids
}

test('each SDK lists the models of the providers that can serve, in its own shape', async () => {
  const openAi = new OpenAI({ apiKey: 'k', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
  assert.deepEqual(await idsOf(openAi.models.list(), ({ id }) => id), expected)
  const anthropic = new Anthropic({ apiKey: 'k', baseURL: gateway.url, maxRetries: 0 })
  assert.deepEqual(await idsOf(anthropic.models.list(), ({ id }) => id), expected)
  const google = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `${gateway.url}/genai` } })
  assert.deepEqual(await idsOf(await google.models.list(), ({ name }) => name), expected.map((id) => `models/${id}`))
  const { models } = await new Ollama({ host: gateway.url }).list()
  assert.deepEqual(models.map(({ name }) => name), expected)
})

test('one provider is listed alone when that is asked for', async () => {
  const list = await (await fetch(`${gateway.url}/v1/models?provider=anthropic`)).json() as { data: { id: string, owned_by: string }[] }
  assert.deepEqual(list.data.map(({ id, owned_by: owner }) => [id, owner]), [['anthropic/*', 'anthropic']])
})

test('each SDK looks at one model by its name, and is told when nobody serves it', async () => {
  const openAi = new OpenAI({ apiKey: 'k', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
  const { id, owned_by: owner, object } = await openAi.models.retrieve('openai/gpt-4o')
  assert.deepEqual([id, owner, object], ['openai/gpt-4o', 'openai', 'model'])
  // A bare name, and one of a key that takes any.
  assert.equal((await openAi.models.retrieve('fast')).id, 'fast')
  assert.equal((await openAi.models.retrieve('anthropic/whatever')).id, 'anthropic/whatever')
  await assert.rejects(openAi.models.retrieve('openai/no-such-model'), OpenAI.NotFoundError)
  await assert.rejects(openAi.models.retrieve('cohere/command'), OpenAI.NotFoundError)
  const anthropic = new Anthropic({ apiKey: 'k', baseURL: gateway.url, maxRetries: 0 })
  assert.deepEqual({ ...await anthropic.models.retrieve('openai/gpt-4o') }, { type: 'model', id: 'openai/gpt-4o', display_name: 'openai/gpt-4o', created_at: '1970-01-01T00:00:00Z' })
  await assert.rejects(anthropic.models.retrieve('openai/no-such-model'), (error: unknown) => error instanceof Anthropic.NotFoundError && (error.error as { error: { type: string } }).error.type === 'not_found_error')
  const google = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `${gateway.url}/genai` } })
  assert.equal((await google.models.get({ model: 'gemini-of-tomorrow' })).name, 'models/gemini-of-tomorrow')
  assert.equal((await fetch(`${gateway.url}/v1/models/%zz`)).status, 400)
})
