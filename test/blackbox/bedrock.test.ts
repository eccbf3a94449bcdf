import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, CountTokensCommand } from '@aws-sdk/client-bedrock-runtime'
import type { ConverseStreamOutput } from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { startTestGateway } from '../helpers/gateway.ts'
import { toEventFrame } from '../providers/bedrock-frames.ts'

interface Seen { path: string, headers: IncomingHttpHeaders, body: unknown }

const messages = [{ role: 'user' as const, content: [{ text: 'Hi' }] }]
const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
const events: [string, unknown][] = [
  ['messageStart', { role: 'assistant' }],
  ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Grüß' } }],
  ['contentBlockStop', { contentBlockIndex: 0 }],
  ['contentBlockStart', { contentBlockIndex: 1, start: { toolUse: { name: 'f', toolUseId: 't1' } } }],
  ['contentBlockDelta', { contentBlockIndex: 1, delta: { toolUse: { input: '{"a":1}' } } }],
  ['contentBlockStop', { contentBlockIndex: 1 }],
  ['messageStop', { stopReason: 'tool_use' }],
  ['metadata', { usage, metrics: { latencyMs: 3 } }]
]
const openAiChunks = [
  { id: 'c', model: 'm', choices: [{ index: 0, delta: { role: 'assistant', content: 'Grüß' }, finish_reason: null }] },
  { id: 'c', model: 'm', choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'f', arguments: '' } }] }, finish_reason: null }] },
  { id: 'c', model: 'm', choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] }, finish_reason: null }] },
  { id: 'c', model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
  { id: 'c', model: 'm', choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } }
]

describe('Amazon\'s SDK and clients of OpenAI\'s API, in front of Bedrock and of others', async () => {
  const seen: Seen[] = []
  let answer: (response: ServerResponse) => void = () => {}
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => { chunks.push(chunk) })
    request.on('end', () => {
      seen.push({ path: request.url ?? '', headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) })
      answer(response)
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  after(() => { server.close(); server.closeAllConnections() })
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const gateway = await startTestGateway({ after }, {
    providers: {
      bedrock: { keys: [{ bedrock_key_config: { region: 'eu-central-1', access_key: 'AKIDEXAMPLE', secret_key: 'secret' } }], network_config: { base_url: upstream, max_retries: 0 } },
      up: { keys: [{ value: 'k' }], network_config: { base_url: upstream, max_retries: 0 }, custom_provider_config: { base_provider_type: 'openai' } }
    }
  })
  const client = new BedrockRuntimeClient({ region: 'us-east-1', endpoint: `${gateway.url}/bedrock`, credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, requestHandler: new NodeHttpHandler(), maxAttempts: 1 })
  after(() => { client.destroy() })

  const sendFrames = (frames: readonly [string, unknown][]) => (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    for (const [type, payload] of frames) response.write(toEventFrame(type, payload))
    response.end()
  }
  async function stream (modelId: string): Promise<ConverseStreamOutput[]> {
    const { stream: found } = await client.send(new ConverseStreamCommand({ modelId, messages }))
    const list: ConverseStreamOutput[] = []
    for await (const event of found ?? []) list.push(event)
    return list
  }
  const whole = (list: readonly ConverseStreamOutput[]): unknown => list.map((event) => event.metadata === undefined ? event : { metadata: { usage: event.metadata.usage } })
  const expected = events.map(([type, payload]) => type === 'metadata' ? { metadata: { usage } } : { [type]: payload })

  test('a stream of Bedrock goes through as it is, to a signed request', async () => {
    answer = sendFrames(events)
    assert.deepEqual(whole(await stream('us.amazon.nova-2-lite-v1:0')), expected)
    const { path, headers, body } = seen.at(-1) as Seen
    assert.equal(path, '/model/us.amazon.nova-2-lite-v1%3A0/converse-stream')
    assert.match(headers.authorization ?? '', /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/bedrock\/aws4_request, SignedHeaders=host;x-amz-date, Signature=[0-9a-f]{64}$/)
    assert.deepEqual(body, { messages })
    assert.equal(headers.accept, 'application/vnd.amazon.eventstream')
  })

  test('a stream of another provider becomes one of Bedrock', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(openAiChunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('') + 'data: [DONE]\n\n')
    }
    assert.deepEqual(whole(await stream('up/m')), expected)
    assert.equal(seen.at(-1)?.path, '/v1/chat/completions')
  })

  test('an answer of Bedrock goes through, one of another provider is translated', async () => {
    const reply = { output: { message: { role: 'assistant' as const, content: [{ text: 'Grüß' }] } }, stopReason: 'end_turn', usage, metrics: { latencyMs: 0 } }
    answer = (response) => { response.writeHead(200, { 'content-type': 'application/json' }); response.end(JSON.stringify(reply)) }
    const plain = async (modelId: string): Promise<unknown> => {
      const { $metadata: _metadata, ...found } = await client.send(new ConverseCommand({ modelId, messages }))
      return found
    }
    assert.deepEqual(await plain('us.amazon.nova-2-lite-v1:0'), reply)
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'Grüß' }, finish_reason: 'stop' }], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } }))
    }
    assert.deepEqual(await plain('up/m'), reply)
  })

  test('an error of Bedrock keeps its name, inside a stream too', async () => {
    answer = (response) => { response.writeHead(400, { 'content-type': 'application/json', 'x-amzn-errortype': 'ValidationException:http://x/' }); response.end('{"message":"no such thing"}') }
    await assert.rejects(async () => await stream('m'), { name: 'ValidationException', message: 'no such thing' })
    answer = sendFrames([...events.slice(0, 2), ['!throttlingException', { message: 'slow down' }]])
    await assert.rejects(async () => await stream('m'), { name: 'ThrottlingException', message: 'slow down' })
  })

  test('an exception before anything is said is a status', async () => {
    answer = sendFrames([['messageStart', { role: 'assistant' }], ['!throttlingException', { message: 'slow down' }]])
    const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'bedrock/m', stream: true, messages: [{ role: 'user', content: 'Hi' }] }) })
    assert.equal(response.status, 429)
    assert.match(await response.text(), /slow down/)
  })

  test('a client of OpenAI\'s API reads a stream of Bedrock, usage last', async () => {
    answer = sendFrames(events)
    const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'bedrock/m', stream: true, stream_options: { include_usage: true }, seed: 1, messages: [{ role: 'user', content: 'Hi' }] }) })
    assert.equal(response.status, 200)
    const text = await response.text()
    const chunks = text.split('\n\n').filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)) as { choices: { delta: unknown, finish_reason: string | null }[], usage?: unknown, extra_fields: { dropped_params?: unknown } })
    assert.deepEqual(chunks.flatMap(({ choices }) => choices.map(({ delta, finish_reason: reason }) => [delta, reason])), [
      [{ role: 'assistant', content: 'Grüß' }, null],
      [{ tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'f', arguments: '' } }] }, null],
      [{ tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] }, null],
      [{}, 'tool_calls']
    ])
    assert.deepEqual(chunks.at(-1)?.usage, { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 })
    assert.deepEqual(chunks[0]?.extra_fields.dropped_params, ['seed'])
    assert.ok(text.endsWith('data: [DONE]\n\n'))
  })

  test('a stream cut before its end is an error for both clients', async () => {
    answer = sendFrames(events.slice(0, 2))
    await assert.rejects(async () => await stream('m'))
    const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'bedrock/m', stream: true, messages: [{ role: 'user', content: 'Hi' }] }) })
    assert.match(await response.text(), /BIFROST_UPSTREAM_TRUNCATED|upstream_truncated/)
  })

  test('tokens are counted by Bedrock', async () => {
    answer = (response) => { response.writeHead(200, { 'content-type': 'application/json' }); response.end('{"inputTokens":12}') }
    const { inputTokens } = await client.send(new CountTokensCommand({ modelId: 'a:0', input: { converse: { messages } } }))
    assert.equal(inputTokens, 12)
    assert.deepEqual([seen.at(-1)?.path, seen.at(-1)?.body], ['/model/a%3A0/count-tokens', { input: { converse: { messages } } }])
  })

  test('an embedding is asked for by InvokeModel and comes back in OpenAI\'s form', async () => {
    answer = (response) => { response.writeHead(200, { 'content-type': 'application/json' }); response.end('{"embedding":[0.5,1],"inputTextTokenCount":3}') }
    const response = await fetch(`${gateway.url}/v1/embeddings`, { method: 'POST', body: JSON.stringify({ model: 'bedrock/amazon.titan-embed-text-v2:0', input: 'a' }) })
    const { data, usage: counts } = await response.json() as { data: unknown, usage: unknown }
    assert.deepEqual([data, counts], [[{ object: 'embedding', index: 0, embedding: [0.5, 1] }], { prompt_tokens: 3, total_tokens: 3 }])
  })

  test('an image that can be fetched by nobody is refused by name', async () => {
    for (const [url, param] of [['gs://bucket/a.png', 'messages[0].content[0].image_url'], ['https://10.0.0.1/a.png', 'messages[0].content[0].image_url.url']]) {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'bedrock/m', messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] }) })
      assert.equal(response.status, 400)
      assert.equal((await response.json() as { error: { param: string } }).error.param, param)
    }
  })
})
