import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toGoogleError } from '../../src/providers/gemini/errors.ts'
import { toOutcome } from '../../src/router/outcomes.ts'

const toBytes = (body: unknown): Buffer => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
const info = (reason: string): unknown => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' })
const retry = (retryDelay: string): unknown => ({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay })

/** What comes, and status, type, code, seconds, outcome. */
const cases: [string, number, unknown, [number, string, string | null, number | null, string]][] = [
  ['a key that Google does not know', 400, { error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT', details: [info('API_KEY_INVALID')] } }, [401, 'INVALID_ARGUMENT', 'API_KEY_INVALID', null, 'key_lasting']],
  ['a token that is no longer good', 401, { error: { code: 401, message: 'Request had invalid authentication credentials.', status: 'UNAUTHENTICATED', details: [info('ACCESS_TOKEN_EXPIRED')] } }, [401, 'UNAUTHENTICATED', 'ACCESS_TOKEN_EXPIRED', null, 'key_lasting']],
  ['a right that is missing', 403, { error: { code: 403, message: 'Permission denied', status: 'PERMISSION_DENIED' } }, [403, 'PERMISSION_DENIED', 'PERMISSION_DENIED', null, 'key_lasting']],
  ['a rate limit with its pause', 429, { error: { code: 429, message: 'Quota exceeded', status: 'RESOURCE_EXHAUSTED', details: [info('RATE_LIMIT_EXCEEDED'), retry('13.2s')] } }, [429, 'RESOURCE_EXHAUSTED', 'RATE_LIMIT_EXCEEDED', 14, 'key_passing']],
  ['a request that is too long', 400, { error: { code: 400, message: 'The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).', status: 'INVALID_ARGUMENT' } }, [400, 'INVALID_ARGUMENT', 'context_length_exceeded', null, 'context_length']],
  ['a token limit per minute', 429, { error: { code: 429, message: 'Your input token count exceeds the limit', status: 'RESOURCE_EXHAUSTED' } }, [429, 'RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED', null, 'key_passing']],
  ['a model that is not there', 404, { error: { code: 404, message: 'models/x is not found', status: 'NOT_FOUND' } }, [404, 'NOT_FOUND', 'NOT_FOUND', null, 'request_fault']],
  ['a field that is not known', 400, { error: { code: 400, message: 'Unknown name "x"', status: 'INVALID_ARGUMENT' } }, [400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', null, 'request_fault']],
  ['an overload', 503, { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }, [503, 'UNAVAILABLE', 'UNAVAILABLE', null, 'transient']],
  ['an error in an array', 429, [{ error: { code: 429, message: 'slow', status: 'RESOURCE_EXHAUSTED', details: [retry('1s')] } }], [429, 'RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED', 1, 'key_passing']],
  ['an error inside a 200', 200, { error: { code: 500, message: 'Internal', status: 'INTERNAL' } }, [500, 'INTERNAL', 'INTERNAL', null, 'transient']],
  ['an error inside a 200 without a number', 200, { error: { message: 'late', status: 'DEADLINE_EXCEEDED' } }, [504, 'DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', null, 'transient']],
  ['an error of the token server', 400, { error: 'invalid_grant', error_description: 'x' }, [400, 'upstream_error', null, null, 'request_fault']],
  ['a page', 502, '<html>Bad gateway</html>', [502, 'upstream_error', null, null, 'transient']],
  ['nothing', 500, '', [500, 'upstream_error', null, null, 'transient']],
  ['a 200 that is nothing', 200, 'x', [502, 'upstream_error', null, null, 'transient']]
]

for (const [what, status, body, expected] of cases) {
  test(`${what} is told apart`, () => {
    const error = toGoogleError('gemini', status, { 'content-type': 'application/json' }, toBytes(body))
    assert.equal(error.code, 'BIFROST_UPSTREAM_STATUS')
    assert.equal(error.provider, 'gemini')
    assert.deepEqual([error.status, error.type, error.upstreamCode, error.retryAfterSeconds, toOutcome(error)], expected)
  })
}

test('the message is the provider\'s, or says what came instead', () => {
  const message = (status: number, body: unknown): string => toGoogleError('gemini', status, { 'content-type': 'text/html' }, toBytes(body)).message
  assert.equal(message(503, { error: { message: 'The model is overloaded.' } }), 'The model is overloaded.')
  assert.equal(message(502, '<html>'), 'gemini answered with status 502: HTML response received from provider.')
  assert.equal(message(500, ''), 'gemini answered with status 500 and an empty body.')
  assert.equal(message(500, { error: {} }), 'gemini answered with status 500.')
})
