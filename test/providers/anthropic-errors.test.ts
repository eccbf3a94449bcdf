import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AnthropicChatDecoder } from '../../src/providers/anthropic/chat-decoder.ts'
import { fromMessage } from '../../src/providers/anthropic/chat-reply.ts'
import { toAnthropicError } from '../../src/providers/anthropic/errors.ts'
import { createAnthropicFamily } from '../../src/providers/anthropic/provider.ts'
import { GatewayError } from '../../src/errors.ts'
import { createContext, createSettings, decode } from './anthropic-harness.ts'

const bodyOf = (type: string, message: string): Buffer => Buffer.from(JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_1' }))

/** Anthropic's documentation of errors. */
const documented: [number, string, string][] = [
  [400, 'invalid_request_error', 'max_tokens: Field required'],
  [401, 'authentication_error', 'invalid x-api-key'],
  [402, 'billing_error', 'pay'],
  [403, 'permission_error', 'no'],
  [404, 'not_found_error', 'model: claude-nope'],
  [409, 'conflict_error', 'busy'],
  [413, 'request_too_large', 'Request exceeds the maximum size'],
  [429, 'rate_limit_error', 'slow down'],
  [500, 'api_error', 'Internal server error'],
  [504, 'timeout_error', 'late'],
  [529, 'overloaded_error', 'Overloaded']
]

test('an error keeps its status, type and message', () => {
  for (const [status, type, message] of documented) {
    const error = toAnthropicError('prov', status, { 'content-type': 'application/json' }, bodyOf(type, message))
    assert.deepEqual([error.code, error.status, error.type, error.message, error.provider, error.upstreamCode], ['BIFROST_UPSTREAM_STATUS', status, type, message, 'prov', null])
  }
})

test('an error inside a 200 has the status of its type, in a stream and in a whole answer', () => {
  for (const [status, type, message] of [...documented, [502, 'error_of_tomorrow', 'x'] as [number, string, string]]) {
    const decoder = new AnthropicChatDecoder('prov')
    const { kinds } = decode(decoder, Buffer.from(`event: error\ndata: ${bodyOf(type, message).toString()}\n\n`))
    assert.deepEqual([kinds, decoder.error?.status, decoder.error?.type, decoder.error?.message], [['error'], status, type, message])
    assert.throws(() => fromMessage('prov', JSON.parse(bodyOf(type, message).toString())), (thrown) => thrown instanceof GatewayError && thrown.status === status && thrown.type === type)
    const family = createAnthropicFamily(createSettings())
    assert.throws(() => family.toUsage(JSON.parse(bodyOf(type, message).toString()), 'chat_completion'), (thrown) => thrown instanceof GatewayError && thrown.status === status)
  }
})

test('a prompt that does not fit and a filter have codes', () => {
  const codeOf = (status: number, message: string): string | null => toAnthropicError('prov', status, {}, bodyOf('invalid_request_error', message)).upstreamCode
  assert.equal(codeOf(400, 'prompt is too long: 3333404 tokens > 200000 maximum'), 'context_length_exceeded')
  assert.equal(codeOf(400, 'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000'), 'context_length_exceeded')
  assert.equal(codeOf(400, 'Output blocked by content filtering policy'), 'content_filter')
  assert.equal(codeOf(429, 'prompt is too long'), null)
})

test('what is no JSON is an error all the same', () => {
  assert.equal(toAnthropicError('prov', 502, { 'content-type': 'text/html' }, Buffer.from('<html>')).message, 'prov answered with status 502: HTML response received from provider.')
  assert.equal(toAnthropicError('prov', 503, {}, Buffer.from('')).status, 503)
})

test('an answer that is no message is a bad response', () => {
  for (const body of [null, 5, [], {}, { content: 'text' }, { content: [null] }, { content: [{}] }]) {
    assert.throws(() => fromMessage('prov', body), (thrown) => thrown instanceof GatewayError && thrown.code === 'BIFROST_UPSTREAM_BAD_RESPONSE', JSON.stringify(body))
  }
  const counter = createAnthropicFamily(createSettings()).tokenCounter('m')
  assert.throws(() => counter?.fromCountReply({}), (thrown) => thrown instanceof GatewayError && thrown.code === 'BIFROST_UPSTREAM_BAD_RESPONSE')
  assert.equal(counter?.fromCountReply({ input_tokens: 14 }), 14)
})

test('a count asks for what is counted, and nothing else', () => {
  const context = createContext()
  const made = createAnthropicFamily(createSettings()).tokenCounter('m')?.toCountRequest({ model: 'x', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 3, temperature: 0, stop: 'END', user: 'u', reasoning: { max_tokens: 2048 } }, { ...context, model: 'claude-sonnet-4-5' })
  assert.equal(made?.url.href, 'https://api.anthropic.com/v1/messages/count_tokens')
  assert.deepEqual(Object.keys(made.body).sort(), ['messages', 'model'])
  const thinking = createAnthropicFamily(createSettings()).tokenCounter('m')?.toCountRequest({ model: 'x', messages: [{ role: 'user', content: 'Hi' }], reasoning: { max_tokens: 2048 } }, { ...context, model: 'claude-sonnet-4-5' })
  assert.deepEqual(thinking?.body, { model: 'claude-sonnet-4-5', messages: [{ role: 'user', content: 'Hi' }], thinking: { type: 'enabled', budget_tokens: 2048 } })
})

test('a request that makes no sense names its member', () => {
  const chat = createAnthropicFamily(createSettings()).chat('m')
  const paramOf = (messages: unknown): string | null => {
    try {
      chat?.toChatRequest({ model: 'm', messages } as never, createContext())
      return 'none'
    } catch (error) {
      return error instanceof GatewayError && error.code === 'BIFROST_INVALID_REQUEST' ? error.param : 'other'
    }
  }
  assert.equal(paramOf([]), 'messages')
  assert.equal(paramOf([{ role: 'system', content: ' ' }]), 'messages')
  assert.equal(paramOf([{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'gs://bucket/a.png' } }] }]), 'messages.content.image_url.url')
  assert.equal(paramOf([{ role: 'user', content: [{ type: 'file', file: { file_data: 'JVBE' } }] }]), 'messages.content.file.file_data')
})
