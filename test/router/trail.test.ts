import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../../src/errors.ts'
import type { TrailEntry } from '../../src/router/trail.ts'
import { toTrailText } from '../../src/router/trail.ts'
import { createKey, createProvider } from './settings.ts'

function createEntry (model: string, keyName: string, message: string): TrailEntry {
  const provider = createProvider('openai', { keys: [createKey({ id: 'the-id', name: keyName, value: 'sk-CANARY' })] })
  return {
    target: { provider, key: provider.keys[0] as NonNullable<(typeof provider.keys)[0]>, keyIndex: 0, requestedModel: 'alias', model, fallback: null },
    name: 'openai/alias',
    fallbackIndex: 0,
    outcome: 'transient',
    error: new GatewayError('BIFROST_UPSTREAM_STATUS', { status: 503, message, provider: 'openai' }),
    queueMs: 1.4,
    upstreamMs: 812.6
  }
}

test('the trail names who was tried, how it ended and how long it took', () => {
  const passedOver: TrailEntry = { target: null, name: 'nobody/m', fallbackIndex: 1, outcome: 'unavailable', error: new GatewayError('BIFROST_UNKNOWN_PROVIDER'), queueMs: 0, upstreamMs: 0 }
  const open: TrailEntry = { target: null, name: 'groq/llama', fallbackIndex: 2, outcome: 'unavailable', error: new GatewayError('BIFROST_CIRCUIT_OPEN', { provider: 'groq' }), queueMs: 0, upstreamMs: 0 }
  assert.equal(toTrailText([createEntry('gpt-4o', 'primary', 'no'), passedOver, open]), '[' +
    '{"provider":"openai","model":"gpt-4o","key":"primary","fallback_index":0,"outcome":"transient","code":"BIFROST_UPSTREAM_STATUS","status":503,"queue_ms":1,"upstream_ms":813},' +
    '{"provider":null,"model":"nobody/m","key":null,"fallback_index":1,"outcome":"unavailable","code":"BIFROST_UNKNOWN_PROVIDER","status":400,"queue_ms":0,"upstream_ms":0},' +
    '{"provider":"groq","model":"groq/llama","key":null,"fallback_index":2,"outcome":"unavailable","code":"BIFROST_CIRCUIT_OPEN","status":503,"queue_ms":0,"upstream_ms":0}]')
  assert.equal(toTrailText([]), '[]')
})

test('neither a key nor a word of the provider gets into the trail', () => {
  assert.doesNotMatch(toTrailText([createEntry('m', 'k', 'CANARY of the provider')]), /CANARY/)
})

test('whatever the names, the trail is one line of printable ASCII that reads back as they are', () => {
  const hostile = fc.oneof(fc.constantFrom('a\r\nset-cookie: x', '\u2028', '\u007f\u0080', '😀', '\ud800', '"},{'), fc.string({ unit: 'binary', maxLength: 30 }))
  fc.assert(fc.property(hostile, hostile, (model, keyName) => {
    const text = toTrailText([createEntry(model, keyName, 'm')])
    assert.match(text, /^[\x20-\x7e]*$/)
    const [entry] = JSON.parse(text) as { model: string, key: string }[]
    assert.deepEqual([entry?.model, entry?.key], [model, keyName])
  }), { numRuns: 1000 })
})

test('an attempt that was outpaced has no code and no status, a hedge says that it is one', () => {
  const entry: TrailEntry = { ...createEntry('m', 'k', ''), outcome: 'outpaced', error: null, isHedge: true }
  assert.equal(toTrailText([entry]), '[{"provider":"openai","model":"m","key":"k","fallback_index":0,"outcome":"outpaced","code":null,"status":null,"queue_ms":1,"upstream_ms":813,"hedge":true}]')
})
