import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { Script } from '../helpers/fault-upstream.ts'
import { faults, ok } from '../helpers/faults.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { createRandom } from '../helpers/random.ts'
import { contentEvent, doneEvent, inBandError, wholeReply } from '../helpers/sse.ts'
import { eventually } from '../helpers/wait.ts'

const requestsTotal = 1_500
const clientsTotal = 48
const seed = Number(process.env['CHURN_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const half = contentEvent('half')
/** What the upstream does, by the model that is asked for, and the endings that a client may then see. */
const behaviours: Record<string, { script: Script, endings: readonly string[] }> = {
  ok: { script: ok, endings: ['ok'] },
  slow: { script: faults.latency(30), endings: ['ok'] },
  reset: { script: faults.resetBeforeHead(), endings: ['502'] },
  'half-body': {
    script: (exchange) => exchange.json.stream === true
      ? faults.cut(half, 'chunked')(exchange)
      : faults.resetMidBody(wholeReply.slice(0, 40))(exchange),
    endings: ['502', 'in-band error']
  },
  stall: { script: (exchange) => exchange.json.stream === true ? faults.stall(half)(exchange) : faults.silent()(exchange), endings: ['504', 'in-band error'] },
  429: { script: faults.status(429), endings: ['429'] },
  500: { script: faults.status(500), endings: ['500'] }
}
const names = Object.keys(behaviours)

test(`under a mix of faults every request settles exactly once and nothing is left (seed ${seed})`, { timeout: 60_000 }, async (t) => {
  t.diagnostic(`seed ${seed}; repeat with CHURN_SEED=${seed}`)
  const random = createRandom(seed)
  const upstream = await startFaultUpstream(t, (exchange) => behaviours[exchange.json.model]!.script(exchange))
  // Long enough that a good answer is never late, also on a machine that has more to do than this.
  const network = { stream_idle_timeout_in_seconds: 1.5, response_header_timeout_in_seconds: 1.5 }
  const gateway = await startTestGateway(t, {
    providers: {
      up: upstreamProvider(upstream.url, { concurrency: 32, bufferSize: 64, threads: 2, network }),
      mock: { mock: { latency_ms: 5, jitter_ms: 5, thread_faults: true }, threads: 2, concurrency_and_buffer_size: { concurrency: 16, buffer_size: 32 } }
    }
  })
  const counts = new Map<string, number>()
  let started = 0
  let clientAborts = 0

  /** One request on a connection of its own choice. @returns how it ended for the client */
  const one = async (client: RawClient, kind: string, stream: boolean, leaves: boolean): Promise<string> => {
    const head = client.chat(chatBody(kind, { stream }))
    if (leaves) {
      const afterMs = Math.floor(random() * 20)
      setTimeout(() => { client.socket.resetAndDestroy() }, afterMs)
      // It may have been answered before it left.
      await Promise.race([client.closed, head.catch(() => {})])
      await client.closed
      return 'left'
    }
    const response = await head
    assert.equal(await response.end(40_000), 'complete')
    if (response.status !== 200) {
      assert.ok(response.json.error.message.length > 0)
      return String(response.status)
    }
    if (!stream) return response.json.choices === undefined ? 'no answer' : 'ok'
    const dones = response.text.split(doneEvent).length - 1
    if (inBandError(response.text) !== null) return dones === 0 ? 'in-band error' : 'error and [DONE]'
    return dones === 1 ? 'ok' : `${dones} times [DONE]`
  }

  const worker = async (): Promise<void> => {
    let client = await RawClient.connect(gateway.port)
    while (started < requestsTotal) {
      const index = started++
      // Two requests out of all end their threads, and end those of their neighbours with them.
      const kills = index === 400 || index === 900
      const mock = !kills && random() < 0.2
      const behaviour = names[Math.floor(random() * names.length)] as string
      const stream = random() < 0.5
      const leaves = !kills && random() < 0.15
      const model = kills ? 'mock/exit-thread' : mock ? 'mock/m' : `up/${behaviour}`
      const ending = await one(client, model, stream, leaves)
      counts.set(`${kills ? 'kill' : mock ? 'mock' : behaviour}: ${ending}`, (counts.get(`${kills ? 'kill' : mock ? 'mock' : behaviour}: ${ending}`) ?? 0) + 1)
      if (leaves) {
        clientAborts++
        client = await RawClient.connect(gateway.port)
        continue
      }
      const allowed = kills ? ['502'] : mock ? ['ok', '502', 'in-band error'] : behaviours[behaviour]!.endings
      assert.ok(allowed.includes(ending), `${model} ended as ${ending}`)
    }
    client.socket.destroy()
  }
  await Promise.all(Array.from({ length: clientsTotal }, worker))
  t.diagnostic([...counts].sort().map(([name, count]) => `${name} ${count}`).join(', '))

  await gateway.whenIdle()
  assert.deepEqual(gateway.load(), { exchanges: 0, jobs: 0 })
  for (const gauge of ['bifrost_in_flight', 'bifrost_thread_in_flight', 'bifrost_queue_depth', 'bifrost_queue_blocked', 'bifrost_active_requests', 'bifrost_ring_used_bytes']) {
    assert.equal(await gateway.metric(gauge), 0, gauge)
  }
  await eventually(() => upstream.inFlight === 0, 'no upstream connection is in use')
  assert.ok(clientAborts > 100)
  assert.equal([...counts.values()].reduce((sum, count) => sum + count, 0), requestsTotal)
  assert.equal(await gateway.metric('bifrost_thread_restarts_total', { provider: 'mock' }), 4, 'two requests, two threads each')
  assert.equal(await gateway.metric('bifrost_thread_restarts_total', { provider: 'up' }), 0)
  // Booked once each: an attempt per request that was not refused at the door, and one more for each that lost its thread and was tried again.
  const booked = await gateway.metric('bifrost_upstream_requests_total')
  const retries = await gateway.metric('bifrost_retries_total', { provider: 'mock' })
  assert.equal(await gateway.metric('bifrost_retries_total'), retries, 'only threads of the mock end')
  assert.ok(retries >= 2, 'what ended its thread was tried again')
  const requests = booked - retries
  assert.ok(requests <= requestsTotal && requests >= requestsTotal - clientAborts, `${booked} booked, ${retries} of them retries, ${clientAborts} clients left`)
  assert.equal(await gateway.metric('bifrost_success_requests_total') + await gateway.metric('bifrost_error_requests_total'), booked)
})
