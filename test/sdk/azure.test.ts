import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { AzureOpenAI } from 'openai'
import { chatAnswer, sdk, sendEvents, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'

/** The official SDK through the gateway to two resources of Azure, each with its own key and API. */
const upstream = await startCaptureUpstream({ after })
const gateway = await startTestGateway({ after }, {
  providers: {
    azure: {
      keys: [
        { name: 'v1', value: 'v1-key', models: ['gpt-4o'], azure_key_config: { endpoint: upstream.url, deployments: { 'gpt-4o': 'my-gpt-4o' } } },
        { name: 'dated', value: 'dated-key', models: ['gpt-35'], azure_key_config: { endpoint: `${upstream.url}/west`, api_version: '2024-10-21' } }
      ],
      network_config: { max_retries: 0 }
    }
  }
})
const messages = [{ role: 'user' as const, content: 'Hello' }]

beforeEach(() => {
  upstream.requests.length = 0
  upstream.answer = (response) => { sendJson(response, 200, chatAnswer) }
})

test('each key goes to its own resource, in the words of its own API', async () => {
  const client = sdk(gateway.url)
  const first = await client.chat.completions.create({ model: 'azure/gpt-4o', messages })
  await client.chat.completions.create({ model: 'azure/gpt-35', messages })
  assert.equal(first.choices[0]?.message.content, 'Hello')
  assert.deepEqual(upstream.requests.map(({ path, headers, body }) => [path, headers['api-key'], headers.authorization, (JSON.parse(body) as { model: string }).model]), [
    ['/openai/v1/chat/completions', 'v1-key', undefined, 'my-gpt-4o'],
    ['/west/openai/deployments/gpt-35/chat/completions?api-version=2024-10-21', 'dated-key', undefined, 'gpt-35']
  ])
})

test('a stream that begins with a filter\'s words reaches the client as it came', async () => {
  const chunk = (choices: object[], more: object = {}): object => ({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o', choices, ...more })
  upstream.answer = (response) => {
    sendEvents(response, [
      { choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] },
      chunk([{ index: 0, delta: { role: 'assistant', content: 'Hi' }, finish_reason: null }]),
      { choices: [{ index: 0, finish_reason: null, content_filter_results: {} }], created: 0, id: '', model: '', object: '' },
      chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
      chunk([], { usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 } })
    ])
  }
  const seen: unknown[] = []
  for await (const piece of await sdk(gateway.url).chat.completions.create({ model: 'azure/gpt-4o', messages, stream: true })) seen.push(piece.choices[0]?.delta?.content ?? piece.choices[0]?.finish_reason ?? null)
  assert.deepEqual(seen, [null, 'Hi', null, 'stop'])
  assert.deepEqual((JSON.parse(upstream.requests[0]?.body ?? '') as { stream_options: unknown }).stream_options, { include_usage: true })
})

test('Azure\'s own client finds its way by the deployment in the path', async () => {
  const client = new AzureOpenAI({ endpoint: gateway.url, apiKey: 'client-key', apiVersion: '2024-10-21', maxRetries: 0 })
  const answer = await client.chat.completions.create({ model: 'gpt-4o', messages })
  assert.equal(answer.choices[0]?.message.content, 'Hello')
  assert.deepEqual(upstream.requests.map(({ path, headers }) => [path, headers['api-key']]), [['/openai/v1/chat/completions', 'v1-key']])
})
