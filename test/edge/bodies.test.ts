import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { startCaptureUpstream } from '../sdk/capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'
import { jsonOf, sendRaw, statusesOf } from './raw-socket.ts'

/** Bodies that are too large, too deep, not JSON or not a request. None of them may reach the upstream. */
const upstream = await startCaptureUpstream({ after })
const gateway = await startTestGateway({ after }, {
  client: { max_request_body_size_mb: 1 },
  providers: { openai: { keys: [{ value: 'sk' }], network_config: { base_url: upstream.url } }, mock: {} }
})
const port = Number(new URL(gateway.url).port)
const bytesMax = 1024 * 1024
/** What the two sockets and the server may hold beyond the limit before the sender notices. */
const inFlightBytesMax = 24 * 1024 * 1024

interface ErrorAnswer { status: number, code: string, message: string, param: string | null }

async function post (body: string | Buffer, path = '/v1/chat/completions'): Promise<ErrorAnswer> {
  const response = await fetch(`${gateway.url}${path}`, { method: 'POST', body })
  const { error } = await response.json() as { error: ErrorAnswer }
  return { ...error, status: response.status }
}

/** Sends `head` and then pieces for as long as the gateway takes them, up to `bytesLimit`. */
function pour (head: string, piece: string, bytesLimit: number): Promise<{ sentBytes: number, text: string, closed: boolean }> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let sentBytes = 0
    let text = ''
    let over = false
    const done = (closed: boolean): void => {
      if (over) return
      over = true
      socket.destroy()
      resolve({ sentBytes, text, closed })
    }
    const more = (): void => {
      while (sentBytes < bytesLimit) {
        if (over) return
        sentBytes += piece.length
        if (!socket.write(piece)) return
      }
      done(false)
    }
    socket.on('connect', () => { socket.write(head, more) })
    socket.on('drain', more)
    socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') })
    for (const event of ['end', 'error', 'close']) socket.on(event, () => { done(true) })
  })
}

test('a body at the limit is served, one byte more is 413', async () => {
  const frame = jsonOf('mock/m').replace('"x"', '""')
  const fill = (bytes: number): string => frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`)
  const served = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: fill(bytesMax) })
  assert.equal(served.status, 200)
  const refused = await post(fill(bytesMax + 1))
  assert.deepEqual([refused.status, refused.code], [413, 'BIFROST_BODY_TOO_LARGE'])
  assert.match(refused.message, /client\.max_request_body_size_mb \(1048576 bytes\)/)
})

test('a Content-Length over the limit is 413 before any of the body is there', async () => {
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytesMax + 1}\r\n\r\n`
  const { text, closed } = await sendRaw(port, [head], { quietMs: 2_000 })
  assert.deepEqual([statusesOf(text), closed], [[413], true])
  assert.match(text, /\r\nconnection: close\r\n/i)
})

test('a large body with Content-Length is cut off and not read to its end', async (t) => {
  const total = 512 * 1024 * 1024
  const { sentBytes, closed } = await pour(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${total}\r\n\r\n`, 'x'.repeat(64 * 1024), total)
  assert.ok(closed)
  t.diagnostic(`${sentBytes} bytes were sent`)
  assert.ok(sentBytes < inFlightBytesMax, `${sentBytes} bytes were taken`)
})

test('a chunked body is cut off soon after the limit', async (t) => {
  const total = 512 * 1024 * 1024
  const { sentBytes, closed } = await pour('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n', `10000\r\n${'x'.repeat(0x10000)}\r\n`, total)
  assert.ok(closed)
  t.diagnostic(`${sentBytes} bytes were sent`)
  assert.ok(sentBytes < inFlightBytesMax, `${sentBytes} bytes were taken`)
})

test('a body to a route that takes none is not read', async () => {
  const total = 512 * 1024 * 1024
  for (const target of ['POST /nowhere', 'POST /health']) {
    const { sentBytes, closed } = await pour(`${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${total}\r\n\r\n`, 'x'.repeat(64 * 1024), total)
    assert.ok(closed)
    assert.ok(sentBytes < inFlightBytesMax, `${target}: ${sentBytes} bytes were taken`)
  }
})

const notJson = ['', ' ', '{', '[]', '"text"', '5', 'null', '{"model":}', '{"model":"a",}', "{'model':'a'}", '{"a":NaN}', '{"a":01}', '{"a":1}}', '{"a":"\n"}', '{"a":"\\x"}', '{"a":tru}', '\u0000', '{"model":"mock/m","messages":[]} x']

test('what is not a JSON object is 400 BIFROST_INVALID_JSON and says where', async () => {
  for (const text of notJson) {
    const { status, code, message } = await post(text)
    assert.deepEqual([status, code], [400, 'BIFROST_INVALID_JSON'], JSON.stringify(text))
    assert.match(message, /at byte \d+/)
  }
})

const wrong: ReadonlyArray<[string, object, string]> = [
  ['/v1/chat/completions', { messages: [] }, 'model'],
  ['/v1/chat/completions', { model: '', messages: [] }, 'model'],
  ['/v1/chat/completions', { model: null, messages: [] }, 'model'],
  ['/v1/chat/completions', { model: 5, messages: [] }, 'model'],
  ['/v1/chat/completions', { model: ['mock/m'], messages: [] }, 'model'],
  ['/v1/chat/completions', { model: { a: 1 }, messages: [] }, 'model'],
  ['/v1/chat/completions', { model: `mock/${'m'.repeat(300)}`, messages: [] }, 'model'],
  ['/v1/chat/completions', { model: 'mock/m\r\nx-evil: 1', messages: [] }, 'model'],
  ['/v1/chat/completions', { model: 'mock/m\u0000', messages: [] }, 'model'],
  ['/v1/chat/completions', { model: 'mock/m' }, 'messages'],
  ['/v1/chat/completions', { model: 'mock/m', messages: 'hi' }, 'messages'],
  ['/v1/chat/completions', { model: 'mock/m', messages: {} }, 'messages'],
  ['/v1/chat/completions', { model: 'mock/m', messages: null }, 'messages'],
  ['/v1/chat/completions', { model: 'mock/m', messages: [], stream: 'true' }, 'stream'],
  ['/v1/chat/completions', { model: 'mock/m', messages: [], stream: 1 }, 'stream'],
  ['/v1/completions', { model: 'mock/m' }, 'prompt'],
  ['/v1/embeddings', { model: 'mock/m' }, 'input'],
  ['/v1/embeddings', { model: 'mock/m', input: 'x', encoding_format: 5 }, 'encoding_format'],
  ['/v1/responses', { model: 'mock/m' }, 'input']
]

test('a missing or wrong member is 400 and named in param', async () => {
  for (const [path, body, param] of wrong) {
    const answer = await post(JSON.stringify(body), path)
    assert.deepEqual([answer.status, answer.param], [400, param], JSON.stringify(body).slice(0, 80))
    assert.match(answer.message, new RegExp(param))
  }
  const twice = await post('{"model":"mock/a","model":"mock/b","messages":[]}')
  assert.deepEqual([twice.status, twice.code], [400, 'BIFROST_INVALID_REQUEST'])
})

test('depth and number of keys are bounded: refused with 400, and quickly', async () => {
  const nested = (depth: number): string => `{"model":"mock/m","messages":[],"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
  const keys = (count: number): string => `{"model":"mock/m","messages":[],"x":{${Array.from({ length: count - 3 }, () => '"a":1').join(',')}}}`
  const cases: ReadonlyArray<[string, number]> = [[nested(128), 200], [nested(129), 400], [nested(400_000), 400], [keys(100_000), 200], [keys(100_001), 400], ['{"a":'.repeat(200_000), 400]]
  for (const [body, status] of cases) {
    const startMs = performance.now()
    const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body })
    const text = await response.text()
    assert.equal(response.status, status, text.slice(0, 200))
    if (status === 400) assert.match(text, /BIFROST_BODY_TOO_COMPLEX/)
    assert.ok(performance.now() - startMs < 1_000)
  }
})

test('__proto__ and constructor keys are data: passed on as they are and without effect here', async () => {
  const attack = '{"model":"openai/m","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"messages":[{"role":"user","__proto__":{"polluted":1},"content":"x"}],"stream_options":{"__proto__":{"polluted":1}}}'
  const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: attack })
  assert.equal(response.status, 200)
  assert.equal(upstream.requests.at(-1)?.body, attack.replace('openai/m', 'm'))
  for (const model of ['mock/__proto__', 'openai/constructor', '__proto__/x', '__proto__', 'constructor', 'mock/toString']) {
    for (const path of ['/v1/chat/completions', '/v1/embeddings']) {
      const answer = await fetch(`${gateway.url}${path}`, { method: 'POST', body: `{"model":"${model}","messages":[],"input":{"__proto__":{"polluted":1}}}` })
      assert.ok([200, 400].includes(answer.status), `${model}: ${answer.status}`)
      assert.ok(!(await answer.text()).includes('polluted'))
    }
  }
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  for (const path of ['/__proto__', '/constructor', '/v1/toString', '/v1/models?provider=__proto__']) assert.ok((await fetch(gateway.url + path)).status < 500)
})

test('none of this reached the upstream but what was valid, and the gateway is idle', async () => {
  // GET /v1/models asks it, too, for what it has.
  assert.ok(upstream.requests.filter(({ method }) => method === 'POST').every(({ body }) => body.includes('"model":"m"') || body.includes('"model":"constructor"')))
  await gateway.whenIdle()
  assert.equal((await fetch(`${gateway.url}/health`)).status, 200)
})
