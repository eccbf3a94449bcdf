import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sendJson, startCaptureUpstream, chatAnswer } from '../sdk/capture-upstream.ts'
import { chatBody, startTestGateway } from '../helpers/gateway.ts'
import { eventually } from '../helpers/wait.ts'
import { chatRequest, jsonOf, sendRaw, statusesOf } from './raw-socket.ts'

/** Routes, methods, heads and what a client may put into them. */
const upstream = await startCaptureUpstream({ after })
const gateway = await startTestGateway({ after }, { providers: { openai: { keys: [{ value: 'sk' }], network_config: { base_url: upstream.url } }, mock: {} } })
const port = Number(new URL(gateway.url).port)
const pid = process.pid

interface ErrorBody { status_code: number, is_bifrost_error: boolean, error: { code: string, message: string } }

test('an unknown route is 404 and named', async () => {
  for (const path of ['/', '/v1', '/v1/chat/completions/', '/v1/chat/Completions', '/v1//chat/completions', '/v1/chat/completions%00', '/%2e%2e/etc/passwd', '/V1/models', '/metrics/..']) {
    const { text } = await sendRaw(port, [`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`], { quietMs: 2_000, enough: (seen) => seen.endsWith('}') })
    assert.deepEqual(statusesOf(text), [404], path)
    assert.ok(text.includes('BIFROST_ROUTE_NOT_FOUND'))
  }
})

test('a wrong method is 405 and the message says which one to use', async () => {
  const cases: ReadonlyArray<[string, string, string]> = [
    ['GET', '/v1/chat/completions', 'POST'], ['PUT', '/v1/embeddings', 'POST'], ['DELETE', '/v1/responses', 'POST'], ['HEAD', '/v1/completions', 'POST'],
    ['POST', '/health', 'GET, HEAD'], ['PUT', '/metrics', 'GET, HEAD'], ['DELETE', '/v1/models', 'GET, HEAD'], ['OPTIONS', '/health/live', 'GET, HEAD']
  ]
  for (const [method, path, use] of cases) {
    const response = await fetch(gateway.url + path, { method })
    assert.equal(response.status, 405, `${method} ${path}`)
    assert.equal(response.headers.get('allow'), use)
    if (method === 'HEAD') continue
    const { error, status_code: status, is_bifrost_error: ours } = await response.json() as ErrorBody
    assert.deepEqual([error.code, error.message, status, ours], ['BIFROST_METHOD_NOT_ALLOWED', `${method} is not allowed on ${path}, use ${use}.`, 405, true])
  }
})

test('HEAD on a page has the headers of GET and no body, and says that the connection ends', async () => {
  for (const path of ['/health', '/health/ready', '/metrics', '/v1/models', '/nowhere']) {
    const get = await fetch(gateway.url + path)
    const getText = await get.text()
    const { text } = await sendRaw(port, [`HEAD ${path} HTTP/1.1\r\nHost: x\r\n\r\n`], { quietMs: 100 })
    assert.deepEqual(statusesOf(text), [get.status])
    assert.match(text, /\r\n\r\n$/)
    assert.ok(text.includes(`content-type: ${String(get.headers.get('content-type'))}\r\n`))
    if (path !== '/metrics') assert.ok(text.includes(`Content-Length: ${Buffer.byteLength(getText)}\r\n`), text)
    // uWebSockets.js drops the next request after a HEAD, so a client must not think that it can send one.
    assert.match(text, /\r\nConnection: close\r\n/i)
  }
})

/** Names and values of a raw response head. */
function headOf (text: string): string[] {
  return String(text.split('\r\n\r\n')[0]).split('\r\n').slice(1)
}

test('nothing that a client sends can split the response head', async () => {
  const evil = 'a\r\nx-evil: 1\r\n\r\nHTTP/1.1 200 OK'
  const escaped = JSON.stringify(evil).slice(1, -1)
  const bodies = [
    `{"model":"mock/${escaped}","messages":[]}`, `{"model":"${escaped}/m","messages":[]}`, '{"model":"mock/\\u000d\\u000ax-evil: 1","messages":[]}',
    '{"model":"mock/\\u010d\\u010ax-evil: 1","messages":[]}', '{"model":"mock/\\u2028\\u0085x-evil: 1","messages":[]}', '{"model":"mock/\\ud800","messages":[]}'
  ]
  for (const body of bodies) {
    for (const more of ['', ',"stream":true']) {
      const whole = body.replace(/\}$/, `${more}}`)
      const request = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(whole)}\r\n\r\n${whole}`
      const { text } = await sendRaw(port, [request], { quietMs: 3_000, enough: (seen) => /\}$|\r\n0\r\n\r\n$/.test(seen) })
      assert.equal(statusesOf(text).length, 1, whole)
      assert.deepEqual(headOf(text).filter((line) => /^x-evil/i.test(line)), [])
      for (const line of headOf(text)) assert.match(line, /^[\w-]+: [\x20-\x7e]*$/)
    }
  }
  const paths = ['/a%0d%0ax-evil:1', '/health?x=%0d%0ax-evil:1', '/v1/models?provider=%0d%0ax-evil:1']
  for (const path of paths) assert.equal((await fetch(gateway.url + path)).headers.get('x-evil'), null)
})

test('an x-request-id that is not short printable ASCII is replaced, never echoed', async () => {
  for (const id of ['a b', 'é', 'a\tb', 'x'.repeat(129), '', 'a\x7f', '\x80']) {
    const { text } = await sendRaw(port, [Buffer.from(`GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${id}\r\n\r\n`, 'latin1')], { enough: (seen) => seen.endsWith('}') })
    const line = headOf(text).find((one) => one.startsWith('x-request-id: '))
    assert.match(String(line), /^x-request-id: [0-9a-f]{8}-[0-9a-f-]{27}$/, JSON.stringify(id))
  }
  const { text } = await sendRaw(port, ['GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\nx-evil: 1\r\n\r\n'])
  assert.ok(!/^x-evil/m.test(text))
})

test('header bombs do not hurt: fifty connections at once with heads of 2 MB', async () => {
  const bombs = [
    `GET /health HTTP/1.1\r\nHost: x\r\nX-Bomb: ${'a'.repeat(2_000_000)}\r\n\r\n`,
    `GET /health HTTP/1.1\r\nHost: x\r\n${'X-B: 1\r\n'.repeat(250_000)}\r\n`,
    `GET /health?${'a=1&'.repeat(500_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nCookie: ${'c=1; '.repeat(400_000)}\r\nContent-Length: 2\r\n\r\n{}`,
    'A'.repeat(2_000_000)
  ]
  const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => sendRaw(port, [bombs[index % bombs.length] as string], { quietMs: 3_000 })))
  for (const { text } of answers) for (const status of statusesOf(text)) assert.ok(status >= 400, String(status))
  assert.equal((await fetch(`${gateway.url}/health`)).status, 200)
})

test('the usual large heads are served', async () => {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: chatBody('mock/m'), headers: { authorization: `Bearer ${'j'.repeat(3_000)}` } })
  assert.equal(response.status, 200)
})

test('garbage, TLS hellos and half requests leave the gateway as it was', async () => {
  const hello = Buffer.from('16030100c8010000c40303', 'hex')
  const garbage = [hello, Buffer.alloc(4096), Buffer.from('\r\n\r\n\r\n'), Buffer.from('GET'), Buffer.from('GET / HTTP/1.1\r\nHo'), Buffer.from(chatRequest('mock/m').slice(0, -5))]
  await Promise.all(garbage.map((bytes) => sendRaw(port, [bytes], { quietMs: 200 })))
  await gateway.whenIdle()
  assert.equal((await fetch(`${gateway.url}/health`)).status, 200)
})

test('an answer that takes longer than the server\'s idle timeout of 10 s arrives, unary and streamed', async () => {
  const pauseMs = 12_500
  const chunk = (delta: object, finish: string | null): string => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
  upstream.answer = (response, { body }) => {
    if (!body.includes('"stream":true')) {
      setTimeout(() => { sendJson(response, 200, chatAnswer) }, pauseMs)
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(chunk({ content: 'before' }, null))
    setTimeout(() => { response.end(`${chunk({ content: 'after' }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`) }, pauseMs)
  }
  const [unary, streamed] = await Promise.all([{}, { stream: true }].map(async (more) => {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: chatBody('openai/m', more) })
    return response.text()
  }))
  assert.ok(String(unary).includes('"content":"Hello"'))
  assert.match(String(streamed), /before.*after.*\[DONE\]/s)
})

test('the gateway is still the same process, idle, and serves', async () => {
  assert.equal(process.pid, pid)
  await eventually(() => gateway.load().exchanges === 0, 'all exchanges are over')
  assert.equal((await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: jsonOf('mock/m') })).status, 200)
})
