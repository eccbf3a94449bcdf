import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { FaultExchange, Script } from '../helpers/fault-upstream.ts'
import { ok } from '../helpers/faults.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { contentEvent, wholeReply } from '../helpers/sse.ts'
import { createSignal, within } from '../helpers/wait.ts'

/** The promise to users is 50 ms; a test on a busy machine allows more. In milliseconds. */
const closeLimitMs = 250

describe('a client that leaves', async () => {
  const upstream = await startFaultUpstream({ after }, ok)
  const gateway = await startTestGateway({ after }, {
    providers: { up: upstreamProvider(upstream.url), narrow: upstreamProvider(upstream.url, { concurrency: 1, bufferSize: 10 }) }
  })

  const phases: [name: string, body: object, script: Script, seen: string][] = [
    ['before the head of a stream', { stream: true }, () => {}, ''],
    ['in mid-stream', { stream: true }, (exchange) => {
      exchange.openStream()
      void exchange.write(contentEvent('first'))
    }, 'first'],
    ['before the head of a unary answer', {}, () => {}, ''],
    ['in the body of a unary answer', {}, (exchange) => {
      exchange.head(200, { 'content-type': 'application/json' }, wholeReply.length)
      void exchange.write(wholeReply.slice(0, 20))
    }, '']
  ]
  for (const [name, body, script, seen] of phases) {
    for (const how of ['FIN', 'RST'] as const) {
      test(`closes its upstream connection at once: ${name}, by ${how}`, async (t) => {
        const took: number[] = []
        for (let run = 0; run < 5; run++) took.push(await leave(t, body, script, seen, how))
        t.diagnostic(`upstream saw the close after ${took.map((ms) => ms.toFixed(1)).join(', ')} ms`)
        assert.ok(Math.max(...took) < closeLimitMs)
        await gateway.whenIdle()
        assert.deepEqual(gateway.load(), { exchanges: 0, jobs: 0 })
        assert.equal(upstream.inFlight, 0)
      })
    }
  }

  /** @returns milliseconds from the client's leaving to the close that the upstream sees */
  async function leave (t: TestContext, body: object, script: Script, seen: string, how: 'FIN' | 'RST'): Promise<number> {
    const begun = createSignal<FaultExchange>()
    upstream.script = (exchange) => {
      begun.resolve(exchange)
      return script(exchange)
    }
    const client = await RawClient.connect(gateway.port)
    t.after(() => { client.socket.destroy() })
    const head = client.chat(chatBody('up/m', body))
    if (seen === '') head.catch(() => {})
    else await (await head).until(seen)
    const exchange = await begun.promise
    const leftAtMs = performance.now()
    if (how === 'FIN') client.socket.destroy()
    else client.socket.resetAndDestroy()
    await within(exchange.closed, 'the upstream connection closes')
    return performance.now() - leftAtMs
  }

  test('never reaches the upstream when it was still queued', async () => {
    const gate = createSignal()
    upstream.script = async (exchange) => {
      await gate.promise
      await ok(exchange)
    }
    const before = upstream.requestCount
    const [first, queued, third] = await Promise.all([RawClient.connect(gateway.port), RawClient.connect(gateway.port), RawClient.connect(gateway.port)])
    const firstHead = first.chat(chatBody('narrow/first'))
    await upstream.whenRequests(before + 1)
    queued.chat(chatBody('narrow/queued')).catch(() => {})
    const queueDepth = (): Promise<number> => gateway.metric('bifrost_queue_depth', { provider: 'narrow' })
    while (await queueDepth() !== 1);
    queued.socket.destroy()
    while (await queueDepth() !== 0);
    const thirdHead = third.chat(chatBody('narrow/third'))
    gate.resolve()
    assert.equal((await firstHead).status, 200)
    assert.equal((await thirdHead).status, 200)
    const models = upstream.requests.slice(before).map((request) => (JSON.parse(request.body.toString()) as { model: string }).model)
    assert.deepEqual(models, ['first', 'third'])
    first.socket.destroy()
    third.socket.destroy()
    await gateway.whenIdle()
  })

  test('is booked as 499', async () => {
    assert.equal(await gateway.metric('bifrost_error_requests_total', { provider: 'narrow', status_code: '499', error_type: 'request_cancelled' }), 1)
    assert.equal(await gateway.metric('bifrost_in_flight'), 0)
    assert.equal(await gateway.metric('bifrost_active_requests'), 0)
  })

  test('leaves nothing behind when it went away in the middle of its own request', async (t) => {
    const before = upstream.requestCount
    const client = await RawClient.connect(gateway.port)
    t.after(() => { client.socket.destroy() })
    client.socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"model":')
    while (gateway.load().exchanges !== 1) await new Promise((resolve) => { setImmediate(resolve) })
    client.socket.destroy()
    await gateway.whenIdle()
    assert.equal(upstream.requestCount, before)
  })
})
