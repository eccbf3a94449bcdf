import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/api/chat.ts'
import { chatDialectOf } from '../../src/dialects/registry.ts'
import { GatewayError } from '../../src/errors.ts'
import { createAnswerContext } from './answer-context.ts'
import { encode } from './encode.ts'

const dialect = chatDialectOf('openai', 'text_completion', {})

function canonical (body: JsonObject): { request: unknown, dropped: string[] } {
  const dropped: string[] = []
  const request = dialect.toChatRequest(body, 'up', false, (member) => { dropped.push(member) })
  return { request, dropped }
}

test('a prompt is what the user says, and the rest means the same in chat', () => {
  assert.deepEqual(canonical({ model: 'm', prompt: 'Once', max_tokens: 5, stop: ['.'], seed: 1, logprobs: null, best_of: 1, echo: false, suffix: '', n: 2 }), {
    request: { model: 'up', messages: [{ role: 'user', content: 'Once' }], max_tokens: 5, stop: ['.'], seed: 1, n: 2 },
    dropped: []
  })
  assert.deepEqual(canonical({ prompt: ['Once'], suffix: 'end', echo: true, best_of: 3, logprobs: 2 }), {
    request: { model: 'up', messages: [{ role: 'user', content: 'Once' }] },
    dropped: ['suffix', 'echo', 'best_of', 'logprobs']
  })
})

test('prompts that are not one text are refused by name', () => {
  for (const prompt of [['a', 'b'], [1, 2], [[1, 2]], [], 5, null]) {
    assert.throws(() => canonical({ prompt }), (error) => error instanceof GatewayError && error.code === 'BIFROST_INVALID_REQUEST' && error.param === 'prompt', JSON.stringify(prompt))
  }
})

test('an answer has the shape of a text completion', () => {
  const request = dialect.toChatRequest({ prompt: 'Once' }, 'up', false)
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
  assert.deepEqual(dialect.fromChatReply({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 0,
    model: '',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'upon' }, finish_reason: 'length' },
      { index: 1, message: { role: 'assistant', content: [{ type: 'text', text: 'a ' }, { type: 'text', text: 'time' }] }, finish_reason: 'tool_calls' },
      { index: 2, message: { role: 'assistant', content: null, refusal: 'No.' }, finish_reason: 'content_filter' }
    ],
    usage
  }, request, createAnswerContext()), {
    id: 'cmpl-1',
    object: 'text_completion',
    created: 1234,
    model: 'asked',
    choices: [
      { text: 'upon', index: 0, logprobs: null, finish_reason: 'length' },
      { text: 'a time', index: 1, logprobs: null, finish_reason: 'stop' },
      { text: 'No.', index: 2, logprobs: null, finish_reason: 'content_filter' }
    ],
    usage
  })
})

test('a stream is written chunk by chunk, with the usage only where it was asked for', () => {
  const request = dialect.toChatRequest({ prompt: 'Once' }, 'up', true)
  const write = (includeUsage: boolean): string => encode(dialect.createChatEncoder(request, createAnswerContext({ includeUsage, extraFields: '"provider":"test"' })), [
    ['start', '', ''],
    ['delta', 0, { role: 'assistant', content: '' }],
    ['delta', 0, { reasoning_content: 'hm' }],
    ['delta', 0, { content: 'üpon' }],
    ['finish', 0, 'stop'],
    ['usage', { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }]
  ]).toString('utf8')
  const head = '"id":"cmpl-1","object":"text_completion","created":1234,"model":"asked","choices":'
  const text = `data: {${head}[{"text":"üpon","index":0,"logprobs":null,"finish_reason":null}],"extra_fields":{"provider":"test","chunk_index":0,"latency":5}}\n\n` +
    `data: {${head}[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}],"extra_fields":{"provider":"test","chunk_index":1,"latency":5}}\n\n`
  assert.equal(write(false), `${text}data: [DONE]\n\n`)
  assert.equal(write(true), `${text}data: {${head}[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},"extra_fields":{"provider":"test","chunk_index":2,"latency":5}}\n\ndata: [DONE]\n\n`)
})
