import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startMockUpstream } from '../../src/mock-upstream/server.ts'
import { sdk } from './capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'

/** The SDK through the gateway to a real HTTP upstream; every answer is compared with asking it directly. */
const upstream = await startMockUpstream({ frames: 20, frameIntervalMs: 0, tokens: 12 })
after(() => upstream.close())
const upstreamUrl = `http://127.0.0.1:${upstream.port}`
const gateway = await startTestGateway({ after }, {
  providers: { openai: { keys: [{ name: 'main', value: 'sk-upstream', models: ['gpt-4o-mini', 'gpt-4o', 'text-embedding-3-small'] }], network_config: { base_url: upstreamUrl } } }
})
const messages = [{ role: 'user' as const, content: 'Hello' }]

/** The mock upstream writes the time into each piece of text. */
function withoutTimes<Value> (value: Value): Value {
  return JSON.parse(JSON.stringify(value).replace(/@\d+/g, '@')) as Value
}

/** What the SDK returns, without what the gateway adds. */
function withoutExtras (answer: object): object {
  const { extra_fields: extra, ...rest } = answer as { extra_fields?: { provider?: string } }
  assert.equal(extra?.provider, 'openai')
  return rest
}

test('a unary chat is the answer of the upstream, plus extra_fields', async () => {
  const direct = await sdk(upstreamUrl).chat.completions.create({ model: 'gpt-4o-mini', messages })
  const through = await sdk(gateway.url).chat.completions.create({ model: 'openai/gpt-4o-mini', messages })
  assert.deepEqual(withoutExtras(through), { ...direct })
})

test('a stream is the chunks of the upstream, plus extra_fields', async () => {
  const collect = async (url: string, model: string): Promise<object[]> => {
    const chunks: object[] = []
    for await (const chunk of await sdk(url).chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } })) chunks.push(chunk)
    return chunks
  }
  const direct = await collect(upstreamUrl, 'gpt-4o-mini')
  const through = await collect(gateway.url, 'openai/gpt-4o-mini')
  assert.deepEqual(withoutTimes(through.map(withoutExtras)), withoutTimes(direct))
  assert.ok(through.length > 20)
})

test('usage that the client did not ask for does not reach it', async () => {
  for await (const chunk of await sdk(gateway.url).chat.completions.create({ model: 'openai/gpt-4o-mini', messages, stream: true })) {
    assert.ok(chunk.choices.length > 0)
  }
  assert.ok(await gateway.metric('bifrost_output_tokens_total', { provider: 'openai' }) > 0)
})

test('the .stream() helper gives the message that the upstream streamed', async () => {
  const direct = await sdk(upstreamUrl).chat.completions.stream({ model: 'gpt-4o-mini', messages }).finalMessage()
  const through = await sdk(gateway.url).chat.completions.stream({ model: 'openai/gpt-4o-mini', messages }).finalMessage()
  assert.equal(withoutTimes(through.content), withoutTimes(direct.content))
  assert.ok(String(through.content).length > 20)
})

test('completions and responses, unary and streamed', async () => {
  const client = sdk(gateway.url)
  const model = 'openai/gpt-4o-mini'
  const direct = sdk(upstreamUrl)
  const completion = await client.completions.create({ model, prompt: 'Once' })
  assert.deepEqual(withoutExtras(completion), { ...await direct.completions.create({ model: 'gpt-4o-mini', prompt: 'Once' }) })
  let text = ''
  for await (const chunk of await client.completions.create({ model, prompt: 'Once', stream: true })) text += chunk.choices[0]?.text ?? ''
  assert.ok(text.length > 20)
  const response = await client.responses.create({ model, input: 'Hello' })
  assert.equal(response.output_text, (await direct.responses.create({ model: 'gpt-4o-mini', input: 'Hello' })).output_text)
  const types = async (of: typeof client, name: string): Promise<string[]> => {
    const seen: string[] = []
    for await (const event of await of.responses.create({ model: name, input: 'Hello', stream: true })) seen.push(event.type)
    return seen
  }
  assert.deepEqual(await types(client, model), await types(direct, 'gpt-4o-mini'))
  const final = await client.responses.stream({ model, input: 'Hello' }).finalResponse()
  assert.equal(final.status, 'completed')
})

test('embeddings: the numbers of the upstream, as base64 and as floats', async () => {
  const input = ['one', 'two', 'Grüße']
  const direct = await sdk(upstreamUrl).embeddings.create({ model: 'text-embedding-3-small', input, encoding_format: 'float' })
  for (const options of [{}, { encoding_format: 'float' as const }]) {
    const through = await sdk(gateway.url).embeddings.create({ model: 'openai/text-embedding-3-small', input, ...options })
    assert.deepEqual(through.data.map(({ embedding }) => embedding), direct.data.map(({ embedding }) => embedding))
    assert.ok((direct.data[0]?.embedding.length ?? 0) > 0)
  }
})

test('the model list names what the keys name', async () => {
  const models = await sdk(gateway.url).models.list()
  assert.deepEqual(models.data.map(({ id }) => id), ['openai/gpt-4o-mini', 'openai/gpt-4o', 'openai/text-embedding-3-small'])
  const filtered = await sdk(gateway.url).models.list({ query: { provider: 'nobody' } })
  assert.deepEqual(filtered.data, [])
})

test('a bare model finds the provider that lists it', async () => {
  const completion = await sdk(gateway.url).chat.completions.create({ model: 'gpt-4o', messages })
  assert.equal(completion.model, 'gpt-4o')
})
