import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorTable, GatewayError } from '../../src/errors.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { toUpstreamError } from '../../src/providers/openai/errors.ts'
import { isOverload, outcomeTable, toOutcome } from '../../src/router/outcomes.ts'

const rows: [string, string, boolean, boolean][] = [
  ['ok', 'never', false, false],
  ['transient', 'same-key', true, true],
  ['silent', 'last-resort', true, true],
  ['broken_stream', 'same-key', true, true],
  ['diverged', 'never', true, false],
  ['key_passing', 'next-key', true, false],
  ['key_lasting', 'next-key-free', true, false],
  ['request_fault', 'never', true, false],
  ['context_length', 'never', true, false],
  ['content_policy', 'never', true, false],
  ['unavailable', 'never', true, false],
  ['client_gone', 'never', false, false],
  ['deadline', 'never', false, false],
  ['outpaced', 'never', false, false],
  ['internal', 'never', false, false]
]

test('every outcome has its pinned retry, fallback and breaker rule', () => {
  assert.deepEqual(Object.entries(outcomeTable).map(([outcome, { retry, fallsBack, isFailure }]) => [outcome, retry, fallsBack, isFailure]), rows)
})

const outcomeOfCode: Record<string, string> = {
  BIFROST_INVALID_JSON: 'request_fault',
  BIFROST_INVALID_REQUEST: 'request_fault',
  BIFROST_BODY_TOO_COMPLEX: 'request_fault',
  BIFROST_INVALID_HEADER: 'request_fault',
  BIFROST_MODEL_REQUIRED: 'request_fault',
  BIFROST_MODEL_AMBIGUOUS: 'request_fault',
  BIFROST_ROUTE_NOT_FOUND: 'request_fault',
  BIFROST_PASSTHROUGH_REFUSED: 'request_fault',
  BIFROST_METHOD_NOT_ALLOWED: 'request_fault',
  BIFROST_ADMIN_KEY_REFUSED: 'request_fault',
  BIFROST_NOT_CONFIGURED: 'request_fault',
  BIFROST_CONFIG_CONFLICT: 'request_fault',
  BIFROST_CONFIG_REJECTED: 'request_fault',
  BIFROST_CONFIG_READ_ONLY: 'request_fault',
  BIFROST_BODY_TOO_LARGE: 'request_fault',
  BIFROST_UPSTREAM_TOO_LARGE: 'request_fault',
  BIFROST_UNKNOWN_PROVIDER: 'unavailable',
  BIFROST_UNSUPPORTED_OPERATION: 'unavailable',
  BIFROST_NO_KEY_FOR_MODEL: 'unavailable',
  BIFROST_KEY_NOT_FOUND: 'unavailable',
  BIFROST_PROVIDER_UNAVAILABLE: 'unavailable',
  BIFROST_REQUEST_DROPPED: 'unavailable',
  BIFROST_CIRCUIT_OPEN: 'unavailable',
  BIFROST_KEYS_RESTING: 'unavailable',
  BIFROST_SHUTTING_DOWN: 'unavailable',
  BIFROST_WORKER_LOST: 'transient',
  BIFROST_UPSTREAM_CONNECT: 'transient',
  BIFROST_UPSTREAM_RESET: 'transient',
  BIFROST_UPSTREAM_BAD_RESPONSE: 'transient',
  BIFROST_UPSTREAM_TRUNCATED: 'broken_stream',
  BIFROST_STREAM_DIVERGED: 'diverged',
  BIFROST_CONNECT_TIMEOUT: 'silent',
  BIFROST_RESPONSE_HEADER_TIMEOUT: 'silent',
  BIFROST_FIRST_TOKEN_TIMEOUT: 'silent',
  BIFROST_STREAM_IDLE_TIMEOUT: 'silent',
  BIFROST_TOTAL_TIMEOUT: 'silent',
  BIFROST_DEADLINE_EXCEEDED: 'deadline',
  BIFROST_CLIENT_CLOSED: 'client_gone',
  BIFROST_SLOW_CLIENT: 'client_gone',
  BIFROST_INTERNAL: 'internal'
}

test('every code but the one of an upstream answer says its outcome by itself', () => {
  const codes = (Object.keys(errorTable) as ErrorCode[]).filter((code) => code !== 'BIFROST_UPSTREAM_STATUS')
  assert.deepEqual(codes.toSorted(), Object.keys(outcomeOfCode).toSorted())
  for (const code of codes) {
    assert.equal(toOutcome(new GatewayError(code)), outcomeOfCode[code], code)
    // What a message says does not matter then.
    assert.equal(toOutcome(new GatewayError(code, { message: 'rate limit, content policy, context length', status: 429 })), outcomeOfCode[code], code)
  }
})

const outcomeOfStatus: [number, string][] = [
  [400, 'request_fault'], [401, 'key_lasting'], [402, 'key_lasting'], [403, 'key_lasting'], [404, 'request_fault'], [405, 'request_fault'],
  [408, 'transient'], [409, 'request_fault'], [413, 'request_fault'], [415, 'request_fault'], [422, 'request_fault'], [425, 'transient'],
  [429, 'key_passing'], [451, 'request_fault'], [500, 'transient'], [501, 'request_fault'], [502, 'transient'], [503, 'transient'],
  [504, 'transient'], [505, 'request_fault'], [520, 'transient'], [522, 'transient'], [524, 'transient'], [529, 'transient']
]

test('a status without telling words says its outcome', () => {
  for (const [status, outcome] of outcomeOfStatus) {
    assert.equal(toOutcome(new GatewayError('BIFROST_UPSTREAM_STATUS', { status, message: 'no' })), outcome, String(status))
  }
})

interface Said { message?: string, type?: string, code?: string }

const said: [number, Said, string][] = [
  // Rate limits, whatever the status.
  [400, { message: 'Rate limit reached for requests' }, 'key_passing'],
  [400, { type: 'rate_limit_error' }, 'key_passing'],
  [413, { message: 'Request too large for model `llama` on tokens per minute (TPM): Limit 6000, Requested 9000', code: 'rate_limit_exceeded' }, 'key_passing'],
  [429, { message: 'Too many tokens, please wait before trying again.' }, 'key_passing'],
  [429, { message: 'The content filter is busy' }, 'key_passing'],
  [503, { message: 'Too Many Requests' }, 'key_passing'],
  [500, { code: 'ThrottlingException', message: 'Request was throttled' }, 'key_passing'],
  [404, { message: 'Quota exceeded for aiplatform.googleapis.com' }, 'key_passing'],
  [400, { message: 'Number of concurrent requests limit reached: concurrent requests limit' }, 'key_passing'],
  // A key that will not do.
  [429, { code: 'insufficient_quota', message: 'You exceeded your current quota, please check your plan and billing details.' }, 'key_lasting'],
  [429, { type: 'insufficient_quota' }, 'key_lasting'],
  [400, { message: 'Your credit balance is too low to access the Anthropic API.' }, 'key_lasting'],
  [400, { code: 'billing_hard_limit_reached', message: 'Billing hard limit has been reached' }, 'key_lasting'],
  [401, { message: 'rate limit' }, 'key_lasting'],
  [403, { message: 'not allowed' }, 'key_lasting'],
  [400, { message: 'Incorrect API key provided: xai-***.' }, 'key_lasting'],
  [400, { message: 'API key not valid. Please pass a valid API key.' }, 'key_lasting'],
  [400, { code: 'invalid_api_key', message: 'no' }, 'key_lasting'],
  // The context.
  [400, { code: 'context_length_exceeded', message: 'no' }, 'context_length'],
  [400, { message: 'This model\'s maximum context length is 8192 tokens.' }, 'context_length'],
  [400, { message: 'prompt is too long: 3333404 tokens > 200000 maximum' }, 'context_length'],
  [400, { message: 'The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).' }, 'context_length'],
  [413, { message: 'Request size limit exceeded' }, 'request_fault'],
  [413, { message: 'Your input exceeds the context window of this model.' }, 'context_length'],
  [422, { code: 'string_above_max_length' }, 'context_length'],
  [400, { message: 'Input Tokens Exceeded: Number of input tokens exceeds maximum length.' }, 'context_length'],
  [400, { message: 'The total length of all messages is too long.', type: 'too_many_prompt_tokens' }, 'context_length'],
  // The content.
  [400, { code: 'content_filter', message: 'no' }, 'content_policy'],
  [400, { message: 'The response was filtered due to the prompt triggering Azure OpenAI\'s content management policy.' }, 'content_policy'],
  [400, { code: 'moderation_blocked', message: 'Your request was rejected by the safety system.' }, 'content_policy'],
  [403, { message: 'Your input was flagged by the content policy.' }, 'content_policy'],
  [400, { code: 'ResponsibleAIPolicyViolation' }, 'content_policy'],
  // Servers that fail say no more than that.
  [500, { message: 'maximum context length' }, 'transient'],
  [502, { message: 'content_filter' }, 'transient'],
  [529, { type: 'overloaded_error', message: 'Overloaded' }, 'transient'],
  [404, { message: 'The model `gpt-9` does not exist', code: 'model_not_found' }, 'request_fault']
]

test('what the provider says beside the status decides where it tells more', () => {
  for (const [status, { message = 'no', type, code }, outcome] of said) {
    assert.equal(toOutcome(new GatewayError('BIFROST_UPSTREAM_STATUS', { status, message, type, upstreamCode: code })), outcome, `${status} ${message}`)
  }
})

interface RecordedError { name: string, status: number, error: GatewayError }

/**
 * Every recorded error of every provider. Anthropic, Bedrock, Cohere, Gemini and Vertex have shapes of their own, but all of them
 * keep the message where the reader of OpenAI's shape finds it, so none is left out.
 */
function readErrors (): RecordedError[] {
  const folder = process.env.BIFROST_RECORDINGS ?? ''
  if (folder === '' || !existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).flatMap(({ name: provider }) =>
    readdirSync(join(folder, provider)).filter((file) => file.startsWith('error-') && file.endsWith('.json')).map((file) => {
      const { status, headers, encoding, body } = JSON.parse(readFileSync(join(folder, provider, file), 'utf8')) as { status: number, headers: Record<string, string>, encoding: BufferEncoding, body: string }
      return { name: `${provider}/${file}`, status, error: toUpstreamError(provider, status, headers['content-type'] ?? '', Buffer.from(body, encoding)) }
    }))
}

const recorded = readErrors()

test('a recorded error is what its file name says', { skip: recorded.length === 0 ? 'BIFROST_RECORDINGS names no folder' : false }, (t) => {
  let judged = 0
  for (const { name, status, error } of recorded) {
    const isContext = name.includes('context-length')
    const isAuth = /auth-error|invalid-api-key|context-specific-api-keys/.test(name)
    // Two providers met the huge prompt with their rate limit, before they looked at its length.
    const expected = isContext ? (status === 429 ? 'key_passing' : 'context_length') : isAuth ? 'key_lasting' : 'request_fault'
    assert.equal(toOutcome(error), expected, `${name}: ${error.message}`)
    if (isContext || isAuth) judged++
  }
  assert.ok(judged >= 20, String(judged))
  t.diagnostic(`${recorded.length} recorded errors, ${judged} of them named by their file`)
})

test('rate limits, 503, 529 and silence say that the provider has too much to do; other failures do not', () => {
  const upstream = (status: number, upstreamCode?: string): GatewayError => new GatewayError('BIFROST_UPSTREAM_STATUS', { status, upstreamCode })
  for (const error of [upstream(429), upstream(503), upstream(529), new GatewayError('BIFROST_CONNECT_TIMEOUT'), new GatewayError('BIFROST_RESPONSE_HEADER_TIMEOUT'), new GatewayError('BIFROST_FIRST_TOKEN_TIMEOUT'), new GatewayError('BIFROST_TOTAL_TIMEOUT')]) {
    assert.equal(isOverload(error), true, `${error.code} ${error.status}`)
  }
  for (const error of [upstream(400), upstream(401), upstream(429, 'insufficient_quota'), upstream(500), upstream(502), new GatewayError('BIFROST_REQUEST_DROPPED'), new GatewayError('BIFROST_SHUTTING_DOWN'), new GatewayError('BIFROST_UPSTREAM_RESET'), new GatewayError('BIFROST_CLIENT_CLOSED')]) {
    assert.equal(isOverload(error), false, `${error.code} ${error.status}`)
  }
})
