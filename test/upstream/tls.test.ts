import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { contentEvent, doneEvent, finishEvent, wholeReply, withoutExtraFields } from '../helpers/sse.ts'
import { cert, key } from '../helpers/tls-fixture.ts'

async function start (t: TestContext, listener: RequestListener, network: object): Promise<TestGateway> {
  const server = createServer({ cert, key }, listener)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const gateway = await startTestGateway(t, { providers: { up: upstreamProvider(`https://localhost:${(server.address() as AddressInfo).port}`, { network }) } })
  t.after(() => { server.close() })
  return gateway
}

const ask = (gateway: TestGateway, more: object = {}): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: chatBody('up/m', more) })

test('answers of every size come whole over TLS, on one connection after the other request', async (t) => {
  let text = ''
  const gateway = await start(t, (request, response) => {
    request.resume().on('end', () => { response.setHeader('content-type', 'application/json').end(text) })
  }, { ca_cert_pem: cert })
  for (const size of [10, 16 * 1024, 64 * 1024, 3 * 1024 * 1024]) {
    text = wholeReply.replace('"Hello"', JSON.stringify('0123456789'.repeat(size / 10)))
    const response = await ask(gateway)
    assert.equal(response.status, 200)
    assert.ok(withoutExtraFields(await response.text()) === text, `${size} characters`)
  }
})

test('a stream comes whole over TLS, also where records end in the middle of events', async (t) => {
  const events = Array.from({ length: 2_000 }, (_, index) => contentEvent(`word ${index} `)).join('') + finishEvent() + doneEvent
  const gateway = await start(t, (request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'text/event-stream')
      for (let at = 0; at < events.length; at += 777) response.write(events.slice(at, at + 777))
      response.end()
    })
  }, { ca_cert_pem: cert })
  assert.ok(withoutExtraFields(await (await ask(gateway, { stream: true, stream_options: {} })).text()) === events)
})

test('a certificate that nobody vouches for is refused, unless the config says otherwise', async (t) => {
  const listener: RequestListener = (request, response) => { request.resume().on('end', () => { response.setHeader('content-type', 'application/json').end(wholeReply) }) }
  const strict = await ask(await start(t, listener, {}))
  assert.equal(strict.status, 502)
  assert.match(await strict.text(), /Could not connect to up at https:\/\/localhost:\d+: (DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT)/)
  assert.equal((await ask(await start(t, listener, { insecure_skip_verify: true }))).status, 200)
})

// Only some systems have a second loopback address without further ado.
test('a certificate for another host is refused at once every time, not only the first', { skip: process.platform === 'darwin' }, async (t) => {
  const server = createServer({ cert, key })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.2', resolve) })
  t.after(() => { server.close() })
  const gateway = await startTestGateway(t, { providers: { up: upstreamProvider(`https://127.0.0.2:${(server.address() as AddressInfo).port}`, { network: { ca_cert_pem: cert } }) } })
  for (let turn = 0; turn < 3; turn++) {
    const response = await ask(gateway)
    assert.match(await response.text(), /ERR_TLS_CERT_ALTNAME_INVALID/)
    assert.equal(response.status, 502)
  }
})
