import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createJob } from './recordings.ts'
import { dataOf, replayStream } from './replay-stream.ts'
import { createUsage } from '../../src/api/usage.ts'

const chat = createJob('chat_completion')
const responses = createJob('responses')
const toStream = (...events: unknown[]): Buffer => Buffer.from(events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join(''))
const delta = (content: string, finish: string | null = null): object => ({ id: 'c', choices: [{ index: 0, delta: { content }, finish_reason: finish }] })

test('a stream is finished when a choice has a finish reason, and not before', () => {
  assert.equal(replayStream(chat, toStream(delta('a'), delta('b'))).stream.finished, false)
  for (const reason of ['stop', 'length', 'tool_calls', 'content_filter', 'a reason of the future']) {
    assert.equal(replayStream(chat, toStream(delta('a'), delta('', reason))).stream.finished, true, reason)
  }
  assert.equal(replayStream(chat, Buffer.from('data: {"choices":[{"finish_reason" : null}]}\n\n')).stream.finished, false)
  assert.equal(replayStream(chat, Buffer.from('data: {"choices":[{"finish_reason" : "stop"}]}\n\n')).stream.finished, true)
})

test('an empty finish reason is none: some providers send it with every chunk', () => {
  assert.equal(replayStream(chat, toStream(delta('a', ''))).stream.finished, false)
})

test('tokens that spell the gateway\'s marks are only text', () => {
  const words = ['finish_reason', '"finish_reason"', '"finish_reason":"stop"', 'usage', '"usage":{"prompt_tokens":9}', 'error', '"error":{"message":"x"}', '[DONE]', 'data: [DONE]\n\n', '"type":"error"', 'response.completed', '"response.completed"']
  for (const word of words) {
    const { stream, kinds } = replayStream(chat, toStream(delta(word), { choices: [{ delta: { tool_calls: [{ function: { arguments: `{"${word}":1}` } }] }, finish_reason: null }] }))
    assert.deepEqual({ kinds, finished: stream.finished, usage: stream.usage, error: stream.error }, { kinds: ['content', 'content'], finished: false, usage: createUsage(), error: null }, word)
    const other = replayStream(responses, toStream({ type: 'response.output_text.delta', delta: word }))
    assert.deepEqual({ kinds: other.kinds, finished: other.stream.finished, error: other.stream.error }, { kinds: ['content'], finished: false, error: null }, word)
  }
})

test('usage is taken from wherever it comes; null and nonsense change nothing', () => {
  const usage = (value: unknown): object => ({ choices: [{ delta: {}, finish_reason: null }], usage: value })
  const cases: [unknown[], object][] = [
    [[usage(null)], createUsage()],
    [[usage({ prompt_tokens: 3, completion_tokens: 4 })], createUsage(3, 4)],
    [[usage({ prompt_tokens: 3, completion_tokens: 1 }), usage({ prompt_tokens: 3, completion_tokens: 9 })], createUsage(3, 9)],
    [[usage({ prompt_tokens: 3, completion_tokens: 1 }), usage({})], createUsage(3, 1)],
    [[usage({ input_tokens: 5, output_tokens: 6 })], createUsage(5, 6)],
    [[usage({ prompt_tokens: -1, completion_tokens: 1.5 })], createUsage()],
    [[usage({ prompt_tokens: 2 ** 32, completion_tokens: '7' })], createUsage()],
    [[usage({ prompt_tokens: 2 ** 32 - 1, completion_tokens: 0 })], createUsage(2 ** 32 - 1, 0)],
    [[usage([1])], createUsage()]
  ]
  for (const [events, expected] of cases) assert.deepEqual(replayStream(chat, toStream(...events)).stream.usage, expected, JSON.stringify(events))
})

test('the usage that the gateway asked for is hidden, the client\'s own is not', () => {
  const events = toStream(delta('a', 'stop'), { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }, '[DONE]')
  assert.deepEqual(replayStream(chat, events).kinds, ['content', 'content', 'done'])
  const injected = replayStream(createJob('chat_completion', { usageInjected: true }), events)
  assert.deepEqual(injected.kinds, ['content', 'hidden', 'done'])
  assert.deepEqual(injected.stream.usage, createUsage(1, 2))
  // Usage beside a choice is part of the answer.
  assert.deepEqual(replayStream(createJob('chat_completion', { usageInjected: true }), toStream({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: {} })).kinds, ['content'])
})

test('an error inside a stream is told from an answer that has an error member', () => {
  const cases: [unknown, object][] = [
    [{ error: { message: 'slow down', type: 'rate_limit_error', code: 'rate_limited' } }, { message: 'slow down', status: 429, type: 'rate_limit_error', upstreamCode: 'rate_limited' }],
    [{ error: { message: 'upstream is gone', code: 503 } }, { message: 'upstream is gone', status: 503, type: 'upstream_error', upstreamCode: '503' }],
    [{ error: 'text only' }, { message: 'text only', status: 502, type: 'upstream_error', upstreamCode: null }],
    [{ choices: [{ delta: {}, finish_reason: 'error' }], error: { message: 'broke', code: 'server_error' } }, { message: 'broke', status: 500, type: 'upstream_error', upstreamCode: 'server_error' }],
    [{ choices: [], error: { message: 'x' } }, { message: 'x', status: 502, type: 'upstream_error', upstreamCode: null }]
  ]
  for (const [event, expected] of cases) {
    const { stream, kinds } = replayStream(chat, toStream(delta('a'), event))
    assert.deepEqual(kinds, ['content', 'error'])
    assert.ok(stream.error !== null)
    const { code, message, status, type, upstreamCode } = stream.error
    assert.deepEqual({ code, message, status, type, upstreamCode }, { code: 'BIFROST_UPSTREAM_STATUS', ...expected })
  }
  for (const event of [{ ...delta('a'), error: null }, { ...delta('a'), error: { message: 'a warning' } }]) {
    const { stream, kinds } = replayStream(chat, toStream(event))
    assert.deepEqual({ kinds, error: stream.error }, { kinds: ['content'], error: null })
  }
})

test('a Responses stream ends with its own events, and reports its failures', () => {
  const end = (type: string, response: object): unknown[] => [{ type: 'response.created', response: { status: 'in_progress', error: null } }, { type, response }]
  const completed = replayStream(responses, toStream(...end('response.completed', { usage: { input_tokens: 3, output_tokens: 4 } })))
  assert.deepEqual({ kinds: completed.kinds, finished: completed.stream.finished, usage: completed.stream.usage }, { kinds: ['content', 'content'], finished: true, usage: createUsage(3, 4) })
  assert.equal(replayStream(responses, toStream(...end('response.incomplete', { incomplete_details: { reason: 'max_output_tokens' }, error: null }))).stream.finished, true)
  const failed = replayStream(responses, toStream(...end('response.failed', { error: { code: 'rate_limit_exceeded', message: 'slow down' } })))
  assert.deepEqual([failed.kinds, failed.stream.error?.message, failed.stream.error?.status], [['content', 'error'], 'slow down', 429])
  for (const event of [{ type: 'error', code: 'server_error', message: 'broke', param: null }, { type: 'error', error: { code: 'server_error', message: 'broke' } }]) {
    const { stream, kinds } = replayStream(responses, toStream(event))
    assert.deepEqual([kinds, stream.error?.message, stream.error?.status, stream.error?.upstreamCode], [['error'], 'broke', 500, 'server_error'])
  }
})

test('the end mark is known in every spelling, and nothing else is', () => {
  for (const text of ['data: [DONE]\n\n', 'data:[DONE]\r\n\r\n', 'data: [DONE]  \n\n', 'event: x\ndata: [DONE]\n\n']) assert.deepEqual(replayStream(chat, Buffer.from(text)).kinds, ['done'], text)
  for (const text of ['data: [DONE\n\n', 'data: [DONE]x\n\n', 'data: [done]\n\n', 'data: [DONE]\ndata: x\n\n']) assert.deepEqual(replayStream(chat, Buffer.from(text)).kinds, ['content'], text)
})

test('only chat and completion streams owe their client an end mark', () => {
  assert.equal(replayStream(chat, Buffer.alloc(0)).stream.takeMissingEnd().toString(), 'data: [DONE]\n\n')
  assert.equal(replayStream(createJob('text_completion'), Buffer.alloc(0)).stream.takeMissingEnd().toString(), 'data: [DONE]\n\n')
  assert.equal(replayStream(responses, Buffer.alloc(0)).stream.takeMissingEnd().toString(), '')
})

test('extra_fields goes into every kind of object, and what is no object stays as it is', () => {
  const cases: [string, unknown][] = [
    ['data: {"a":1}\n\n', { a: 1, extra_fields: { provider: 'test', chunk_index: 0, latency: 5 } }],
    ['data: {}\n\n', { extra_fields: { provider: 'test', chunk_index: 0, latency: 5 } }],
    ['data: { }\n\n', { extra_fields: { provider: 'test', chunk_index: 0, latency: 5 } }],
    ['data:{"a":"}"} \t\r\n\r\n', { a: '}', extra_fields: { provider: 'test', chunk_index: 0, latency: 5 } }],
    ['event: x\ndata: {"a":{}}\nid: 4\n\n', { a: {}, extra_fields: { provider: 'test', chunk_index: 0, latency: 5 } }],
    ['data: [1]\n\n', [1]],
    ['data: "x"\n\n', 'x'],
    ['data: {"a":\ndata: 1}\n\n', { a: 1 }]
  ]
  for (const [text, expected] of cases) {
    const { output } = replayStream(chat, Buffer.from(text))
    assert.deepEqual(JSON.parse(dataOf(output)[0] as string), expected, text)
    const marker = output.toString().replace(/,?"extra_fields":\{[^}]*\}/, '')
    assert.equal(marker, text, 'every other byte is as it came')
  }
})
