import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diffConfig } from '../../src/config/diff.ts'

test('equal configurations have no difference', () => {
  assert.deepEqual(diffConfig({ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 2 }] } }), [])
})

test('what was there, came and went is told with its path and values', () => {
  assert.deepEqual(diffConfig(
    { client: { initial_pool_size: 1, drop_excess_requests: false, prometheus_labels: ['a'] }, providers: { one: { threads: 1 } } },
    { client: { initial_pool_size: 2, drop_excess_requests: false, prometheus_labels: ['a', 'b'] }, providers: { two: { threads: 1 } } }
  ), [
    { path: 'client.initial_pool_size', before: '1', after: '2' },
    { path: 'client.prometheus_labels', before: '[...]', after: '[...]' },
    { path: 'providers.one', before: '{...}', after: '' },
    { path: 'providers.two', before: '', after: '{...}' }
  ])
})

test('keys are told apart by id or name, not by where they stand', () => {
  const key = (name: string, weight: number): object => ({ name, value: `sk-${name}`, weight })
  assert.deepEqual(diffConfig({ keys: [key('a', 1), key('b', 1)] }, { keys: [key('b', 2), key('c', 1)] }), [
    { path: 'keys.a', before: '{...}', after: '' },
    { path: 'keys.b.weight', before: '1', after: '2' },
    { path: 'keys.c', before: '', after: '{...}' }
  ])
  assert.deepEqual(diffConfig({ keys: [key('a', 1), key('b', 1)] }, { keys: [key('b', 1), key('a', 1)] }), [{ path: 'keys', before: '[...]', after: 'another order' }])
})

test('no secret is in a difference', () => {
  const file = (secret: string): object => ({
    server: { admin_key: secret },
    providers: { one: { keys: [{ name: 'a', value: secret }], network_config: { extra_headers: { authorization: secret } }, proxy_config: { password: secret, url: `http://user:${secret}@proxy` } } }
  })
  const changes = diffConfig(file('CANARY-1'), file('CANARY-2'))
  assert.equal(changes.length, 5)
  assert.doesNotMatch(JSON.stringify(changes), /CANARY/)
})
