import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { ok } from '../helpers/faults.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent } from '../helpers/sse.ts'
import { createSignal, eventually } from '../helpers/wait.ts'

interface Setup {
  gateway: TestGateway
  ask: (model: string, more?: object) => Promise<ClientResponse>
  restarts: (reason: string) => Promise<number>
  /** Ends the stream that the other provider had open all the time, and checks that it is whole. */
  checkOther: () => Promise<void>
}

async function start (t: TestContext, mock: object = {}): Promise<Setup> {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    if (exchange.json.model !== 'held') return ok(exchange)
    exchange.openStream()
    void exchange.write(contentEvent('first'))
    await gate.promise
    void exchange.write(finishEvent() + doneEvent)
    exchange.end()
  })
  const gateway = await startTestGateway(t, {
    providers: {
      other: upstreamProvider(upstream.url),
      mock: { mock: { thread_faults: true, ...mock }, max_heap_mb: 32, threads: 1, concurrency_and_buffer_size: { concurrency: 100, buffer_size: 100 } }
    }
  })
  const ask = async (model: string, more: object = {}): Promise<ClientResponse> => {
    const client = await RawClient.connect(gateway.port)
    t.after(() => { client.socket.destroy() })
    const response = await client.chat(chatBody(model, more))
    await response.end(30_000)
    return response
  }
  // A stream of the other provider is open while the mock's threads die.
  const witness = await RawClient.connect(gateway.port)
  t.after(() => { witness.socket.destroy() })
  const held = await witness.chat(chatBody('other/held', { stream: true }))
  await held.until('"content":"first"')
  const checkOther = async (): Promise<void> => {
    gate.resolve()
    assert.equal(await held.end(), 'complete')
    assert.ok(held.text.endsWith(doneEvent), 'the other provider noticed nothing')
    assert.equal(await gateway.metric('bifrost_thread_restarts_total', { provider: 'other' }), 0)
    await gateway.whenIdle()
  }
  return { gateway, ask, checkOther, restarts: (reason) => gateway.metric('bifrost_thread_restarts_total', { provider: 'mock', reason }) }
}

const deaths: [model: string, reason: string][] = [['exit-thread', 'exit'], ['throw-thread', 'exit'], ['exhaust-heap', 'out_of_memory'], ['spin-thread', 'unresponsive']]
for (const [model, reason] of deaths) {
  for (const stream of [false, true]) {
    test(`a request that ends its thread twice (${model}, ${stream ? 'streamed' : 'unary'}) is 502 worker_lost, the thread is replaced and others notice nothing`, { timeout: 60_000 }, async (t) => {
      const { gateway, ask, restarts, checkOther } = await start(t)
      assert.equal((await ask('mock/m')).status, 200)
      const dying = ask(`mock/${model}`, { stream })
      const others = Array.from({ length: 20 }, () => ask('other/m'))
      for (const response of await Promise.all(others)) assert.equal(response.status, 200)
      const response = await dying
      assert.equal(response.status, 502)
      assert.equal(response.json.error.type, 'worker_lost')
      assert.match(response.json.error.message, new RegExp(`mock .*\\(${reason}\\)`))
      assert.equal(await restarts(reason), 2, 'tried again once')
      assert.equal((await ask('mock/m')).status, 200)
      assert.equal(await gateway.metric('bifrost_in_flight', { provider: 'mock' }), 0)
      await checkOther()
    })
  }
}

test('requests that share a dying thread are tried again, and each gets exactly one answer', { timeout: 60_000 }, async (t) => {
  const { ask, restarts, gateway, checkOther } = await start(t, { latency_ms: 100 })
  assert.equal((await ask('mock/m')).status, 200)
  const bystanders = Array.from({ length: 50 }, (_, index) => ask('mock/m', { stream: index % 2 === 0 }))
  await eventually(() => gateway.load().jobs === 51, 'all are in the thread')
  const killer = await ask('mock/exit-thread')
  assert.equal(killer.status, 502)
  const statuses = (await Promise.all(bystanders)).map(({ status }) => status)
  for (const status of statuses) assert.ok(status === 200 || status === 502, `${status}`)
  assert.equal(await restarts('exit'), 2)
  await checkOther()
})

test('a stream that has begun when its thread ends is cut with an in-band error and not begun again', { timeout: 60_000 }, async (t) => {
  const { gateway, ask, checkOther } = await start(t, { tokens_per_second: 5, tokens: 50 })
  const client = await RawClient.connect(gateway.port)
  t.after(() => { client.socket.destroy() })
  const response = await client.chat(chatBody('mock/m', { stream: true }))
  await response.until('"content"')
  assert.equal((await ask('mock/exit-thread')).status, 502)
  assert.equal(await response.end(), 'complete')
  assert.match(response.text, /"type":"worker_lost"/)
  assert.ok(!response.text.includes('[DONE]'))
  assert.equal(response.text.match(/"role":"assistant"/g)?.length, 1)
  await checkOther()
})
