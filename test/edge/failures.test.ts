import assert from 'node:assert/strict'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { TransportOptions } from '../../src/transport/server.ts'
import { startCaptureUpstream, sendJson, chatAnswer } from '../sdk/capture-upstream.ts'
import { chatBody, startTestGateway } from '../helpers/gateway.ts'
import { eventually } from '../helpers/wait.ts'
import { jsonOf } from './raw-socket.ts'
import { startTransport } from './start-transport.ts'

/** What a client sees of our own failures and of the end. */
interface Failing { url: string, reported: Array<{ error: unknown, requestId: string }> }

const secret = 'CANARY /home/user/gateway.ts'

/** A transport whose handlers throw what nobody expects. */
async function startFailing (t: TestContext, more: Partial<TransportOptions>): Promise<Failing> {
  const reported: Failing['reported'] = []
  const { url } = await startTransport(t, {
    handle: () => { throw new TypeError(secret) },
    pages: {
      '/throws': () => { throw new TypeError(secret) },
      '/rejects': () => Promise.reject(new Error(secret)),
      '/throws-text': () => { throw secret as unknown as Error } // eslint-disable-line no-throw-literal
    },
    onFinished: ({ failure, requestId }) => { if (failure !== null) reported.push({ error: failure.cause, requestId }) },
    ...more
  })
  return { url, reported }
}

test('an unexpected failure is 500 with the request id and nothing else; the log gets the whole of it', async (t) => {
  const { url, reported } = await startFailing(t, {})
  const targets: ReadonlyArray<[string, RequestInit]> = [
    ['/throws', {}], ['/rejects', {}], ['/throws-text', {}], ['/v1/chat/completions', { method: 'POST', body: jsonOf('a/b') }]
  ]
  for (const [index, [path, init]] of targets.entries()) {
    const id = `request-${index}`
    const response = await fetch(url + path, { ...init, headers: { 'x-request-id': id } })
    const text = await response.text()
    assert.equal(response.status, 500, path)
    assert.equal(response.headers.get('x-request-id'), id)
    assert.deepEqual(JSON.parse(text), {
      type: 'internal_error',
      is_bifrost_error: true,
      status_code: 500,
      error: { message: `Internal error. Request id: ${id}.`, type: 'internal_error', param: null, code: 'BIFROST_INTERNAL' },
      extra_fields: {}
    })
    assert.equal(reported[index]?.requestId, id)
    assert.match(String(reported[index].error), /CANARY/)
  }
})

test('a draining gateway finishes what it has, answers 503 on open connections and takes no new ones', async (t) => {
  const upstream = await startCaptureUpstream(t)
  const gateway = await startTestGateway(t, { client: { shutdown_timeout_in_seconds: 5 }, providers: { openai: { keys: [{ value: 'sk' }], network_config: { base_url: upstream.url } } } })
  const port = Number(new URL(gateway.url).port)
  let finish = (): void => {}
  upstream.answer = (response) => { finish = () => { sendJson(response, 200, chatAnswer) } }

  const kept = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => { kept.destroy() })
  const ask = (method: string, path: string, body = ''): Promise<{ status: number, text: string, connection: string | undefined }> => new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', agent: kept, method, path }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => { text += chunk.toString() })
      response.on('end', () => { resolve({ status: Number(response.statusCode), text, connection: response.headers.connection }) })
    })
    request.on('error', reject)
    request.end(body)
  })
  assert.equal((await ask('GET', '/health')).status, 200)

  const running = fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: chatBody('openai/m') })
  await eventually(() => upstream.requests.length === 1, 'the request has arrived')
  const closed = gateway.close()

  const ready = await ask('GET', '/health/ready')
  assert.deepEqual([ready.status, (JSON.parse(ready.text) as { status: string }).status], [503, 'draining'])
  assert.equal((await ask('GET', '/health/live')).status, 200)
  const refused = await ask('POST', '/v1/chat/completions', chatBody('openai/m'))
  assert.equal(refused.status, 503)
  assert.match(refused.text, /BIFROST_SHUTTING_DOWN/)
  assert.equal(refused.connection, 'close')
  await assert.rejects(new Promise((resolve, reject) => {
    connect({ port, host: '127.0.0.1' }).on('connect', resolve).on('error', reject)
  }), { code: 'ECONNREFUSED' })

  finish()
  assert.equal((await running).status, 200)
  await closed
  assert.deepEqual(gateway.load(), { exchanges: 0, jobs: 0 })
  assert.equal(upstream.requests.length, 1)
})

test('shutdown does not wait longer than shutdown_timeout_in_seconds', async (t) => {
  const upstream = await startCaptureUpstream(t)
  const gateway = await startTestGateway(t, { client: { shutdown_timeout_in_seconds: 0.3 }, providers: { openai: { keys: [{ value: 'sk' }], network_config: { base_url: upstream.url } } } })
  upstream.answer = () => {}
  const running = fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: chatBody('openai/m') }).then(() => 'answered', () => 'cut')
  await eventually(() => upstream.requests.length === 1, 'the request has arrived')
  const startMs = performance.now()
  await gateway.close()
  const tookMs = performance.now() - startMs
  assert.ok(tookMs >= 290 && tookMs < 2_500, `${tookMs} ms`)
  assert.equal(await running, 'cut')
  await eventually(() => upstream.aborted === 1, 'the upstream request is cancelled')
})
