import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import OpenAI from 'openai'
import { monotonicUs } from '../../src/mock-upstream/monotonic.ts'
import type { MockUpstreamOptions } from '../../src/mock-upstream/options.ts'
import { startMockUpstream } from '../../src/mock-upstream/server.ts'
import type { MockStatistics } from '../../src/mock-upstream/statistics.ts'

const messages = [{ role: 'user' as const, content: 'hello' }]

async function start (t: TestContext, options: Partial<MockUpstreamOptions> = {}): Promise<{ url: string, port: number, client: OpenAI, stats: () => Promise<MockStatistics> }> {
  const mock = await startMockUpstream(options)
  t.after(() => mock.close())
  const url = `http://127.0.0.1:${mock.port}`
  const client = new OpenAI({ apiKey: 'x', baseURL: `${url}/v1`, maxRetries: 0 })
  return { url, port: mock.port, client, stats: async () => await (await fetch(`${url}/mock/stats`)).json() as MockStatistics }
}

function post (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } })
}

test('a chat completion has about 700 bytes, the model that was asked for and usage', async (t) => {
  const { client, url } = await start(t)
  const completion = await client.chat.completions.create({ model: 'gpt-4o-mini', messages })
  assert.equal(completion.model, 'gpt-4o-mini')
  assert.equal(completion.choices[0]?.finish_reason, 'stop')
  assert.equal(completion.choices[0]?.message.content?.split(' ').length, 48)
  assert.equal(completion.usage?.completion_tokens, 48)
  const { length } = await (await post(`${url}/v1/chat/completions`, { model: 'gpt-4o-mini', messages })).text()
  assert.ok(length > 600 && length < 800, `${length} bytes`)
})

test('another model after the first gets its own name back', async (t) => {
  const { client } = await start(t)
  for (const model of ['a', 'b', 'b', 'a']) {
    assert.equal((await client.chat.completions.create({ model, messages })).model, model)
  }
})

test('a chat stream carries every frame in order with the time it was sent', async (t) => {
  const { client, stats } = await start(t, { frames: 10, frameIntervalMs: 5 })
  const before = monotonicUs()
  const stream = await client.chat.completions.create({ model: 'm', messages, stream: true, stream_options: { include_usage: true } })
  let text = ''
  let finish: string | null | undefined
  let completionTokens
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    finish = chunk.choices[0]?.finish_reason ?? finish
    completionTokens = chunk.usage?.completion_tokens ?? completionTokens
  }
  const frames = text.split(';').slice(0, -1).map((frame) => frame.split('@').map(Number))
  assert.deepEqual(frames.map(([index]) => index), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const stamps = frames.map(([, stamp]) => stamp ?? 0)
  assert.ok(stamps.every((stamp, index) => stamp > (stamps[index - 1] ?? before) && stamp < monotonicUs()))
  assert.ok((stamps[9] ?? 0) - before >= 49_000, 'ten intervals of 5 ms')
  assert.equal(finish, 'stop')
  assert.equal(completionTokens, 10)
  assert.equal((await stats()).frames, 10)
})

test('usage stays out of a stream that did not ask for it', async (t) => {
  const { url } = await start(t, { frames: 2, frameIntervalMs: 0 })
  const text = await (await post(`${url}/v1/chat/completions`, { model: 'm', messages, stream: true })).text()
  assert.ok(text.endsWith('data: [DONE]\n\n'))
  assert.equal(text.includes('usage'), false)
})

test('a stream without a pace sends all frames', async (t) => {
  const { url } = await start(t, { frames: 5000, frameIntervalMs: 0 })
  const text = await (await post(`${url}/v1/chat/completions`, { model: 'm', messages, stream: true })).text()
  assert.equal(text.match(/"content":"\d+@/g)?.length, 5000)
})

test('a stream waits for a reader that is slow', async (t) => {
  const { port, stats } = await start(t, { frames: 50_000, frameIntervalMs: 0 })
  const text = await new Promise<string>((resolve, reject) => {
    const request = httpRequest({ port, path: '/v1/chat/completions', method: 'POST' }, (response) => {
      void delay(200).then(async () => {
        assert.ok((await stats()).frames < 50_000, 'the mock stopped before the end')
        response.setEncoding('latin1')
        let all = ''
        response.on('data', (chunk: string) => { all += chunk })
        response.on('end', () => { resolve(all) })
      }).catch(reject)
    })
    request.on('error', reject)
    request.end(JSON.stringify({ model: 'm', messages, stream: true }))
  })
  assert.equal(text.match(/"content":"\d+@/g)?.length, 50_000)
})

test('text completions work whole and as a stream', async (t) => {
  const { client } = await start(t, { frames: 3, frameIntervalMs: 1 })
  const completion = await client.completions.create({ model: 'm', prompt: 'x' })
  assert.equal(completion.choices[0]?.text.split(' ').length, 48)
  let text = ''
  for await (const chunk of await client.completions.create({ model: 'm', prompt: 'x', stream: true })) text += chunk.choices[0]?.text ?? ''
  assert.match(text, /^0@\d+;1@\d+;2@\d+;$/)
})

test('embeddings are the same unit vectors as floats and as base64', async (t) => {
  const { client, url } = await start(t)
  const input = ['one', 'two']
  const floats = await client.embeddings.create({ model: 'm', input, encoding_format: 'float', dimensions: 8 })
  const decoded = await client.embeddings.create({ model: 'm', input, dimensions: 8 })
  assert.equal(floats.data.length, 2)
  assert.deepEqual(decoded.data.map((item) => item.embedding), floats.data.map((item) => item.embedding))
  assert.notDeepEqual(floats.data[0]?.embedding, floats.data[1]?.embedding)
  assert.ok(Math.abs(Math.hypot(...floats.data[0]?.embedding ?? []) - 1) < 1e-6)
  const raw = await (await post(`${url}/v1/embeddings`, { model: 'm', input: 'one', encoding_format: 'base64', dimensions: 8 })).json() as { data: [{ embedding: string }] }
  assert.equal(Buffer.from(raw.data[0].embedding, 'base64').readFloatLE(0), floats.data[0]?.embedding[0])
})

test('responses work whole and as a stream of named events', async (t) => {
  const { client } = await start(t, { frames: 3, frameIntervalMs: 1 })
  const response = await client.responses.create({ model: 'm', input: 'x' })
  assert.equal(response.output_text.split(' ').length, 48)
  assert.equal(response.usage?.output_tokens, 48)
  const types: string[] = []
  let completed = ''
  for await (const event of await client.responses.create({ model: 'm', input: 'x', stream: true })) {
    types.push(event.type)
    if (event.type === 'response.completed') completed = event.response.output[0]?.type ?? ''
  }
  assert.deepEqual(types, [
    'response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added',
    'response.output_text.delta', 'response.output_text.delta', 'response.output_text.delta',
    'response.output_text.done', 'response.content_part.done', 'response.output_item.done', 'response.completed'
  ])
  assert.equal(completed, 'message')
})

test('models are listed', async (t) => {
  const { client } = await start(t)
  assert.deepEqual((await client.models.list()).data.map((model) => model.id), ['gpt-4o-mini', 'gpt-4o', 'text-embedding-3-small'])
})

test('headers set latency, status, frames and pace of one request', async (t) => {
  const { url } = await start(t)
  const started = performance.now()
  const failed = await post(`${url}/v1/chat/completions`, { model: 'm' }, { 'x-mock-status': '429', 'x-mock-latency-ms': '50' })
  assert.equal(failed.status, 429)
  assert.equal(failed.headers.get('retry-after'), '1')
  assert.equal((await failed.json() as { error: { type: string } }).error.type, 'rate_limit_error')
  assert.ok(performance.now() - started >= 49)
  const stream = await post(`${url}/v1/chat/completions`, { model: 'm', stream: true }, { 'x-mock-frames': '2', 'x-mock-interval-ms': '1' })
  assert.equal((await stream.text()).match(/"content":"\d+@/g)?.length, 2)
})

test('the share of failures follows probability and seed', async (t) => {
  const statuses = []
  for (let round = 0; round < 2; round++) {
    const { url } = await start(t, { failureProbability: 0.5, failureStatus: 503, seed: 7 })
    const round = []
    for (let index = 0; index < 20; index++) round.push((await post(`${url}/v1/chat/completions`, { model: 'm' })).status)
    statuses.push(round)
  }
  assert.deepEqual(statuses[0], statuses[1])
  assert.deepEqual([...new Set(statuses[0])].sort(), [200, 503])
})

test('an answer is padded to the size asked for and stays JSON', async (t) => {
  const { url } = await start(t, { bodyBytes: 10_000 })
  const text = await (await post(`${url}/v1/chat/completions`, { model: 'm' })).text()
  assert.equal(text.length, 10_000)
  assert.equal((JSON.parse(text) as { object: string }).object, 'chat.completion')
})

test('a body of several megabytes arrives whole', async (t) => {
  const { client } = await start(t)
  const content = 'a'.repeat(5_000_000)
  assert.equal((await client.chat.completions.create({ model: 'big', messages: [{ role: 'user', content }] })).model, 'big')
})

test('statistics count what is in flight and who left', async (t) => {
  const { url, stats } = await start(t, { latencyMs: 60_000 })
  const leaving = new AbortController()
  const pending = [1, 2, 3].map(() => fetch(`${url}/v1/chat/completions`, { method: 'POST', body: '{"model":"m"}', signal: leaving.signal }).catch(() => null))
  while ((await stats()).inFlight < 3) await delay(5)
  leaving.abort()
  await Promise.all(pending)
  while ((await stats()).inFlight > 0) await delay(5)
  assert.deepEqual(await stats(), { requests: 3, inFlight: 0, inFlightMax: 3, aborted: 3, frames: 0 })
  assert.deepEqual(await (await post(`${url}/mock/reset`, '')).json(), { requests: 0, inFlight: 0, inFlightMax: 0, aborted: 0, frames: 0 })
})

test('a client that leaves in the middle of a stream stops it', async (t) => {
  const { url, stats } = await start(t, { frames: 1000, frameIntervalMs: 2 })
  const leaving = new AbortController()
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: '{"model":"m","stream":true}', signal: leaving.signal })
  const reader = response.body?.getReader()
  await reader?.read()
  leaving.abort()
  while ((await stats()).aborted === 0) await delay(5)
  assert.equal((await stats()).inFlight, 0)
  assert.ok((await stats()).frames < 1000)
})

test('a body that is not JSON is refused, an unknown path is not found', async (t) => {
  const { url } = await start(t)
  assert.equal((await post(`${url}/v1/chat/completions`, '{')).status, 400)
  assert.equal((await post(`${url}/v1/nothing`, '{}')).status, 404)
})

test('a port in use and an option out of range are refused', async (t) => {
  const { port } = await start(t)
  await assert.rejects(startMockUpstream({ port }), /EADDRINUSE/)
  await assert.rejects(startMockUpstream({ failureProbability: 2 }), /failureProbability must be a number from 0 to 1, got 2/)
})
