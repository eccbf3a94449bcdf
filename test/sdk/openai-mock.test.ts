import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sdk } from './capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'

/** The official `openai` SDK, unmodified, against the provider that needs nothing: the embedded mock. */
const gateway = await startTestGateway({ after }, {
  providers: { mock: { mock: { text: 'Grüße aus Köln 👋 ', tokens: 6, embedding_dimensions: 4 } } }
})
const text = 'Grüße aus Köln 👋 Grüße '
const messages = [{ role: 'user' as const, content: 'Hello' }]

test('chat gives a completion with usage', async () => {
  const completion = await sdk(gateway.url).chat.completions.create({ model: 'mock/any', messages })
  assert.equal(completion.object, 'chat.completion')
  assert.equal(completion.model, 'any')
  assert.equal(completion.choices[0]?.finish_reason, 'stop')
  assert.match(String(completion.choices[0].message.content), /^Grüße aus Köln 👋 /)
  assert.equal(completion.usage?.completion_tokens, 6)
  assert.equal(completion.usage.total_tokens, completion.usage.prompt_tokens + 6)
})

test('a streamed chat gives the same text, one finish reason and an end', async () => {
  const unary = await sdk(gateway.url).chat.completions.create({ model: 'mock/any', messages })
  const stream = await sdk(gateway.url).chat.completions.create({ model: 'mock/any', messages, stream: true })
  let content = ''
  const finishes: string[] = []
  for await (const chunk of stream) {
    content += chunk.choices[0]?.delta.content ?? ''
    if (chunk.choices[0]?.finish_reason) finishes.push(chunk.choices[0].finish_reason)
  }
  assert.equal(content, unary.choices[0]?.message.content)
  assert.deepEqual(finishes, ['stop'])
})

test('the .stream() helper gives the final message and usage', async () => {
  const stream = sdk(gateway.url).chat.completions.stream({ model: 'mock/any', messages, stream_options: { include_usage: true } })
  const deltas: string[] = []
  stream.on('content', (delta) => { deltas.push(delta) })
  const final = await stream.finalChatCompletion()
  assert.equal(final.choices[0]?.message.content, deltas.join(''))
  assert.equal(final.choices[0]?.finish_reason, 'stop')
  assert.equal((await stream.totalUsage()).completion_tokens, 6)
})

test('text completions, unary and streamed', async () => {
  const completion = await sdk(gateway.url).completions.create({ model: 'mock/any', prompt: 'Once' })
  assert.equal(completion.object, 'text_completion')
  let content = ''
  for await (const chunk of await sdk(gateway.url).completions.create({ model: 'mock/any', prompt: 'Once', stream: true })) content += chunk.choices[0]?.text ?? ''
  assert.equal(content, completion.choices[0]?.text)
  assert.ok(content.startsWith(text.slice(0, 10)))
})

test('responses, unary and streamed', async () => {
  const client = sdk(gateway.url)
  const response = await client.responses.create({ model: 'mock/any', input: 'Hello' })
  assert.equal(response.status, 'completed')
  assert.ok(response.output_text.startsWith('Grüße aus Köln 👋'))
  const types: string[] = []
  let content = ''
  for await (const event of await client.responses.create({ model: 'mock/any', input: 'Hello', stream: true })) {
    types.push(event.type)
    if (event.type === 'response.output_text.delta') content += event.delta
  }
  assert.equal(types[0], 'response.created')
  assert.equal(types.at(-1), 'response.completed')
  assert.equal(content, response.output_text)
})

test('embeddings are decoded from base64 to the same numbers as plain floats', async () => {
  const client = sdk(gateway.url)
  const decoded = await client.embeddings.create({ model: 'mock/any', input: ['one', 'two'] })
  const plain = await client.embeddings.create({ model: 'mock/any', input: ['one', 'two'], encoding_format: 'float' })
  assert.equal(decoded.data.length, 2)
  assert.equal(decoded.data[0]?.embedding.length, 4)
  assert.deepEqual(decoded.data.map(({ embedding }) => embedding), plain.data.map(({ embedding }) => embedding))
  const norm = Math.hypot(...decoded.data[0].embedding)
  assert.ok(Math.abs(norm - 1) < 1e-6, String(norm))
})

test('the model list names the provider', async () => {
  const ids: string[] = []
  for await (const model of sdk(gateway.url).models.list()) ids.push(model.id)
  assert.deepEqual(ids, ['mock/*'])
})

test('a bare model goes to the only provider', async () => {
  const completion = await sdk(gateway.url).chat.completions.create({ model: 'whatever', messages })
  assert.equal(completion.model, 'whatever')
})

test('fifty chats at once each get their own answer', async () => {
  const client = sdk(gateway.url)
  const completions = await Promise.all(Array.from({ length: 50 }, (_, index) => client.chat.completions.create({ model: `mock/m${index}`, messages })))
  assert.deepEqual(completions.map(({ model }) => model), Array.from({ length: 50 }, (_, index) => `m${index}`))
  assert.equal(new Set(completions.map(({ id }) => id)).size, 50)
  await gateway.whenIdle()
})
