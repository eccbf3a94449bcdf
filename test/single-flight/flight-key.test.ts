import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { GatewayRequest } from '../../src/api/client.ts'
import { toForwardedHeaders } from '../../src/router/forwarded-headers.ts'
import { bodyBytesMax, toFlightKey } from '../../src/single-flight/flight-key.ts'
import { toRequest } from './harness.ts'

const keyOf = (headers: readonly string[], change: Partial<GatewayRequest> = {}): string | null => toFlightKey({ ...toRequest({}, headers), ...change })

const splitting = [
  'authorization', 'proxy-authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'cookie', 'x-amz-security-token', 'x-auth-token', 'x-client-secret',
  'openai-organization', 'openai-project', 'x-tenant-id', 'x-forwarded-user', 'x-user-id', 'x-session-id', 'x-customer', 'idempotency-key',
  'accept', 'x-bf-vk', 'x-bf-api-key', 'x-bf-api-key-id', 'x-bf-eh-anthropic-beta', 'anthropic-beta', 'x-amzn-bedrock-guardrailidentifier', 'x-bf-dim-team', 'x-bf-attempt-trail', 'x-bf-new'
]
const ignored = [
  'x-request-id', 'x-bf-request-timeout', 'x-stainless-timeout', 'x-stainless-retry-count', 'user-agent', 'host', 'content-length', 'content-type', 'connection', 'traceparent', 'date',
  'accept-encoding', 'x-forwarded-for', 'x-real-ip'
]

for (const name of splitting) {
  test(`requests with another ${name}, or without one, are not identical`, () => {
    const keys = [keyOf([]), keyOf([name, 'a']), keyOf([name, 'b']), keyOf([name, '']), keyOf([name, 'a', name, 'a'])]
    assert.equal(new Set(keys).size, keys.length)
    assert.ok(!keys.includes(null))
    assert.equal(keyOf([name, 'a']), keyOf([name, 'a']))
  })
}

for (const name of ignored) {
  test(`requests with another ${name} are identical`, () => {
    assert.equal(keyOf([name, '1']), keyOf([name, '2']))
    assert.equal(keyOf([name, '1']), keyOf([]))
  })
}

test('one byte of the body, or another operation, makes another request', () => {
  const { body } = toRequest({}, [])
  const other = Buffer.from(body)
  other[other.length - 2] = 0x20
  assert.notEqual(keyOf([]), keyOf([], { body: other }))
  assert.notEqual(keyOf([]), keyOf([], { body: Buffer.concat([body, Buffer.from(' ')]) }))
  assert.notEqual(keyOf([]), keyOf([], { operation: 'responses' }))
})

test('a body over the limit is not shared, one at the limit is', () => {
  assert.equal(typeof keyOf([], { body: Buffer.alloc(bodyBytesMax) }), 'string')
  assert.equal(keyOf([], { body: Buffer.alloc(bodyBytesMax + 1) }), null)
})

test('a credential that may have been decoded with a loss is not shared', () => {
  for (const value of ['\ufffd', 'é', 'a\u0080']) assert.equal(keyOf(['authorization', value]), null)
  assert.notEqual(keyOf(['user-agent', 'é']), null)
})

test('no header can pass for another one, nor for a part of the body', () => {
  const { body } = toRequest({}, [])
  assert.notEqual(keyOf(['x-bf-a', 'b","x-bf-c","d']), keyOf(['x-bf-a', 'b', 'x-bf-c', 'd']))
  assert.notEqual(keyOf(['x-bf-ab', 'c']), keyOf(['x-bf-a', 'bc']))
  assert.notEqual(keyOf(['x-bf-a', ''], { body }), keyOf([], { body: Buffer.concat([Buffer.from('x-bf-a'), body]) }))
})

test('requests that are equal for the gateway have the same key only when the same headers go upstream', () => {
  const name = fc.constantFrom('x-bf-eh-a', 'x-bf-eh-b', 'x-bf-eh-cookie', 'accept', 'user-agent', 'authorization')
  const headers = fc.array(fc.tuple(name, fc.constantFrom('', '1', '2')), { maxLength: 3 }).map((pairs) => pairs.flat())
  fc.assert(fc.property(headers, headers, (one, other) => {
    if (keyOf(one) === keyOf(other)) assert.equal(toForwardedHeaders(one, 'openai'), toForwardedHeaders(other, 'openai'))
  }), { numRuns: 2_000 })
})
