import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobFrame } from '../../src/api/job.ts'
import type { Adapter, AdapterRequest } from '../../src/providers/adapter.ts'
import { createOpenAiAdapter } from '../../src/providers/openai/adapter.ts'
import { GatewayError } from '../../src/errors.ts'
import { createKey, createProvider } from '../router/settings.ts'
import { createJob } from './recordings.ts'

const body = Buffer.from('{"model":"m"}')

function headersOf (list: readonly string[]): [string, string][] {
  assert.equal(list.length % 2, 0)
  return Array.from({ length: list.length / 2 }, (_, index) => [list[index * 2] as string, list[index * 2 + 1] as string])
}

/** This wire format needs no promises. */
function requestOf (adapter: Adapter, job: JobFrame): AdapterRequest {
  return adapter.open(job).toRequest() as AdapterRequest
}

test('a job becomes a request to its operation\'s path, with its key and its bytes', () => {
  const adapter = createOpenAiAdapter(createProvider('openai', { baseUrl: 'https://api.openai.com/base', keys: [createKey({ value: 'sk-0' }), createKey({ value: 'sk-1' })] }))
  const request = requestOf(adapter, createJob('chat_completion', { keyIndex: 1, stream: true, body }))
  assert.equal(request.origin, 'https://api.openai.com')
  assert.equal(request.path, '/base/v1/chat/completions')
  assert.equal(request.body, body)
  assert.deepEqual(headersOf(request.headers), [['content-type', 'application/json'], ['accept', 'text/event-stream'], ['user-agent', 'bifrost'], ['authorization', 'Bearer sk-1']])
  const unary = requestOf(adapter, createJob('responses', { keyIndex: 0, stream: false, body }))
  assert.equal(unary.path, '/base/v1/responses')
  assert.deepEqual(new Map(headersOf(unary.headers)).get('accept'), 'application/json')
  assert.deepEqual(new Map(headersOf(unary.headers)).get('authorization'), 'Bearer sk-0')
})

test('a path may be a whole URL, with a query', () => {
  const paths = { ...createProvider('p').paths, embedding: 'https://other.example:8443/emb?api-version=1' }
  const { origin, path } = requestOf(createOpenAiAdapter(createProvider('p', { paths })), createJob('embedding', { body }))
  assert.deepEqual([origin, path], ['https://other.example:8443', '/emb?api-version=1'])
})

test('a provider without credentials sends none, and configured headers replace ours', () => {
  const adapter = createOpenAiAdapter(createProvider('vllm', { keyless: true, keys: [createKey({ value: '' })], extraHeaders: { 'user-agent': 'mine', 'x-tenant': 'accept' } }))
  assert.deepEqual(headersOf(requestOf(adapter, createJob('chat_completion', { stream: false })).headers), [
    ['content-type', 'application/json'], ['accept', 'application/json'], ['user-agent', 'mine'], ['x-tenant', 'accept']
  ])
})

test('forwarded headers are added for this request alone', () => {
  const adapter = createOpenAiAdapter(createProvider('p'))
  const forwarded = requestOf(adapter, createJob('chat_completion', { forwardedHeaders: 'a: 1: 2\nb: ' }))
  assert.deepEqual(headersOf(forwarded.headers).slice(-2), [['a', '1: 2'], ['b', '']])
  assert.ok(!requestOf(adapter, createJob('chat_completion')).headers.includes('a'))
})

test('a client cannot replace or double what the operator configured', () => {
  const adapter = createOpenAiAdapter(createProvider('p', { extraHeaders: { 'openai-organization': 'operator' } }))
  const request = requestOf(adapter, createJob('chat_completion', { forwardedHeaders: 'openai-organization: client\nb: 2' }))
  assert.deepEqual(headersOf(request.headers).slice(-2), [['openai-organization', 'operator'], ['b', '2']])
})

test('a key or operation that does not exist is our fault, not the client\'s', () => {
  const adapter = createOpenAiAdapter(createProvider('p', { operations: ['chat_completion'] }))
  for (const job of [createJob('chat_completion', { keyIndex: 1 }), createJob('embedding')]) {
    assert.throws(() => requestOf(adapter, job), (error) => error instanceof GatewayError && error.code === 'BIFROST_INTERNAL')
  }
})
