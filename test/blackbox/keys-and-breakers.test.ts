import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { faults, ok } from '../helpers/faults.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { FaultUpstream } from '../helpers/fault-upstream.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { createSignal, eventually, pause } from '../helpers/wait.ts'

const keys = ['one', 'two', 'three'].map((name) => ({ name, value: `sk-${name}`, models: ['*'], weight: 1 }))

/** A custom provider with three keys. */
function keyedProvider (url: string, network: object = {}, more: object = {}): object {
  return {
    ...upstreamProvider(url, { network: { retry_backoff_initial: 5, retry_backoff_max: 100, ...network } }),
    custom_provider_config: { base_provider_type: 'openai' },
    keys,
    ...more
  }
}

async function ask (t: TestContext, gateway: TestGateway, model: string, headers: Record<string, string> = {}): Promise<ClientResponse> {
  const client = await RawClient.connect(gateway.port)
  t.after(() => { client.socket.destroy() })
  const response = await client.chat(chatBody(model), headers)
  assert.equal(await response.end(), 'complete')
  client.socket.destroy()
  return response
}

const keyOf = ({ headers }: { headers: Record<string, string> }): string => String(headers['authorization']).replace('Bearer sk-', '')
const keysAsked = (upstream: FaultUpstream, from: number): string[] => upstream.requests.slice(from).map(keyOf)

test('refused keys are left for good ones without using up retries, and are avoided by the requests that follow', async (t) => {
  const upstream = await startFaultUpstream(t, (exchange) => (keyOf(exchange.request) === 'two' ? ok : faults.status(401))(exchange))
  const gateway = await startTestGateway(t, { providers: { up: keyedProvider(upstream.url) } })
  // Every draw of a first key ends at the good one, after at most two that are refused.
  for (let index = 0; index < 10; index++) assert.equal((await ask(t, gateway, 'up/m')).status, 200)
  const asked = keysAsked(upstream, 0)
  assert.equal(asked.filter((key) => key === 'two').length, 10)
  assert.ok(asked.length <= 12, `${asked.length} attempts for 10 requests and 2 dead keys`)
  assert.equal(await gateway.metric('bifrost_key_rotation_events_total', { provider: 'up', fail_reason: 'key_lasting' }), asked.length - 10)
})

test('a key that was told Retry-After is not asked before; the others serve', async (t) => {
  const upstream = await startFaultUpstream(t, (exchange) => (keyOf(exchange.request) === 'one' ? faults.status(429, { 'retry-after': '30' }) : ok)(exchange))
  const gateway = await startTestGateway(t, { providers: { up: keyedProvider(upstream.url, { max_retries: 1 }) } })
  for (let index = 0; index < 20; index++) assert.equal((await ask(t, gateway, 'up/m')).status, 200)
  assert.ok(keysAsked(upstream, 0).filter((key) => key === 'one').length <= 1)
})

test('when every key rests the client is told how long, and the provider is left alone', async (t) => {
  const upstream = await startFaultUpstream(t, faults.status(429, { 'retry-after': '30' }))
  const gateway = await startTestGateway(t, { providers: { up: keyedProvider(upstream.url, { max_retries: 5 }) } })
  const first = await ask(t, gateway, 'up/m')
  assert.equal(first.status, 429)
  assert.equal(first.headers['retry-after'], '30')
  assert.deepEqual(new Set(keysAsked(upstream, 0)), new Set(['one', 'two', 'three']))
  assert.equal(upstream.requestCount, 3)
  const second = await ask(t, gateway, 'up/m')
  assert.equal(second.status, 429)
  assert.equal(second.json.error.code, 'BIFROST_KEYS_RESTING')
  assert.ok(Number(second.headers['retry-after']) > 25 && Number(second.headers['retry-after']) <= 30)
  assert.equal(upstream.requestCount, 3)
})

test('a pinned key is not rotated away from; the pin does not hold for fallbacks', async (t) => {
  const upstream = await startFaultUpstream(t, faults.status(401))
  const spare = await startFaultUpstream(t, ok)
  const gateway = await startTestGateway(t, { providers: { up: keyedProvider(upstream.url), spare: upstreamProvider(spare.url) } })
  const pinned = { 'x-bf-api-key': 'two' }
  assert.equal((await ask(t, gateway, 'up/m', pinned)).status, 401)
  assert.deepEqual(keysAsked(upstream, 0), ['two'])
  const client = await RawClient.connect(gateway.port)
  t.after(() => { client.socket.destroy() })
  const response = await client.chat(chatBody('up/m', { fallbacks: ['spare/m'] }), pinned)
  await response.end()
  assert.equal(response.status, 200)
  assert.deepEqual(keysAsked(upstream, 0), ['two', 'two'])
})

test('a pinned key that was told Retry-After is not asked before either', async (t) => {
  const upstream = await startFaultUpstream(t, faults.status(429, { 'retry-after': '30' }))
  const gateway = await startTestGateway(t, { providers: { up: keyedProvider(upstream.url) } })
  for (const code of ['rate_limit_exceeded', 'BIFROST_KEYS_RESTING']) {
    const response = await ask(t, gateway, 'up/m', { 'x-bf-api-key': 'two' })
    assert.deepEqual([response.status, response.json.error.code], [429, code])
  }
  assert.deepEqual(keysAsked(upstream, 0), ['two'])
})

test('a client that leaves during the pause before a retry is not served any more', async (t) => {
  const upstream = await startFaultUpstream(t, faults.status(500))
  const gateway = await startTestGateway(t, { providers: { up: upstreamProvider(upstream.url, { network: { max_retries: 3, retry_backoff_initial: 300, retry_backoff_max: 300 } }) } })
  const client = await RawClient.connect(gateway.port)
  client.chat(chatBody('up/m')).catch(() => {})
  await upstream.whenRequests(1)
  client.socket.destroy()
  await gateway.whenIdle()
  // Longer than the pause: had it gone on, there would be a second attempt by now.
  await pause(600)
  assert.equal(upstream.requestCount, 1)
})

test('a full queue of the primary leads to the fallback', async (t) => {
  const held = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    await held.promise
    await ok(exchange)
  })
  const spare = await startFaultUpstream(t, ok)
  const gateway = await startTestGateway(t, {
    client: { drop_excess_requests: true },
    providers: { up: { ...upstreamProvider(upstream.url, { concurrency: 1, bufferSize: 1 }), fallbacks: ['spare/m'] }, spare: upstreamProvider(spare.url) }
  })
  const first = ask(t, gateway, 'up/m')
  await upstream.whenRequests(1)
  const second = ask(t, gateway, 'up/m')
  await eventually(async () => await gateway.metric('bifrost_queue_depth', { provider: 'up' }) === 1, 'the second request waits')
  const third = await ask(t, gateway, 'up/m')
  assert.equal(third.headers['x-bifrost-provider'], 'spare')
  held.resolve()
  for (const response of await Promise.all([first, second])) assert.equal(response.headers['x-bifrost-provider'], 'up')
})

test('while a primary is down its breaker keeps requests away but for a few probes, and it serves again soon after', { timeout: 60_000 }, async (t) => {
  const upstream = await startFaultUpstream(t, faults.resetBeforeHead())
  const spare = await startFaultUpstream(t, ok)
  const gateway = await startTestGateway(t, {
    providers: {
      up: { ...upstreamProvider(upstream.url), fallbacks: ['spare/m'], circuit_breaker: { minimum_requests: 5, open_in_seconds: 0.2, open_max_in_seconds: 0.4, ramp_in_seconds: 0.2 } },
      spare: upstreamProvider(spare.url)
    }
  })
  const downMs = 2_000
  const startedAtMs = performance.now()
  let asked = 0
  while (performance.now() - startedAtMs < downMs) {
    assert.equal((await ask(t, gateway, 'up/m')).status, 200)
    asked++
  }
  // Five to open it, then at most two probes every 0.2 to 0.4 s.
  assert.ok(asked > 50, `${asked} requests`)
  assert.ok(upstream.requestCount <= 5 + 2 * downMs / 200, `${upstream.requestCount} attempts on a dead primary in ${asked} requests`)
  assert.ok(await gateway.metric('bifrost_breakers_open', { provider: 'up' }) === 1)
  upstream.script = ok
  const recoveredAtMs = performance.now()
  await eventually(async () => (await ask(t, gateway, 'up/m')).headers['x-bifrost-provider'] === 'up', 'the primary serves again')
  assert.ok(performance.now() - recoveredAtMs < 5_000)
  await eventually(async () => {
    await ask(t, gateway, 'up/m')
    return await gateway.metric('bifrost_breakers_open', { provider: 'up' }) === 0
  }, 'the breaker is closed')
  assert.ok(await gateway.metric('bifrost_breaker_transitions_total', { provider: 'up', state: 'closed' }) >= 1)
})

test('a provider without fallback is asked even while its breaker is open: a try is better than a certain error', async (t) => {
  const upstream = await startFaultUpstream(t, faults.status(500))
  const gateway = await startTestGateway(t, { providers: { up: { ...upstreamProvider(upstream.url), circuit_breaker: { minimum_requests: 5, open_in_seconds: 60 } } } })
  for (let index = 0; index < 8; index++) assert.equal((await ask(t, gateway, 'up/m')).status, 500)
  assert.equal(await gateway.metric('bifrost_breakers_open', { provider: 'up' }), 1)
  assert.equal(upstream.requestCount, 8)
  upstream.script = ok
  assert.equal((await ask(t, gateway, 'up/m')).status, 200)
})
