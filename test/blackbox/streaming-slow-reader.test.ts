import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { FaultExchange } from '../helpers/fault-upstream.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent, withoutExtraFields } from '../helpers/sse.ts'
import { eventually, pause } from '../helpers/wait.ts'

const mib = 1024 * 1024
const eventCount = 6_000
/** 97 events take turns, so that two of them in the wrong order show. Made once: the upstream shares its memory with the gateway. */
const events = Array.from({ length: 97 }, (_, index) => Buffer.from(contentEvent(`${index} ${'x'.repeat(16 * 1024)}`)))
const eventAt = (index: number): Buffer => events[index % events.length] as Buffer
const last = Buffer.from(finishEvent() + doneEvent)
const streamBytes = (count: number): number => Array.from({ length: count }, (_, index) => eventAt(index).length).reduce((sum, size) => sum + size, last.length)

interface Stuck {
  gateway: TestGateway
  client: RawClient
  response: ClientResponse
  exchange: FaultExchange
  /** Growth of the process since a first, shorter stream, after which heaps have found their size; in bytes. */
  rssGrowth: () => number
}

/** A stream of 98 MB whose client has stopped reading and whose upstream has stopped sending because of it. */
async function stuckStream (t: TestContext, config: { client?: object, network?: object }): Promise<Stuck> {
  let begun: FaultExchange | null = null
  const upstream = await startFaultUpstream(t, async (exchange) => {
    const count = exchange.json.warm === true ? 1_500 : eventCount
    begun = exchange
    exchange.openStream(streamBytes(count))
    for (let index = 0; index < count && !exchange.socket.destroyed; index++) await exchange.write(eventAt(index))
    await exchange.write(last)
    exchange.end()
    // The windows of a connection grow with what has gone over it.
    if (exchange.json.warm === true) exchange.socket.end()
  })
  const gateway = await startTestGateway(t, { client: config.client, providers: { up: upstreamProvider(upstream.url, { network: config.network }) } })
  const warmUp = await RawClient.connect(gateway.port)
  await (await warmUp.chat(chatBody('up/m', { stream: true, warm: true }))).end()
  warmUp.socket.destroy()
  const client = await RawClient.connect(gateway.port)
  t.after(() => { client.socket.destroy() })
  const rssBefore = process.memoryUsage.rss()
  const response = await client.chat(chatBody('up/m', { stream: true }))
  client.socket.pause()
  const exchange = begun as unknown as FaultExchange
  await standsStill(exchange)
  return { gateway, client, response, exchange, rssGrowth: () => process.memoryUsage.rss() - rssBefore }
}

/** Resolves when the kernel has taken nothing from the upstream for 200 ms. */
async function standsStill (exchange: FaultExchange): Promise<void> {
  let before = -1
  let sinceMs = 0
  await eventually(() => {
    if (exchange.acceptedBytes !== before) {
      before = exchange.acceptedBytes
      sinceMs = performance.now()
    }
    return performance.now() - sinceMs > 200
  }, 'the upstream is paused')
}

test('a client that stops reading pauses the upstream, costs no memory, and gets every byte once it reads again', { timeout: 60_000 }, async (t) => {
  const { gateway, client, response, exchange, rssGrowth } = await stuckStream(t, { network: { stream_idle_timeout_in_seconds: 0.3 } })
  const accepted = exchange.acceptedBytes
  // Send and receive buffers of two loopback connections hold what is under way; the gateway holds less than 1 MiB of it.
  assert.ok(accepted < 20 * mib, `the upstream could send ${accepted} bytes`)
  await pause(800)
  assert.equal(exchange.acceptedBytes, accepted, 'still paused')
  assert.equal(gateway.load().jobs, 1, 'the idle timeout of 0.3 s does not run while the client is the one who is slow')
  t.diagnostic(`upstream sent ${(accepted / mib).toFixed(1)} of ${(streamBytes(eventCount) / mib).toFixed(1)} MiB while the client read nothing, RSS grew by ${(rssGrowth() / mib).toFixed(1)} MiB`)
  // A gateway that buffers would hold the other 85 MiB.
  assert.ok(rssGrowth() < 32 * mib, `RSS grew by ${rssGrowth()}`)

  const received = createHash('sha256')
  let rest = response.text
  response.onBody = (bytes) => {
    rest += bytes.toString('latin1')
    const end = rest.lastIndexOf('\n\n') + 2
    if (end < 2) return
    received.update(withoutFlushes(rest.slice(0, end)))
    rest = rest.slice(end)
  }
  client.socket.resume()
  assert.equal(await response.end(30_000), 'complete')
  const expected = createHash('sha256')
  for (let index = 0; index < eventCount; index++) expected.update(eventAt(index))
  expected.update(last)
  assert.equal(received.digest('hex'), expected.digest('hex'))
})

test('a client that reads nothing for longer than slow_client_timeout_in_seconds is cut, and its upstream with it', { timeout: 60_000 }, async (t) => {
  const { gateway, client, exchange } = await stuckStream(t, { client: { slow_client_timeout_in_seconds: 0.5 } })
  await exchange.closed
  await gateway.whenIdle()
  client.socket.resume()
  await client.closed
  assert.equal(await gateway.metric('bifrost_error_requests_total', { provider: 'up', error_type: 'slow_client' }), 1)
  assert.equal(await gateway.metric('bifrost_in_flight'), 0)
})

test('a client that reads slowly but steadily is not cut', { timeout: 60_000 }, async (t) => {
  const { client, response } = await stuckStream(t, { client: { slow_client_timeout_in_seconds: 0.5 } })
  let bytes = 0
  response.onBody = (chunk) => {
    bytes += chunk.length
    // A pause after every 4 MiB, shorter than the limit.
    if (Math.floor(bytes / (4 * mib)) === Math.floor((bytes - chunk.length) / (4 * mib))) return
    client.socket.pause()
    setTimeout(() => { client.socket.resume() }, 100)
  }
  client.socket.resume()
  assert.equal(await response.end(30_000), 'complete')
  assert.ok(bytes > streamBytes(eventCount))
})

/** The events without `extra_fields` and without the comments that the gateway sends to flush. */
function withoutFlushes (events: string): string {
  return withoutExtraFields(events.replaceAll(/^:\n/gm, ''))
}
