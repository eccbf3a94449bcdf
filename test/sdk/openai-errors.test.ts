import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import {
  APIConnectionTimeoutError, APIError, APIUserAbortError, AuthenticationError, BadRequestError, ConflictError,
  InternalServerError, NotFoundError, PermissionDeniedError, RateLimitError, UnprocessableEntityError
} from 'openai'
import { chatAnswer, sdk, sendEvents, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { eventually } from '../helpers/wait.ts'

/** Every error class of the SDK, as its users catch them. */
const upstream = await startCaptureUpstream({ after })
const gateway = await startTestGateway({ after }, {
  client: { max_request_body_size_mb: 1 },
  providers: {
    openai: { keys: [{ value: 'sk-a' }], network_config: { base_url: upstream.url } },
    impatient: upstreamProvider(upstream.url, { network: { default_request_timeout_in_seconds: 0.2, stream_idle_timeout_in_seconds: 0.2 } }),
    nowhere: upstreamProvider('http://127.0.0.1:1'),
    failing: upstreamProvider(upstream.url),
    mock: { mock: { failure_probability: 1, failure_status: 529 } }
  }
})
const client = sdk(gateway.url)
const messages = [{ role: 'user' as const, content: 'Hello' }]
const chat = (model = 'openai/m'): Promise<unknown> => client.chat.completions.create({ model, messages })

beforeEach(() => {
  upstream.requests.length = 0
  upstream.aborted = 0
  upstream.answer = (response) => { sendJson(response, 200, chatAnswer) }
})

async function errorOf (promise: Promise<unknown>): Promise<APIError> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof APIError, String(error))
    return error
  }
  throw new Error('the request succeeded')
}

const classes: Array<[number, abstract new (...parameters: never[]) => APIError, string, string]> = [
  [400, BadRequestError, 'invalid_request_error', 'context_length_exceeded'],
  [401, AuthenticationError, 'invalid_request_error', 'invalid_api_key'],
  [403, PermissionDeniedError, 'permission_error', 'unsupported_country_region_territory'],
  [404, NotFoundError, 'invalid_request_error', 'model_not_found'],
  [409, ConflictError, 'conflict_error', 'conflict'],
  [422, UnprocessableEntityError, 'invalid_request_error', 'unprocessable'],
  [429, RateLimitError, 'insufficient_quota', 'insufficient_quota'],
  [500, InternalServerError, 'server_error', 'internal'],
  [503, InternalServerError, 'overloaded_error', 'overloaded']
]

for (const [status, errorClass, type, code] of classes) {
  test(`an upstream's ${status} is the SDK's ${errorClass.name}, with its message, type, code and param`, async () => {
    const message = `upstream says ${status}: Grüße`
    upstream.answer = (response) => { sendJson(response, status, { error: { message, type, code, param: 'messages' } }, { 'retry-after': '7', 'x-request-id': 'req_up' }) }
    for (const stream of [false, true]) {
      const error = await errorOf(client.chat.completions.create({ model: 'openai/m', messages, stream }))
      assert.ok(error instanceof errorClass, error.constructor.name)
      assert.deepEqual({ status: error.status, type: error.type, code: error.code, param: error.param, message: error.message }, { status, type, code, param: 'messages', message: `${status} ${message}` })
      assert.equal(error.headers?.get('retry-after'), '7')
      assert.equal(error.headers.get('x-bifrost-provider'), 'openai')
      assert.equal(error.requestID, error.headers.get('x-request-id'))
    }
    assert.equal(upstream.requests.length, 2, 'the gateway sends each request once')
  })
}

test('what the gateway refuses itself has the same classes', async () => {
  const cases: Array<[Promise<unknown>, abstract new (...parameters: never[]) => APIError, number, string]> = [
    [chat('nobody/x'), BadRequestError, 400, 'BIFROST_UNKNOWN_PROVIDER'],
    [client.get('/nothing-here'), NotFoundError, 404, 'BIFROST_ROUTE_NOT_FOUND'],
    [client.chat.completions.create({ model: 'openai/m', messages: [{ role: 'user', content: 'x'.repeat(1_100_000) }] }), APIError, 413, 'BIFROST_BODY_TOO_LARGE'],
    [client.chat.completions.create({ model: 'openai/m' } as never), BadRequestError, 400, 'BIFROST_INVALID_REQUEST'],
    [chat('nowhere/x'), InternalServerError, 502, 'BIFROST_UPSTREAM_CONNECT']
  ]
  for (const [promise, errorClass, status, code] of cases) {
    const error = await errorOf(promise)
    assert.ok(error instanceof errorClass, `${code}: ${error.constructor.name}`)
    assert.deepEqual([error.status, error.code], [status, code])
    assert.ok(error.requestID)
  }
  assert.equal(upstream.requests.length, 0)
})

test('the embedded mock fails with the status it was told', async () => {
  const error = await errorOf(chat('mock/x'))
  assert.equal(error.status, 529)
  assert.ok(error instanceof InternalServerError)
})

test('an error inside a stream is thrown as APIError after the chunks before it', async () => {
  const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content: 'a' }, finish_reason: null }] }
  upstream.answer = (response) => { sendEvents(response, [chunk, { error: { message: 'The engine is overloaded', type: 'server_error', code: 'overloaded' } }], false) }
  const seen: string[] = []
  const error = await errorOf((async () => {
    for await (const one of await client.chat.completions.create({ model: 'openai/m', messages, stream: true })) seen.push(String(one.choices[0]?.delta.content))
  })())
  assert.deepEqual(seen, ['a'])
  assert.match(error.message, /The engine is overloaded/)
  assert.deepEqual([error.type, error.code], ['server_error', 'overloaded'])
  const helper = await client.chat.completions.stream({ model: 'openai/m', messages }).finalMessage().then(() => null, (cause: unknown) => cause)
  assert.match(String(helper), /The engine is overloaded/)
})

test('a stream that the upstream cuts off is an error, never a short answer', async () => {
  const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content: 'a' }, finish_reason: null }] }
  for (const end of [(socket: { destroy: () => void } | null) => socket?.destroy(), null]) {
    upstream.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify(chunk)}\n\n`)
      setImmediate(() => { end === null ? response.end() : end(response.socket) })
    }
    const error = await errorOf((async () => {
      for await (const one of await client.chat.completions.create({ model: 'openai/m', messages, stream: true })) assert.equal(one.choices[0]?.delta.content, 'a')
    })())
    assert.match(String(error.code), /^BIFROST_UPSTREAM_(RESET|TRUNCATED)$/)
  }
})

test('a silent upstream ends in 504, and in an APIError once the stream has begun', async () => {
  // On a busy machine its threads may need longer to start than this provider is given.
  await eventually(() => chat('impatient/m').then(() => true, () => false), 'the provider has started')
  upstream.aborted = 0
  upstream.requests.length = 0
  upstream.answer = () => {}
  const error = await errorOf(chat('impatient/m'))
  assert.equal(error.status, 504)
  assert.equal(error.type, 'request_timed_out')
  assert.match(error.message, /network_config\.\w+_timeout_in_seconds/)
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n')
  }
  const late = await errorOf((async () => {
    for await (const one of await client.chat.completions.create({ model: 'impatient/m', messages, stream: true })) assert.ok(one.choices[0])
  })())
  assert.equal(late.code, 'BIFROST_STREAM_IDLE_TIMEOUT')
  // On a busy machine the first one may be too late before it is sent; the stream began, so it was there.
  await eventually(() => upstream.aborted === upstream.requests.length && upstream.aborted > 0, 'every upstream request is cancelled')
})

test('the SDK\'s own timeout and an AbortController cancel the upstream request', async () => {
  upstream.answer = () => {}
  await assert.rejects(client.chat.completions.create({ model: 'openai/m', messages }, { timeout: 100 }), APIConnectionTimeoutError)
  await eventually(() => upstream.aborted === 1, 'the upstream request is cancelled')
  const controller = new AbortController()
  const pending = client.chat.completions.create({ model: 'openai/m', messages }, { signal: controller.signal })
  await eventually(() => upstream.requests.length === 2, 'the request has arrived')
  controller.abort()
  await assert.rejects(pending, APIUserAbortError)
  await eventually(() => upstream.aborted === 2, 'the upstream request is cancelled')
  await gateway.whenIdle()
})

test('aborting a stream in the middle cancels the upstream stream', async () => {
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const timer = setInterval(() => { response.write('data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n') }, 5)
    response.on('close', () => { clearInterval(timer) })
  }
  const stream = await client.chat.completions.create({ model: 'openai/m', messages, stream: true })
  let count = 0
  for await (const chunk of stream) {
    assert.equal(chunk.choices.length, 1)
    if (++count === 3) stream.controller.abort()
  }
  assert.ok(count >= 3)
  await eventually(() => upstream.aborted === 1, 'the upstream stream is cancelled')
  const left = await client.chat.completions.create({ model: 'openai/m', messages, stream: true })
  const chunks = left[Symbol.asyncIterator]()
  assert.equal((await chunks.next()).done, false)
  await chunks.return?.() // what leaving a loop does
  await eventually(() => upstream.aborted === 2, 'the upstream stream is cancelled')
  await gateway.whenIdle()
})

test('the SDK\'s own retries work through the gateway: 503, 429, then the answer', async () => {
  const statuses = [503, 429]
  upstream.answer = (response) => {
    const status = statuses.shift()
    if (status === undefined) sendJson(response, 200, chatAnswer)
    else sendJson(response, status, { error: { message: 'later' } }, { 'retry-after-ms': '1' })
  }
  const completion = await sdk(gateway.url, { maxRetries: 2 }).chat.completions.create({ model: 'openai/m', messages })
  assert.equal(completion.choices[0]?.message.content, 'Hello')
  assert.equal(upstream.requests.length, 3)
})
