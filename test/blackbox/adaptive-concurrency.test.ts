import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askChat } from '../helpers/ask.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { RecordedRequest } from '../helpers/fault-upstream.ts'
import { faults, ok } from '../helpers/faults.ts'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { wholeReply, wholeStream } from '../helpers/sse.ts'
import { createSignal, eventually } from '../helpers/wait.ts'

const adaptive = { adaptive_concurrency: { enabled: true, minimum_concurrency: 2 } }

/** Answers 429 to what comes on top of `concurrencyMax` others. */
const crowded = (concurrencyMax: number): Parameters<typeof startFaultUpstream>[1] => (exchange) => (exchange.request.inFlight > concurrencyMax ? faults.status(429) : faults.latency(20))(exchange)

test('the limit of a model comes down to what its provider takes, and hardly anything is refused from then on', { timeout: 120_000 }, async (t) => {
  const upstream = await startFaultUpstream(t, crowded(8))
  const gateway = await startTestGateway(t, { providers: { up: { ...upstreamProvider(upstream.url, { concurrency: 200, network: { max_retries: 0 } }), ...adaptive } } })
  const statuses: number[] = []
  const client = async (): Promise<void> => {
    while (statuses.length < 1_500) statuses.push((await askChat(gateway.port, 'up/m')).status)
  }
  await Promise.all(Array.from({ length: 40 }, client))
  const limit = await gateway.metric('bifrost_concurrency_limit', { provider: 'up', model: 'm' })
  assert.ok(limit >= 2 && limit <= 12, `limit ${limit}`)
  // 40 at once on a provider that takes 8: without a limit four of five are refused.
  const refused = statuses.slice(500).filter((status) => status === 429).length
  assert.ok(refused < 0.15 * statuses.slice(500).length, `${refused} of ${statuses.slice(500).length} refused`)
  assert.deepEqual(new Set(statuses), new Set([200, 429]))
  assert.ok(upstream.inFlightMax <= 40)
  await gateway.whenIdle()
})

test('a model at its limit does not keep the other models of its provider waiting', async (t) => {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    if (exchange.json.model === 'slow') await gate.promise
    await ok(exchange)
  })
  const gateway = await startTestGateway(t, { client: { drop_excess_requests: true }, providers: { up: { ...upstreamProvider(upstream.url, { concurrency: 10, bufferSize: 20 }), ...adaptive } } })
  const slow = Array.from({ length: 22 }, () => askChat(gateway.port, 'up/slow'))
  await eventually(() => gateway.load().jobs === 22, 'the slow ones run or wait')
  await upstream.whenRequests(2)
  assert.equal(await gateway.metric('bifrost_concurrency_limit', { provider: 'up', model: 'slow' }), 2)
  assert.equal(await gateway.metric('bifrost_in_flight', { provider: 'up' }), 2)
  for (let count = 0; count < 3; count++) assert.equal((await askChat(gateway.port, 'up/quick')).status, 200)
  gate.resolve()
  assert.deepEqual((await Promise.all(slow)).map(({ status }) => status), new Array(22).fill(200))
})

/** Two keys, the first of which has nothing left after every answer. */
async function askWithTwoKeys (t: Parameters<typeof startFaultUpstream>[0], more: object, stream: boolean): Promise<string[]> {
  const keyOf = ({ headers }: RecordedRequest): string => String(headers['authorization']).replace('Bearer sk-', '')
  const used = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '30s' }
  const upstream = await startFaultUpstream(t, (exchange) => {
    if (keyOf(exchange.request) !== 'one') return ok(exchange)
    if (!stream) return exchange.answer(200, wholeReply, { 'content-type': 'application/json', ...used })
    exchange.openStream('chunked', used)
    void exchange.write(wholeStream)
    exchange.end()
  })
  const keys = ['one', 'two'].map((name) => ({ name, value: `sk-${name}`, models: ['*'], weight: 1 }))
  const gateway = await startTestGateway(t, { providers: { up: { ...upstreamProvider(upstream.url), custom_provider_config: { base_provider_type: 'openai' }, keys, ...more } } })
  for (let count = 0; count < 30; count++) assert.equal((await askChat(gateway.port, 'up/m', { stream })).status, 200)
  // Where there is no other key, it is used all the same.
  assert.equal((await askChat(gateway.port, 'up/m', { stream }, { 'x-bf-api-key': 'one' })).status, 200)
  return upstream.requests.slice(0, 30).map(keyOf)
}

for (const stream of [false, true]) {
  test(`a key whose last answer used its limit up rests until the reset while another one serves (stream: ${stream})`, async (t) => {
    const asked = await askWithTwoKeys(t, adaptive, stream)
    assert.ok(asked.filter((key) => key === 'one').length <= 1, asked.join(' '))
  })
}

test('without adaptive concurrency what remains is left to the provider', async (t) => {
  const asked = await askWithTwoKeys(t, {}, false)
  // The chance that 30 draws between two keys never or once hit the first is 3 in 100 million.
  assert.ok(asked.filter((key) => key === 'one').length > 1, asked.join(' '))
})
