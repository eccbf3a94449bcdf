import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { startProxy } from '../helpers/proxy.ts'
import { credentials, startMicrosocks, startTinyproxy } from '../helpers/real-proxies.ts'
import type { RealProxy } from '../helpers/real-proxies.ts'
import { wholeReply, wholeStream, withoutExtraFields } from '../helpers/sse.ts'
import { cert, key } from '../helpers/tls-fixture.ts'

const answer: RequestListener = (request, response) => {
  let text = ''
  request.on('data', (chunk: Buffer) => { text += chunk.toString() })
  request.on('end', () => {
    const { stream } = JSON.parse(text) as { stream?: boolean }
    response.setHeader('content-type', stream === true ? 'text/event-stream' : 'application/json').end(stream === true ? wholeStream : wholeReply)
  })
}

interface Vendor { url: string, connections: () => number, target: string }

async function startVendor (t: TestContext, protocol: 'http' | 'https'): Promise<Vendor> {
  const server: Server = protocol === 'https' ? createTlsServer({ cert, key }, answer) : createServer(answer)
  let connections = 0
  server.on('connection', () => { connections++ })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const target = `localhost:${(server.address() as AddressInfo).port}`
  return { url: `${protocol}://${target}`, target, connections: () => connections }
}

const startGateway = (t: TestContext, url: string, proxy: object, network: object = {}): Promise<TestGateway> =>
  startTestGateway(t, { providers: { up: { ...upstreamProvider(url, { network: { ca_cert_pem: cert, max_retries: 0, ...network } }), proxy_config: proxy } } })

const ask = (gateway: TestGateway, more: object = {}): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: chatBody('up/m', more) })

async function messageOf (response: Response): Promise<string> {
  return ((await response.json()) as { error: { message: string } }).error.message
}

const proxies: [string, 'http' | 'socks5', (t: TestContext) => Promise<RealProxy>, Record<'password' | 'target', RegExp>][] = [
  ['an HTTP proxy', 'http', startTinyproxy, { password: /: the proxy answered 40[17]\.$/, target: /: the proxy answered 5\d\d\.$/ }],
  ['a SOCKS 5 proxy', 'socks5', startMicrosocks, { password: /: the proxy cannot be used: Socks5 Authentication failed\.$/, target: /: the proxy cannot be used: Socks5 proxy rejected connection - ConnectionRefused\.$/ }]
]

for (const [name, type, start, messages] of proxies) {
  for (const protocol of ['http', 'https'] as const) {
    test(`requests and streams go through ${name} to an ${protocol} provider, over one connection`, async (t) => {
      const [vendor, proxy] = [await startVendor(t, protocol), await start(t)]
      const gateway = await startGateway(t, vendor.url, { type, url: proxy.url, ...credentials })
      for (let turn = 0; turn < 3; turn++) {
        assert.equal(withoutExtraFields(await (await ask(gateway)).text()), wholeReply)
        assert.equal(withoutExtraFields(await (await ask(gateway, { stream: true, stream_options: {} })).text()), wholeStream)
      }
      assert.deepEqual([proxy.targets(), vendor.connections()], [[vendor.target], 1])
    })
  }

  test(`${name} that refuses the password, cannot reach the provider or is not there is named`, async (t) => {
    const [vendor, proxy] = [await startVendor(t, 'https'), await start(t)]
    const wrong = await ask(await startGateway(t, vendor.url, { type, url: proxy.url, username: credentials.username, password: 'CANARY' }))
    assert.equal(wrong.status, 502)
    assert.match(await messageOf(wrong), messages.password)
    const unreachable = await ask(await startGateway(t, 'https://127.0.0.1:1', { type, url: proxy.url, ...credentials }))
    assert.equal(unreachable.status, 502)
    assert.match(await messageOf(unreachable), messages.target)
    const missing = await ask(await startGateway(t, vendor.url, { type, url: `${type}://127.0.0.1:1`, ...credentials }))
    assert.equal(missing.status, 502)
    assert.match(await messageOf(missing), /^Could not connect to up at https:\/\/localhost:\d+: the proxy cannot be used: ECONNREFUSED\.$/)
    assert.equal(vendor.connections(), 0)
  })
}

test('an https proxy with a certificate of its own is used where the config vouches for it', async (t) => {
  const [vendor, proxy] = [await startVendor(t, 'https'), await startProxy(t, { tls: { cert, key } })]
  const proxyConfig = { type: 'http', url: proxy.url, ...credentials }
  const strict = await ask(await startGateway(t, vendor.url, proxyConfig))
  assert.equal(strict.status, 502)
  assert.match(await messageOf(strict), /: the proxy cannot be used: (DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT)/)
  const trusting = await ask(await startGateway(t, vendor.url, { ...proxyConfig, ca_cert_pem: cert }))
  assert.equal(withoutExtraFields(await trusting.text()), wholeReply)
  assert.deepEqual(proxy.asked, [{ target: vendor.target, authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}` }])
})

test('a proxy that says nothing is a connect timeout, and the gateway is idle after it', async (t) => {
  const [vendor, proxy] = [await startVendor(t, 'https'), await startProxy(t, { onConnect: () => {} })]
  const gateway = await startGateway(t, vendor.url, { type: 'http', url: proxy.url }, { connect_timeout_in_seconds: 0.2 })
  const response = await ask(gateway)
  assert.equal(response.status, 504)
  assert.match(await messageOf(response), /connect_timeout_in_seconds/)
  await gateway.whenIdle()
})
