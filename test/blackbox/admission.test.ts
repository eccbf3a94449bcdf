import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { faults, ok } from '../helpers/faults.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { createSignal, eventually } from '../helpers/wait.ts'

/** Asks once on a connection of its own. */
async function ask (t: TestContext, port: number, body: string): Promise<ClientResponse> {
  const client = await RawClient.connect(port)
  t.after(() => { client.socket.destroy() })
  const response = await client.chat(body)
  await response.end(60_000)
  return response
}

for (const threads of [1, 2]) {
  test(`2,000 parallel requests never have more than 7 in progress, over ${threads} threads, and all are answered`, { timeout: 120_000 }, async (t) => {
    const upstream = await startFaultUpstream(t, faults.latency(1))
    const gateway = await startTestGateway(t, { providers: { up: upstreamProvider(upstream.url, { concurrency: 7, bufferSize: 7, threads }) } })
    const responses = await Promise.all(Array.from({ length: 2_000 }, (_, index) => ask(t, gateway.port, chatBody('up/m', { stream: index % 2 === 0 }))))
    assert.equal(responses.filter((response) => response.status === 200).length, 2_000)
    assert.equal(upstream.inFlightMax, 7)
    assert.equal(upstream.requestCount, 2_000)
    assert.ok(upstream.acceptedSockets <= 7 * threads, `${upstream.acceptedSockets} connections`)
    await gateway.whenIdle()
    for (const gauge of ['bifrost_queue_depth', 'bifrost_queue_blocked', 'bifrost_in_flight', 'bifrost_requests_dropped_total']) assert.equal(await gateway.metric(gauge), 0, gauge)
  })
}

test('with drop_excess_requests exactly concurrency plus buffer are taken and every other request is 503 at once', { timeout: 60_000 }, async (t) => {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    await gate.promise
    await ok(exchange)
  })
  const gateway = await startTestGateway(t, {
    client: { drop_excess_requests: true },
    providers: { up: upstreamProvider(upstream.url, { concurrency: 7, bufferSize: 20, threads: 2 }) }
  })
  const all = Array.from({ length: 200 }, () => ask(t, gateway.port, chatBody('up/m')))
  let refused = 0
  for (const one of all) void one.then((response) => { if (response.status === 503) refused++ }, () => {})
  await eventually(() => refused === 200 - 27, 'all but 27 are refused')
  await upstream.whenRequests(7)
  assert.equal(await gateway.metric('bifrost_queue_depth', { provider: 'up' }), 20)
  assert.equal(await gateway.metric('bifrost_in_flight', { provider: 'up' }), 7)
  gate.resolve()
  const responses = await Promise.all(all)
  assert.equal(responses.filter(({ status }) => status === 200).length, 27)
  const dropped = responses.filter(({ status }) => status === 503)
  assert.equal(dropped.length, 173)
  for (const response of dropped) assert.equal(response.json.error.type, 'request_dropped')
  assert.equal(await gateway.metric('bifrost_requests_dropped_total', { provider: 'up' }), 173)
  assert.equal(upstream.inFlightMax, 7)
  assert.equal((await ask(t, gateway.port, chatBody('up/m'))).status, 200, 'room again')
})

test('without drop_excess_requests what does not fit the buffer waits, and is shown as blocked', async (t) => {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    await gate.promise
    await ok(exchange)
  })
  const gateway = await startTestGateway(t, { providers: { up: upstreamProvider(upstream.url, { concurrency: 2, bufferSize: 5 }) } })
  const all = Array.from({ length: 50 }, () => ask(t, gateway.port, chatBody('up/m')))
  await eventually(async () => await gateway.metric('bifrost_queue_blocked', { provider: 'up' }) === 43, '43 are blocked')
  assert.equal(await gateway.metric('bifrost_queue_depth', { provider: 'up' }), 5)
  gate.resolve()
  assert.deepEqual((await Promise.all(all)).map(({ status }) => status), new Array(50).fill(200))
})

test('requests whose clients leave while they wait never reach the upstream', { timeout: 60_000 }, async (t) => {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    await gate.promise
    await ok(exchange)
  })
  const gateway = await startTestGateway(t, { providers: { up: upstreamProvider(upstream.url, { concurrency: 3, bufferSize: 3 }) } })
  const clients = await Promise.all(Array.from({ length: 300 }, async () => await RawClient.connect(gateway.port)))
  t.after(() => { for (const client of clients) client.socket.destroy() })
  const statuses = clients.map((client, index) => client.chat(chatBody(`up/m-${index}`)).then((response) => response.status, () => 'gone' as const))
  await eventually(() => gateway.load().jobs === 300, 'all are inside')
  await upstream.whenRequests(3)
  const running = upstream.requests.map((request) => Number((JSON.parse(request.body.toString()) as { model: string }).model.slice(2)))
  // Everybody leaves but the three that run and every tenth.
  const stays = (index: number): boolean => running.includes(index) || index % 10 === 0
  for (const [index, client] of clients.entries()) if (!stays(index)) client.socket.destroy()
  const staying = clients.filter((_client, index) => stays(index)).length
  await eventually(() => gateway.load().jobs === staying, 'the others have left')
  gate.resolve()
  const answered = (await Promise.all(statuses)).map((status, index) => status === 200 ? index : -1).filter((index) => index >= 0)
  assert.deepEqual(answered, clients.map((_client, index) => index).filter(stays))
  assert.equal(upstream.requestCount, staying)
  assert.equal(upstream.inFlightMax, 3)
  await gateway.whenIdle()
})
