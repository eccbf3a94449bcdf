import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toEmbeddedError, toUpstreamError } from '../../src/providers/openai/errors.ts'
import { countByProvider, noRecordings, readRecordings } from './recordings.ts'

const recordings = readRecordings('error')

function seen (status: number, body: string, contentType = 'application/json'): object {
  const error = toUpstreamError('prov', status, contentType, Buffer.from(body))
  assert.equal(error.code, 'BIFROST_UPSTREAM_STATUS')
  assert.equal(error.provider, 'prov')
  return { status: error.status, message: error.message, type: error.type, code: error.upstreamCode, param: error.param }
}

const text = (value: unknown): string | null => typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : null

test('recorded errors keep their status, message, type, code and param', { skip: recordings.length === 0 ? noRecordings : false }, (t) => {
  let objects = 0
  for (const { name, status, contentType, body } of recordings) {
    const error = toUpstreamError('prov', status, contentType, body)
    assert.equal(error.status, status, name)
    assert.ok(error.message.length > 0, name)
    const raw = JSON.parse(body.toString()) as Record<string, unknown>
    if (typeof raw.error !== 'object' || raw.error === null) {
      assert.ok(body.toString().includes(JSON.stringify(error.message).slice(1, -1)), `${name}: ${error.message}`)
      continue
    }
    const inner = raw.error as Record<string, unknown>
    objects++
    assert.equal(error.message, inner.message, name)
    assert.equal(error.type, text(inner.type) ?? 'upstream_error', name)
    assert.equal(error.upstreamCode, text(inner.code), name)
    assert.equal(error.param, text(inner.param), name)
  }
  assert.ok(objects > 0)
  t.diagnostic(countByProvider(recordings))
})

test('every shape of error body is read', () => {
  const plain = { type: 'upstream_error', code: null, param: null }
  const cases: [number, string, object][] = [
    [400, '{"error":{"message":"m","type":"t","code":"c","param":"p"}}', { status: 400, message: 'm', type: 't', code: 'c', param: 'p' }],
    [429, '{"error":{"message":"m","type":null,"code":42,"param":null}}', { status: 429, message: 'm', type: 'upstream_error', code: '42', param: null }],
    [500, '{"error":"m"}', { status: 500, message: 'm', ...plain }],
    [500, '{"message":"m"}', { status: 500, message: 'm', ...plain }],
    [422, '{"detail":"m"}', { status: 422, message: 'm', ...plain }],
    [401, '{"error":{"detail":"m"}}', { status: 401, message: 'm', ...plain }],
    [400, '{"object":"error","message":"m","type":"invalid_request_error","code":"1"}', { status: 400, message: 'm', type: 'invalid_request_error', code: '1', param: null }],
    [500, '{"error":{}}', { status: 500, message: 'prov answered with status 500.', ...plain }],
    [500, '{}', { status: 500, message: 'prov answered with status 500.', ...plain }],
    [500, '{"error":{"message":""}}', { status: 500, message: 'prov answered with status 500.', ...plain }],
    [503, 'no healthy upstream', { status: 503, message: 'no healthy upstream', ...plain }],
    [503, '["a"]', { status: 503, message: '["a"]', ...plain }],
    [500, '', { status: 500, message: 'prov answered with status 500 and an empty body.', ...plain }],
    [500, ' \n', { status: 500, message: 'prov answered with status 500 and an empty body.', ...plain }],
    [502, '<html>secret</html>', { status: 502, message: 'prov answered with status 502: HTML response received from provider.', ...plain }]
  ]
  for (const [status, body, expected] of cases) assert.deepEqual(seen(status, body), expected, body)
  assert.deepEqual(seen(502, 'Bad Gateway', 'text/html'), { status: 502, message: 'prov answered with status 502: HTML response received from provider.', ...plain })
})

test('a message is cut at 2,000 characters', () => {
  for (const body of [JSON.stringify({ error: { message: 'x'.repeat(5_000) } }), 'x'.repeat(5_000)]) {
    assert.equal((seen(500, body) as { message: string }).message, 'x'.repeat(2_000))
  }
})

test('no body makes the translation throw', () => {
  fc.assert(fc.property(fc.oneof(fc.json(), fc.string(), fc.record({ error: fc.jsonValue(), message: fc.jsonValue(), detail: fc.jsonValue() }, { requiredKeys: [] }).map((value) => JSON.stringify(value))), fc.integer({ min: 400, max: 599 }), (body, status) => {
    const error = toUpstreamError('prov', status, '', Buffer.from(body))
    assert.equal(error.status, status)
    assert.ok(error.message.length > 0 && error.type.length > 0)
  }), { numRuns: 2000 })
})

test('the status of an error inside a 200 comes from its number or its words', () => {
  const cases: [object, number][] = [
    [{ code: 429 }, 429], [{ status: 503 }, 503], [{ status_code: 401, type: 'x' }, 401], [{ code: 200 }, 502], [{ code: 600 }, 502],
    [{ type: 'rate_limit_error' }, 429], [{ code: 'insufficient_quota' }, 429], [{ code: 'too_many_requests' }, 429], [{ type: 'overloaded_error' }, 503],
    [{ code: 'invalid_api_key' }, 401], [{ type: 'authentication_error' }, 401], [{ type: 'permission_error' }, 403], [{ code: 'model_not_found' }, 404],
    [{ type: 'invalid_request_error' }, 400], [{ code: 'context_length_exceeded' }, 400], [{ code: 'content_policy_violation' }, 400], [{ type: 'timeout' }, 504],
    [{ type: 'server_error' }, 500], [{ code: 'internal_error' }, 500], [{}, 502], [{ code: 'unheard_of' }, 502]
  ]
  for (const [fields, status] of cases) assert.equal(toEmbeddedError('p', { error: { message: 'm', ...fields } })?.status, status, JSON.stringify(fields))
})

test('what holds no error is none', () => {
  for (const value of [null, 1, 'error', [], {}, { error: null }, { error: undefined }, { type: 'response.created', response: { error: null } }]) assert.equal(toEmbeddedError('p', value), null)
})
