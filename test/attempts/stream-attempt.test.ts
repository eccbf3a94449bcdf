import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createJob } from '../providers/recordings.ts'
import { createProvider } from '../router/settings.ts'
import { chunksOf, createStreamHarness } from './stream-harness.ts'
import { createUsage } from '../../src/api/usage.ts'

const chat = createJob('chat_completion', { id: 7 })
const answer = Buffer.from('data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\n')
const finish = Buffer.from('data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n')
const done = Buffer.from('data: [DONE]\n\n')
const usage = createUsage(1, 2)

/** Frame kinds, with the code of a failure. */
async function story (harness: ReturnType<typeof createStreamHarness>): Promise<string[]> {
  return (await harness.frames()).map((frame) => frame.kind === 'failed' ? `failed ${frame.failure.error.code} ${frame.failure.error.status}` : frame.kind)
}

test('a whole stream becomes head, chunks and one end with its usage', async () => {
  const harness = createStreamHarness(chat)
  for (const chunk of [answer, finish, done]) harness.attempt.onData(chunk)
  harness.attempt.onEnd()
  const frames = await harness.frames()
  assert.deepEqual(frames.map(({ kind }) => kind), ['head', 'chunk', 'chunk', 'chunk', 'end'])
  assert.ok(frames[0]?.kind === 'head' && frames[0].status === 200 && frames[0].headers === 'x-upstream-request-id: up-1')
  assert.ok(frames[4]?.kind === 'end')
  assert.deepEqual(frames[4].usage, usage)
  assert.ok(frames.every(({ jobId }) => jobId === 7))
  assert.deepEqual(harness.settledIds, [7])
})

test('events of one read leave as one chunk', async () => {
  const harness = createStreamHarness(chat)
  harness.attempt.onData(Buffer.concat([answer, answer, finish, done]))
  harness.attempt.onEnd()
  assert.deepEqual(await story(harness), ['head', 'chunk', 'end'])
})

const role = Buffer.from('data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n')

test('a finished choice does not end a stream in which others go on; finish and usage together do, after a second without an end mark', async () => {
  const usageOnly = Buffer.from('data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n')
  const oneOfTwo = Buffer.from('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
  const harness = createStreamHarness(chat, { timeouts: { ...createProvider('prov').timeouts, firstTokenMs: 60_000, responseHeaderMs: 60_000, streamIdleMs: 60_000, streamTotalMs: 60_000, totalMs: 60_000 } })
  harness.attempt.onData(Buffer.concat([answer, oneOfTwo]))
  harness.attempt.tick(performance.now() + 30_000)
  assert.deepEqual(await story(harness), ['head', 'chunk'])
  harness.attempt.onData(usageOnly)
  harness.attempt.tick(performance.now() + 900)
  assert.deepEqual(await story(harness), ['head', 'chunk', 'chunk'])
  harness.attempt.tick(performance.now() + 1_100)
  const frames = await harness.frames()
  assert.deepEqual(frames.map(({ kind }) => kind), ['head', 'chunk', 'chunk', 'chunk', 'end'])
  assert.ok(chunksOf(frames).toString().endsWith('data: [DONE]\n\n'))
  assert.deepEqual(harness.calls, ['abort'])
})

test('a role alone opens no answer: it waits and comes first when something is said', async () => {
  const harness = createStreamHarness(chat)
  // One memory for all reads, as sockets have it: what waits must not lie in it.
  const memory = Buffer.from(role)
  harness.attempt.onData(memory)
  assert.deepEqual(await story(harness), [])
  harness.attempt.onData(Buffer.from(': ping\n\n'))
  assert.deepEqual(await story(harness), [])
  memory.fill(0x78)
  harness.attempt.onData(Buffer.concat([answer, finish, done]))
  harness.attempt.onEnd()
  const frames = await harness.frames()
  assert.deepEqual(frames.map(({ kind }) => kind), ['head', 'chunk', 'end'])
  const text = chunksOf(frames).toString().replaceAll(/,"extra_fields":\{[^}]*\}/g, '')
  assert.equal(text, `${role.toString()}: ping\n\n${Buffer.concat([answer, finish, done]).toString()}`)
  assert.deepEqual([...chunksOf(frames).toString().matchAll(/"chunk_index":(\d)/g)].map((match) => match[1]), ['0', '1', '2'])
})

test('an error after the role alone is still a failed attempt with its own status', async () => {
  const harness = createStreamHarness(chat)
  harness.attempt.onData(Buffer.concat([role, Buffer.from('data: {"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limited"}}\n\n')]))
  assert.deepEqual(await story(harness), ['failed BIFROST_UPSTREAM_STATUS 429'])
})

test('what waits for the head is bounded: after 64 events the answer counts as begun', async () => {
  const harness = createStreamHarness(chat)
  for (let index = 0; index < 64; index++) harness.attempt.onData(role)
  assert.deepEqual(await story(harness), [])
  harness.attempt.onData(role)
  assert.deepEqual(await story(harness), ['head', 'chunk'])
})

test('a tool call, reasoning or a refusal says something; a Responses stream begins with its first output', async () => {
  for (const delta of [{ tool_calls: [{ index: 0 }] }, { reasoning_content: 'hm' }, { refusal: 'no' }, { role: 'assistant', content: 'a' }]) {
    const harness = createStreamHarness(chat)
    harness.attempt.onData(Buffer.from(`data: ${JSON.stringify({ choices: [{ delta, finish_reason: null }] })}\n\n`))
    assert.deepEqual(await story(harness), ['head', 'chunk'], JSON.stringify(delta))
  }
  const harness = createStreamHarness(createJob('responses'))
  for (const type of ['response.created', 'response.in_progress']) harness.attempt.onData(Buffer.from(`data: ${JSON.stringify({ type, response: {} })}\n\n`))
  assert.deepEqual(await story(harness), [])
  harness.attempt.onData(Buffer.from('data: {"type":"response.output_text.delta","delta":"a"}\n\n'))
  assert.deepEqual(await story(harness), ['head', 'chunk'])
})

test('nothing follows the end mark, and a reset after it takes nothing away', async () => {
  const harness = createStreamHarness(chat)
  harness.attempt.onData(Buffer.concat([answer, finish, done, answer]))
  harness.attempt.onData(answer)
  const { GatewayError } = await import('../../src/errors.ts')
  harness.attempt.onError(new GatewayError('BIFROST_UPSTREAM_RESET'))
  const frames = await harness.frames()
  assert.deepEqual(frames.map(({ kind }) => kind), ['head', 'chunk', 'end'])
  assert.ok(chunksOf(frames).toString().endsWith('data: [DONE]\n\n'))
})

test('a finished stream without an end mark gets one', async () => {
  const harness = createStreamHarness(chat)
  harness.attempt.onData(Buffer.concat([answer, finish]))
  harness.attempt.onEnd()
  const frames = await harness.frames()
  assert.deepEqual(frames.map(({ kind }) => kind), ['head', 'chunk', 'chunk', 'end'])
  assert.ok(chunksOf(frames).toString().endsWith('}\n\ndata: [DONE]\n\n'))
})

test('an end mark or last event without its blank line counts', async () => {
  for (const last of ['data: [DONE]', 'data: [DONE]\n', 'data: [DONE]\r\n', 'data: [DONE]\r']) {
    const harness = createStreamHarness(chat)
    harness.attempt.onData(Buffer.concat([answer, finish, Buffer.from(last)]))
    harness.attempt.onEnd()
    assert.deepEqual(await story(harness), ['head', 'chunk', 'chunk', 'end'], JSON.stringify(last))
  }
  const harness = createStreamHarness(chat)
  harness.attempt.onData(Buffer.concat([answer, finish.subarray(0, -2)]))
  harness.attempt.onEnd()
  assert.deepEqual(await story(harness), ['head', 'chunk', 'chunk', 'chunk', 'end'])
})

test('a stream that ends before its finish is truncated', async () => {
  for (const bytes of [answer, Buffer.concat([answer, answer.subarray(0, 40)]), Buffer.concat([answer, Buffer.from('data: {"error"')])]) {
    const harness = createStreamHarness(chat)
    harness.attempt.onData(bytes)
    harness.attempt.onEnd()
    const frames = await harness.frames()
    assert.deepEqual(await story(harness), ['head', 'chunk', 'failed BIFROST_UPSTREAM_TRUNCATED 502'])
    assert.equal(chunksOf(frames).toString().split('\n\n').length, 2, 'one whole event')
  }
  const empty = createStreamHarness(chat)
  empty.attempt.onEnd()
  assert.deepEqual(await story(empty), ['failed BIFROST_UPSTREAM_TRUNCATED 502'])
})

test('half an event that names a finish is not a finish', async () => {
  const harness = createStreamHarness(chat)
  harness.attempt.onData(Buffer.concat([answer, Buffer.from('data: {"choices":[{"finish_reason":"stop","delta":{"content":"the last wo')]))
  harness.attempt.onEnd()
  assert.deepEqual(await story(harness), ['head', 'chunk', 'failed BIFROST_UPSTREAM_TRUNCATED 502'])
})

test('an error before the first event is an error status, after it an error in the stream', async () => {
  const error = Buffer.from('data: {"error":{"message":"slow down","type":"rate_limit_error"}}\n\n')
  const first = createStreamHarness(chat)
  first.attempt.onData(Buffer.concat([Buffer.from(': hello\n\n'), error, answer]))
  assert.deepEqual(await story(first), ['failed BIFROST_UPSTREAM_STATUS 429'])
  assert.deepEqual(first.calls, ['abort'])
  const later = createStreamHarness(chat)
  later.attempt.onData(Buffer.concat([answer, error, answer, done]))
  later.attempt.onEnd()
  assert.deepEqual(await story(later), ['head', 'chunk', 'failed BIFROST_UPSTREAM_STATUS 429'])
})

test('comments wait for the first event and go through after it', async () => {
  const harness = createStreamHarness(chat)
  harness.attempt.onData(Buffer.from(': one ü\n\n'))
  assert.deepEqual(await story(harness), [])
  harness.attempt.onData(Buffer.concat([answer, Buffer.from(': two\n\n')]))
  const text = chunksOf(await harness.frames()).toString()
  assert.ok(text.startsWith(': one ü\n\ndata: {') && text.endsWith('\n\n: two\n\n'), text)
})

test('half an event that names no field says nothing: it is no comment of the provider', async () => {
  for (const fragment of ['d', 'dat', ': ping', 'event: mess', 'id']) {
    const harness = createStreamHarness(chat)
    harness.attempt.onData(Buffer.concat([answer, finish, Buffer.from(fragment)]))
    harness.attempt.onEnd()
    const text = chunksOf(await harness.frames()).toString()
    assert.match(text, /"finish_reason":"stop".*\n\ndata: \[DONE\]\n\n$/, fragment)
  }
})

test('a slow client pauses the upstream at the window and resumes it at half', async () => {
  const harness = createStreamHarness(chat)
  const event = Buffer.from(`data: [${'1,'.repeat(8_000)}1]\n\n`)
  let sent = 0
  for (; harness.calls.length === 0; sent++) harness.attempt.onData(event)
  const bytes = chunksOf(await harness.frames()).length
  assert.ok(bytes >= 128 * 1024 && bytes < 128 * 1024 + event.length + 1_000, String(bytes))
  assert.deepEqual(harness.calls, ['pause'])
  harness.attempt.credit(bytes - 64 * 1024 - 1)
  assert.deepEqual(harness.calls, ['pause'])
  harness.attempt.credit(1)
  harness.attempt.credit(1)
  assert.deepEqual(harness.calls, ['pause', 'resume'])
})

test('a 200 that is no stream says what came', async () => {
  const html = createStreamHarness(chat, {}, 'text/html')
  html.attempt.onData(Buffer.from('<html>'))
  html.attempt.onEnd()
  const [frame] = await html.frames()
  assert.ok(frame?.kind === 'failed')
  assert.equal(frame.failure.error.message, 'prov answered a stream request with content type text/html, not text/event-stream.')
  const json = createStreamHarness(chat, {}, 'application/json')
  json.attempt.onData(Buffer.from('{"error":{"message":"no","type":"invalid_request_error"}}'))
  json.attempt.onEnd()
  assert.deepEqual(await story(json), ['failed BIFROST_UPSTREAM_STATUS 400'])
})

test('an event over the limit fails the stream', async () => {
  const harness = createStreamHarness(chat, { sseEventBytesMax: 200 })
  harness.attempt.onData(Buffer.concat([answer, Buffer.from(`data: ${'x'.repeat(300)}`)]))
  harness.attempt.onEnd()
  assert.deepEqual(await story(harness), ['head', 'chunk', 'failed BIFROST_UPSTREAM_TOO_LARGE 502'])
  assert.deepEqual(harness.settledIds, [7])
})

test('cancelling ends the attempt once and aborts its socket', async () => {
  const harness = createStreamHarness(chat)
  harness.attempt.onData(answer)
  harness.attempt.cancel()
  harness.attempt.cancel()
  harness.attempt.onData(Buffer.concat([finish, done]))
  harness.attempt.onEnd()
  assert.deepEqual(await story(harness), ['head', 'chunk', 'failed BIFROST_CLIENT_CLOSED 499'])
  assert.deepEqual([harness.calls, harness.settledIds], [['abort'], [7]])
})
