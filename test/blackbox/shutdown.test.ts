import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { FaultUpstream, Script } from '../helpers/fault-upstream.ts'
import { faults, ok } from '../helpers/faults.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent, wholeReply, wholeStream, withoutExtraFields } from '../helpers/sse.ts'
import { createSignal, within } from '../helpers/wait.ts'
import type { Signal } from '../helpers/wait.ts'

/** A stream whose end waits for the gate. */
function gatedStream (gate: Signal): Script {
  return async (exchange) => {
    if (exchange.json.stream !== true) return ok(exchange)
    exchange.openStream()
    void exchange.write(contentEvent('first'))
    await gate.promise
    void exchange.write(finishEvent() + doneEvent)
    exchange.end()
  }
}

async function start (t: TestContext, script: Script, timeoutSeconds = 5): Promise<{ upstream: FaultUpstream, gateway: TestGateway, connect: () => Promise<RawClient> }> {
  const upstream = await startFaultUpstream(t, script)
  const gateway = await startTestGateway(t, { client: { shutdown_timeout_in_seconds: timeoutSeconds }, providers: { up: upstreamProvider(upstream.url) } })
  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.connect(gateway.port)
    t.after(() => { client.socket.destroy() })
    return client
  }
  return { upstream, gateway, connect }
}

test('an open stream ends in good order, meanwhile new requests are refused and new connections too', async (t) => {
  const gate = createSignal()
  const { gateway, connect } = await start(t, gatedStream(gate))
  const [streaming, idle, asking] = await Promise.all([connect(), connect(), connect()])
  assert.equal((await idle.chat(chatBody('up/m'))).status, 200)
  const stream = await streaming.chat(chatBody('up/m', { stream: true }))
  await stream.until('first')

  const closed = gateway.close()
  const refused = await asking.chat(chatBody('up/m'))
  assert.equal(refused.status, 503)
  assert.equal(refused.headers.connection, 'close')
  await refused.end()
  assert.equal(refused.json.error.type, 'shutting_down')
  await within(asking.closed, 'the refused connection closes')
  await assert.rejects(RawClient.connect(gateway.port), { code: 'ECONNREFUSED' })
  const ready = await idle.request('GET', '/health/ready')
  assert.equal(ready.status, 503)

  gate.resolve()
  assert.equal(await stream.end(), 'complete')
  assert.ok(stream.text.endsWith(doneEvent))
  await within(closed, 'the gateway closes')
  await within(idle.closed, 'the idle connection closes')
  assert.deepEqual(gateway.load(), { exchanges: 0, jobs: 0 })
})

test('a unary answer in progress says that its connection closes', async (t) => {
  const gate = createSignal()
  const { upstream, gateway, connect } = await start(t, async (exchange) => {
    await gate.promise
    await ok(exchange)
  })
  const client = await connect()
  const head = client.chat(chatBody('up/m'))
  await upstream.whenRequests(1)
  const closed = gateway.close()
  gate.resolve()
  const response = await head
  assert.equal(response.status, 200)
  assert.equal(response.headers.connection, 'close')
  assert.equal(await response.end(), 'complete')
  await within(closed, 'the gateway closes')
})

for (const stream of [false, true]) {
  test(`a large answer that the client is still reading is not cut off (${stream ? 'streamed' : 'unary'})`, { timeout: 60_000 }, async (t) => {
    const text = 'x'.repeat(16 * 1024)
    const large = wholeReply.replace('"Hello"', `"${text.repeat(1024)}"`)
    const { gateway, connect } = await start(t, async (exchange) => {
      if (!stream) return exchange.answer(200, large)
      exchange.openStream()
      for (let index = 0; index < 1024; index++) await exchange.write(contentEvent(text))
      await exchange.write(finishEvent() + doneEvent)
      exchange.end()
    })
    const client = await connect()
    const response = await client.chat(chatBody('up/m', { stream }))
    client.socket.pause()
    const closed = gateway.close()
    let tail = response.text
    let bytes = tail.length
    response.onBody = (chunk) => {
      bytes += chunk.length
      tail = (tail + chunk.toString('latin1')).slice(-64)
    }
    // A client that takes its time is not a client that does not read.
    setTimeout(() => { client.socket.resume() }, 300)
    assert.equal(await response.end(), 'complete')
    assert.ok(bytes > 16 * 1024 * 1024)
    assert.ok(stream ? tail.endsWith(doneEvent) : tail.endsWith('}}'))
    await within(closed, 'the gateway closes')
  })
}

test('a stream that begins after the shutdown has, says so in its head and is whole', async (t) => {
  const gate = createSignal()
  const { upstream, gateway, connect } = await start(t, async (exchange) => {
    await gate.promise
    await ok(exchange)
  })
  const client = await connect()
  const head = client.chat(chatBody('up/m', { stream: true }))
  await upstream.whenRequests(1)
  const closed = gateway.close()
  gate.resolve()
  const response = await head
  assert.equal(response.headers.connection, 'close')
  assert.equal(await response.end(), 'complete')
  assert.equal(withoutExtraFields(response.text), wholeStream)
  await within(closed, 'the gateway closes')
})

test('a stream that does not end is cut when the shutdown timeout is over', async (t) => {
  const { upstream, gateway, connect } = await start(t, faults.stall(contentEvent('first')), 0.5)
  const client = await connect()
  const stream = await client.chat(chatBody('up/m', { stream: true }))
  await stream.until('first')
  const startedAtMs = performance.now()
  await within(gateway.close(), 'the gateway closes', 3_000)
  const tookMs = performance.now() - startedAtMs
  assert.ok(tookMs > 480 && tookMs < 1_500, `took ${tookMs} ms`)
  assert.equal(await stream.end(), 'cut')
  assert.ok(!stream.text.includes('[DONE]'))
  await within(new Promise<void>((resolve) => {
    const look = (): void => { if (upstream.openSockets === 0) resolve(); else setImmediate(look) }
    look()
  }), 'the upstream connection closes')
})

test('closing at rest is quick, and closing twice is closing once', async (t) => {
  const { gateway, connect } = await start(t, ok)
  const idle = await connect()
  assert.equal((await idle.chat(chatBody('up/m'))).status, 200)
  const startedAtMs = performance.now()
  const [first, second] = [gateway.close(), gateway.close()]
  assert.equal(first, second)
  await first
  assert.ok(performance.now() - startedAtMs < 1_000)
  await within(idle.closed, 'the idle connection closes')
})

test('closing before the first request, when no thread has started, works too', async (t) => {
  const { gateway } = await start(t, ok)
  await within(gateway.close(), 'the gateway closes', 1_000)
})
