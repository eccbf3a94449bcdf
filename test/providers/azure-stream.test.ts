import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ChatSink } from '../../src/api/chat-sink.ts'
import { OpenAiChatDecoder } from '../../src/providers/openai/chat-decoder.ts'
import { OpenAiStream } from '../../src/providers/openai/stream.ts'
import { toAzureError } from '../../src/providers/azure/errors.ts'
import { toOutcome } from '../../src/router/outcomes.ts'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'
import { createJob } from './recordings.ts'
import { dataOf, replayStream } from './replay-stream.ts'
import { createUsage } from '../../src/api/usage.ts'

/** What a filter says stands before the answer, between its pieces and after it (microsoft/autogen#6465). */
const filters = readFileSync(join(process.cwd(), 'test/fixtures/azure/filters.1.chunks.txt'))

function decode (pieces: readonly Uint8Array[]): { calls: unknown[], decoder: OpenAiChatDecoder } {
  const calls: unknown[] = []
  const sink: ChatSink = {
    start: (...call) => { calls.push(['start', ...call]) },
    delta: (choice, delta) => { calls.push(['delta', choice, delta]) },
    finish: (...call) => { calls.push(['finish', ...call]) },
    usage: (...call) => { calls.push(['usage', ...call]) }
  }
  const decoder = new OpenAiChatDecoder('azure')
  const splitter = new SseSplitter(1 << 20)
  for (const piece of pieces) splitter.push(piece, (event) => { decoder.decode(event, sink) })
  return { calls, decoder }
}

test('a stream with a filter\'s words says what the model said, cut at any byte', () => {
  const expected = [
    ['start', 'chatcmpl-1', 'gpt-4o-2024-11-20'],
    ['delta', 0, { content: '', role: 'assistant' }],
    ['delta', 0, { content: 'Grüße' }],
    ['finish', 0, 'stop', { native: 'stop' }],
    ['usage', { completion_tokens: 2, prompt_tokens: 9, total_tokens: 11, prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 0 } }]
  ]
  for (let cut = 0; cut <= filters.length; cut++) {
    const { calls, decoder } = decode([filters.subarray(0, cut), filters.subarray(cut)])
    assert.deepEqual(calls, expected, `cut at ${cut}`)
    assert.deepEqual([decoder.error, decoder.finished, decoder.complete], [null, true, true])
  }
})

test('for OpenAI\'s clients it goes through, and only the model\'s first words begin the answer', () => {
  const { stream, output, kinds } = replayStream(createJob('chat_completion'), filters)
  assert.deepEqual(kinds, [...Array.from({ length: 7 }, () => 'content'), 'done'])
  assert.deepEqual([stream.finished, stream.complete, stream.error, stream.usage], [true, true, null, { ...createUsage(9, 2), cachedTokens: 4 }])
  assert.equal(dataOf(output).length, 8)
  const opening: boolean[] = []
  const fresh = new OpenAiStream('azure', createJob('chat_completion'))
  new SseSplitter(1 << 20).push(filters, (event) => { if (fresh.classify(event) === 'content') opening.push(fresh.isOpening(event)) })
  assert.deepEqual(opening.slice(0, 3), [true, true, false])
  assert.equal(opening[6], false, 'usage is more than a beginning')
})

const errors: [string, number, object, { upstreamCode: string | null, outcome: string, message?: RegExp }][] = [
  ['a wrong key', 401, { error: { code: '401', message: 'Access denied due to invalid subscription key or wrong API endpoint.' } }, { upstreamCode: '401', outcome: 'key_lasting', message: /^Access denied/ }],
  ['an unknown deployment', 404, { error: { code: 'DeploymentNotFound', message: 'The API deployment for this resource does not exist.' } }, { upstreamCode: 'DeploymentNotFound', outcome: 'request_fault' }],
  ['a rate limit', 429, { error: { code: 'RateLimitReached', message: 'Your requests have exceeded rate limit.' } }, { upstreamCode: 'RateLimitReached', outcome: 'key_passing' }],
  ['a blocked prompt', 400, { error: { message: 'The response was filtered due to the prompt triggering Azure OpenAI\'s content management policy.', type: null, param: 'prompt', code: 'content_filter', status: 400, innererror: { code: 'ResponsibleAIPolicyViolation' } } }, { upstreamCode: 'content_filter', outcome: 'content_policy' }],
  ['a blocked prompt of another model', 400, { error: { message: 'Blocked.', code: 'BadRequest', innererror: { code: 'ResponsibleAIPolicyViolation' } } }, { upstreamCode: 'content_filter', outcome: 'content_policy' }],
  ['an overflow', 400, { error: { message: 'This model\'s maximum context length is 8192 tokens.', type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' } }, { upstreamCode: 'context_length_exceeded', outcome: 'context_length' }],
  ['an overflow of another model', 400, { error: { code: 'BadRequest', message: 'This model\'s maximum prompt length is 131072 but the request contains 200000 tokens.' } }, { upstreamCode: 'context_length_exceeded', outcome: 'context_length' }],
  ['another bad request', 400, { error: { code: 'BadRequest', message: 'Unknown parameter.', param: 'foo' } }, { upstreamCode: 'BadRequest', outcome: 'request_fault' }],
  ['an outage', 500, { error: { code: 'InternalServerError', message: 'Backend returned unexpected response.' } }, { upstreamCode: 'InternalServerError', outcome: 'transient' }],
  ['a gateway\'s own form', 404, { statusCode: 404, message: 'Resource not found' }, { upstreamCode: null, outcome: 'request_fault', message: /^Resource not found$/ }]
]

for (const [what, status, body, expected] of errors) {
  test(`${what} is told by its code`, () => {
    const error = toAzureError('azure', status, { 'content-type': 'application/json' }, Buffer.from(JSON.stringify(body)))
    assert.deepEqual([error.code, error.status, error.provider, error.upstreamCode, toOutcome(error)], ['BIFROST_UPSTREAM_STATUS', status, 'azure', expected.upstreamCode, expected.outcome])
    if (expected.message !== undefined) assert.match(error.message, expected.message)
  })
}
