import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { errorTable, fromErrorRecord, GatewayError, toErrorRecord } from '../src/errors.ts'
import { toErrorBody } from '../src/transport/error-body.ts'
import type { ErrorCode } from '../src/errors.ts'

/** Clients and dashboards rely on these: code, status, `error.type`, retryable, and the default message. */
const pinned: [string, number, string, boolean, string][] = [
  ['BIFROST_INVALID_JSON', 400, 'invalid_request_error', false, 'The request body is not valid JSON.'],
  ['BIFROST_INVALID_REQUEST', 400, 'invalid_request_error', false, 'The request is not valid.'],
  ['BIFROST_BODY_TOO_COMPLEX', 400, 'invalid_request_error', false, 'The request body is nested too deeply or has too many keys.'],
  ['BIFROST_INVALID_HEADER', 400, 'invalid_request_error', false, 'A request header is not valid.'],
  ['BIFROST_MODEL_REQUIRED', 400, 'invalid_request_error', false, 'model is required.'],
  ['BIFROST_MODEL_AMBIGUOUS', 400, 'invalid_request_error', false, 'could not auto resolve a provider for the request, please specify a provider explicitly'],
  ['BIFROST_UNKNOWN_PROVIDER', 400, 'invalid_request_error', false, 'The provider is not configured.'],
  ['BIFROST_UNSUPPORTED_OPERATION', 400, 'unsupported_operation', false, 'The provider does not support this operation.'],
  ['BIFROST_NO_KEY_FOR_MODEL', 400, 'invalid_request_error', false, 'no keys found that support the model'],
  ['BIFROST_KEY_NOT_FOUND', 400, 'invalid_request_error', false, 'no supported key found with the name or id given'],
  ['BIFROST_ROUTE_NOT_FOUND', 404, 'invalid_request_error', false, 'Route not found.'],
  ['BIFROST_PASSTHROUGH_REFUSED', 403, 'permission_error', false, 'This path does not go through to a provider unread.'],
  ['BIFROST_METHOD_NOT_ALLOWED', 405, 'invalid_request_error', false, 'The method is not allowed here.'],
  ['BIFROST_ADMIN_KEY_REFUSED', 401, 'authentication_error', false, 'The management API needs server.admin_key as a bearer token.'],
  ['BIFROST_NOT_CONFIGURED', 404, 'invalid_request_error', false, 'It is not in the configuration.'],
  ['BIFROST_CONFIG_CONFLICT', 409, 'invalid_request_error', false, 'It is in the configuration already.'],
  ['BIFROST_CONFIG_REJECTED', 400, 'invalid_request_error', false, 'The configuration was not taken over.'],
  ['BIFROST_CONFIG_READ_ONLY', 409, 'config_read_only', false, 'The configuration cannot be changed here.'],
  ['BIFROST_BODY_TOO_LARGE', 413, 'invalid_request_error', false, 'The request body is larger than client.max_request_body_size_mb.'],
  ['BIFROST_CLIENT_CLOSED', 499, 'request_cancelled', false, 'The client closed the connection before the answer was complete.'],
  ['BIFROST_PROVIDER_UNAVAILABLE', 503, 'provider_unavailable', false, 'The provider has no usable key.'],
  ['BIFROST_REQUEST_DROPPED', 503, 'request_dropped', true, 'request dropped: queue is full'],
  ['BIFROST_CIRCUIT_OPEN', 503, 'circuit_open', true, 'The model failed too often lately and is left alone for a while.'],
  ['BIFROST_KEYS_RESTING', 429, 'rate_limit_error', true, 'All keys of the provider rest after a rate limit.'],
  ['BIFROST_SHUTTING_DOWN', 503, 'shutting_down', true, 'The gateway is shutting down.'],
  ['BIFROST_WORKER_LOST', 502, 'worker_lost', true, 'The worker thread that served this request ended.'],
  ['BIFROST_INTERNAL', 500, 'internal_error', false, 'Internal error.'],
  ['BIFROST_UPSTREAM_STATUS', 502, 'upstream_error', false, 'The provider answered with an error.'],
  ['BIFROST_UPSTREAM_CONNECT', 502, 'upstream_connect_error', true, 'Could not connect to the provider.'],
  ['BIFROST_UPSTREAM_RESET', 502, 'upstream_reset', true, 'The provider closed the connection before the answer was complete.'],
  ['BIFROST_UPSTREAM_TRUNCATED', 502, 'upstream_truncated', true, 'The provider ended the stream before it was finished.'],
  ['BIFROST_UPSTREAM_BAD_RESPONSE', 502, 'upstream_bad_response', true, 'The provider sent an answer that is not what its API defines.'],
  ['BIFROST_STREAM_DIVERGED', 502, 'stream_diverged', true, 'The provider was to go on with a stream that broke, but its answer differs from what the client has.'],
  ['BIFROST_UPSTREAM_TOO_LARGE', 502, 'upstream_too_large', false, 'The answer of the provider is larger than the limit.'],
  ['BIFROST_CONNECT_TIMEOUT', 504, 'request_timed_out', true, 'Connecting to the provider took longer than network_config.connect_timeout_in_seconds.'],
  ['BIFROST_RESPONSE_HEADER_TIMEOUT', 504, 'request_timed_out', true, 'The provider sent no response header within network_config.response_header_timeout_in_seconds.'],
  ['BIFROST_FIRST_TOKEN_TIMEOUT', 504, 'request_timed_out', true, 'The provider began no answer within network_config.first_token_timeout_in_seconds.'],
  ['BIFROST_STREAM_IDLE_TIMEOUT', 504, 'request_timed_out', true, 'The provider sent nothing for longer than network_config.stream_idle_timeout_in_seconds.'],
  ['BIFROST_TOTAL_TIMEOUT', 504, 'request_timed_out', true, 'The request took longer than network_config.default_request_timeout_in_seconds.'],
  ['BIFROST_DEADLINE_EXCEEDED', 504, 'request_timed_out', false, 'The request was not answered within its time, over queue, retries and fallbacks.'],
  ['BIFROST_SLOW_CLIENT', 499, 'slow_client', false, 'The client did not read the answer for longer than client.slow_client_timeout_in_seconds.']
]

test('every code, status, type, retry rule and default message is as pinned', () => {
  assert.deepEqual(Object.entries(errorTable).map(([code, row]) => [code, row.status, row.type, row.retryable, row.message]), pinned)
})

test('an error without details says what the table says', () => {
  for (const [code, status, type, retryable, message] of pinned) {
    const error = new GatewayError(code as ErrorCode)
    assert.ok(error instanceof Error)
    const { name, param, upstreamCode, provider, cause } = error
    assert.deepEqual(
      { code: error.code, status: error.status, type: error.type, retryable: error.retryable, message: error.message, name, param, upstreamCode, provider, cause },
      { code, status, type, retryable, message, name: 'GatewayError', param: null, upstreamCode: null, provider: null, cause: undefined })
  }
})

test('details override the table, but never the code or the retry rule', () => {
  const cause = new Error('socket')
  const error = new GatewayError('BIFROST_UPSTREAM_STATUS', { message: 'slow down', param: 'model', status: 429, type: 'rate_limit', upstreamCode: 'rl', provider: 'openai', cause })
  const { code, status, type, retryable, message, param, upstreamCode, provider } = error
  assert.deepEqual({ code, status, type, retryable, message, param, upstreamCode, provider }, {
    code: 'BIFROST_UPSTREAM_STATUS', status: 429, type: 'rate_limit', retryable: false, message: 'slow down', param: 'model', upstreamCode: 'rl', provider: 'openai'
  })
  assert.equal(error.cause, cause)
})

const records = fc.record({
  code: fc.constantFrom(...pinned.map(([code]) => code as ErrorCode)),
  message: fc.string({ unit: 'binary' }),
  status: fc.integer({ min: 100, max: 599 }),
  type: fc.string(),
  param: fc.option(fc.string()),
  upstreamCode: fc.option(fc.string())
}, { noNullPrototype: true })

test('an error crosses threads as a record and comes out the same, whichever way the record is copied', () => {
  fc.assert(fc.property(records, fc.string(), (record, provider) => {
    for (const copy of [structuredClone(record), JSON.parse(JSON.stringify(record)) as typeof record]) {
      const error = fromErrorRecord(copy, provider)
      assert.deepEqual(toErrorRecord(error), record)
      assert.equal(error.provider, provider)
      assert.equal(error.retryable, pinned.find(([code]) => code === record.code)?.[3])
    }
  }))
})

test('a record holds no cause; of an internal error the cause goes along as text, for the log', () => {
  const cause = new Error('what broke')
  const internal = toErrorRecord(new GatewayError('BIFROST_INTERNAL', { cause }))
  assert.deepEqual(internal, { code: 'BIFROST_INTERNAL', message: cause.stack, status: 500, type: 'internal_error', param: null, upstreamCode: null })
  assert.equal(toErrorRecord(new GatewayError('BIFROST_INTERNAL')).message, 'Internal error.')
  assert.equal(toErrorRecord(new GatewayError('BIFROST_UPSTREAM_RESET', { cause, message: 'gone' })).message, 'gone')
})

test('the client never sees the text of an internal error', () => {
  const error = fromErrorRecord(toErrorRecord(new GatewayError('BIFROST_INTERNAL', { cause: new Error('CANARY') })), 'p')
  const body = toErrorBody(error, null, 'id-1', '')
  assert.doesNotMatch(body, /CANARY/)
  assert.equal((JSON.parse(body) as { error: { message: string } }).error.message, 'Internal error. Request id: id-1.')
})
