import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toForwardedHeaders } from '../../src/attempts/response-headers.ts'
import { contentTypeOf } from '../../src/providers/reply-headers.ts'

test('rate limits and provider headers go through, one line each', () => {
  assert.equal(
    toForwardedHeaders({ 'x-ratelimit-remaining-requests': '5', 'openai-version': '2020', 'retry-after': '3', link: ['a', 'b'] }),
    'x-ratelimit-remaining-requests: 5\r\nopenai-version: 2020\r\nretry-after: 3\r\nlink: a\r\nlink: b')
  assert.equal(toForwardedHeaders({}), '')
})

test('what belongs to the connection, describes the body or acts in our name stays behind', () => {
  const withheld = [
    'connection', 'keep-alive', 'proxy-authenticate', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'content-length', 'content-encoding', 'content-type', 'date', 'server',
    'set-cookie', 'cache-control', 'strict-transport-security', 'access-control-allow-origin', 'access-control-allow-credentials', 'location', 'alt-svc',
    'x-bifrost-provider', 'x-bifrost-anything'
  ]
  for (const name of withheld) assert.equal(toForwardedHeaders({ [name]: 'x' }), '', name)
})

test('headers that Connection names stay behind', () => {
  assert.equal(toForwardedHeaders({ connection: 'X-Private ,close', 'x-private': '1', 'x-public': '2' }), 'x-public: 2')
  assert.equal(toForwardedHeaders({ connection: ['close', 'x-private'], 'x-private': '1', 'x-public': '2' }), 'x-public: 2')
  for (const connection of ['keep-alive', 'Keep-Alive', 'close']) assert.equal(toForwardedHeaders({ connection, 'keep-alive': 'timeout=5', 'x-public': '2' }), 'x-public: 2')
})

test('a value that could break out of its line is left out', () => {
  for (const value of ['a\r\nb: c', 'a\nb', '\0', '\u007f', 'ā']) assert.equal(toForwardedHeaders({ 'x-a': value, 'x-b': '1' }), 'x-b: 1', JSON.stringify(value))
  assert.equal(toForwardedHeaders({ 'x-a': 'tab\t\u00ff' }), 'x-a: tab\t\u00ff')
})

test('the provider\'s request id goes under a name of its own', () => {
  assert.equal(toForwardedHeaders({ 'x-request-id': 'r1', 'x-a': '1' }), 'x-a: 1\r\nx-upstream-request-id: r1')
  assert.equal(toForwardedHeaders({ 'x-request-id': 'r\r\n1' }), '')
})

test('at most 64 lines go through', () => {
  const headers = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-${index}`, '1']))
  assert.equal(toForwardedHeaders(headers).split('\r\n').length, 64)
})

test('the content type is read in lower case, from the first of several', () => {
  assert.equal(contentTypeOf({ 'content-type': 'Text/Event-Stream; charset=UTF-8' }), 'text/event-stream; charset=utf-8')
  assert.equal(contentTypeOf({ 'content-type': ['A/B', 'c/d'] }), 'a/b')
  assert.equal(contentTypeOf({}), '')
})
