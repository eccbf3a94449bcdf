import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createLogger } from '../../src/log.ts'
import { askChat } from '../helpers/ask.ts'
import { faults, ok } from '../helpers/faults.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { FaultUpstream } from '../helpers/fault-upstream.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { withoutExtraFields, wholeReply, wholeStream } from '../helpers/sse.ts'
import { eventually } from '../helpers/wait.ts'

/** Hedges every request that takes 50 ms, from the second one on. */
const hedging = { enabled: true, budget_percent: 100, delay_min_in_seconds: 0.05, minimum_requests: 1 }

interface Setup { gateway: TestGateway, primary: FaultUpstream, fallback: FaultUpstream, readLog: () => Promise<Record<string, unknown>[]> }

/** A primary that has answered well once, with a fallback; both take one request at a time. */
async function start (t: TestContext): Promise<Setup> {
  const primary = await startFaultUpstream(t, ok)
  const fallback = await startFaultUpstream(t, ok)
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-hedging-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  const logger = createLogger({ level: 'info', destination: join(folder, 'log') })
  const gateway = await startTestGateway(t, {
    providers: {
      primary: { ...upstreamProvider(primary.url, { concurrency: 1 }), fallbacks: ['fallback/spare'], hedging },
      fallback: upstreamProvider(fallback.url, { concurrency: 1 })
    }
  }, logger)
  const first = await askChat(gateway.port, 'primary/m')
  assert.equal(first.headers['x-bifrost-provider'], 'primary')
  return {
    gateway,
    primary,
    fallback,
    readLog: async () => {
      await new Promise<void>((resolve) => { logger.flush(() => { resolve() }) })
      return readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
    }
  }
}

const inFlight = (gateway: TestGateway): Promise<number> => gateway.metric('bifrost_in_flight')

for (const stream of [false, true]) {
  const kind = stream ? 'stream' : 'unary answer'
  test(`${kind}: a primary that is slow is overtaken by the fallback, and its socket is closed`, async (t) => {
    const { gateway, primary, fallback, readLog } = await start(t)
    // Never, rather than late: nothing but the hedge can serve, however busy the machine is.
    primary.script = faults.silent()
    const response = await askChat(gateway.port, 'primary/m', { stream })
    assert.equal(response.status, 200)
    assert.equal(withoutExtraFields(response.text), stream ? wholeStream : wholeReply)
    assert.equal(response.headers['x-bifrost-provider'], 'fallback')
    assert.equal(response.headers['x-bifrost-resolved-model'], 'spare')
    assert.equal(response.headers['x-bifrost-fallback-index'], '1')
    assert.match(response.text, /"extra_fields":\{[^}]*"provider":"fallback"[^}]*"resolved_model_used":"spare"/)
    await eventually(() => primary.requests[1]?.peerClosedAtMs != null, 'the primary sees the connection close')
    assert.deepEqual([primary.requestCount, fallback.requestCount], [2, 1])
    await gateway.whenIdle()
    assert.equal(await inFlight(gateway), 0)
    assert.equal(await gateway.metric('bifrost_hedges_total', { provider: 'primary', hedge_provider: 'fallback', result: 'won' }), 1)
    assert.equal(await gateway.metric('bifrost_hedges_total'), 1)
    assert.equal(await gateway.metric('bifrost_success_requests_total', { provider: 'fallback', model: 'spare', fallback_index: '1' }), 1)
    assert.equal(await gateway.metric('bifrost_upstream_requests_total', { provider: 'primary' }), 1)
    assert.equal(await gateway.metric('bifrost_fallbacks_total'), 0)
    const line = (await readLog()).filter(({ msg }) => msg === 'request')[1]
    assert.deepEqual([line?.['provider'], line?.['resolvedModel'], line?.['outcome'], line?.['hedges'], line?.['trail']], ['fallback', 'spare', 'ok', ['won'], undefined])
    // The only place of each provider is free again.
    primary.script = ok
    assert.equal((await askChat(gateway.port, 'primary/m', { stream })).status, 200)
    assert.equal((await askChat(gateway.port, 'fallback/spare', { stream })).status, 200)
    await gateway.whenIdle()
    assert.equal(await inFlight(gateway), 0)
  })

  test(`${kind}: a primary that answers first keeps the request, and the fallback's socket is closed`, async (t) => {
    const { gateway, primary, fallback, readLog } = await start(t)
    fallback.script = faults.silent()
    primary.script = async (exchange) => {
      await fallback.whenRequests(1)
      await ok(exchange)
    }
    const response = await askChat(gateway.port, 'primary/m', { stream }, { 'x-bf-attempt-trail': 'true' })
    assert.equal(response.headers['x-bifrost-provider'], 'primary')
    assert.equal(response.headers['x-bifrost-fallback-index'], undefined)
    await eventually(() => fallback.requests[0]?.peerClosedAtMs != null, 'the fallback sees the connection close')
    await gateway.whenIdle()
    assert.equal(await inFlight(gateway), 0)
    assert.equal(await gateway.metric('bifrost_hedges_total', { provider: 'primary', hedge_provider: 'fallback', result: 'lost' }), 1)
    assert.equal(await gateway.metric('bifrost_success_requests_total', { provider: 'primary', model: 'm' }), 2)
    assert.equal(await gateway.metric('bifrost_upstream_requests_total', { provider: 'fallback' }), 0)
    const trail = stream ? JSON.parse(String(response.headers['x-bifrost-attempt-trail'])) : (response.json['extra_fields'] as { attempt_trail: unknown }).attempt_trail
    assert.deepEqual((trail as Record<string, unknown>[]).map(({ provider, model, outcome, code, hedge }) => ({ provider, model, outcome, code, hedge })), [
      { provider: 'fallback', model: 'spare', outcome: 'outpaced', code: null, hedge: true }
    ])
    const line = (await readLog()).filter(({ msg }) => msg === 'request')[1]
    assert.deepEqual([line?.['provider'], line?.['hedges'], line?.['attempts']], ['primary', ['lost'], 1])
    fallback.script = ok
    assert.equal((await askChat(gateway.port, 'fallback/spare', { stream })).status, 200)
  })

  test(`${kind}: when both fail the client gets the primary's error, once, and the trail`, async (t) => {
    const { gateway, primary, fallback } = await start(t)
    fallback.script = faults.status(429)
    primary.script = async (exchange) => {
      await fallback.whenRequests(1)
      await faults.status(500)(exchange)
    }
    const response = await askChat(gateway.port, 'primary/m', { stream })
    assert.equal(response.status, 500)
    assert.equal(response.json.error.message, 'The server had an error.')
    const { attempt_trail: trail } = response.json['extra_fields'] as { attempt_trail: { provider: string, status: number }[] }
    assert.deepEqual(trail.map(({ provider, status }) => `${provider} ${status}`).sort(), ['fallback 429', 'primary 500'])
    await gateway.whenIdle()
    assert.deepEqual([primary.requestCount, fallback.requestCount], [2, 1])
    assert.equal(await gateway.metric('bifrost_hedges_total', { result: 'failed' }), 1)
    assert.equal(await gateway.metric('bifrost_error_requests_total'), 2)
    assert.equal(await gateway.metric('bifrost_fallbacks_total'), 0)
  })
}

test('a client that leaves while two attempts run closes both sockets', async (t) => {
  const { gateway, primary, fallback } = await start(t)
  primary.script = fallback.script = faults.silent()
  const client = await RawClient.connect(gateway.port)
  client.chat(chatBody('primary/m')).catch(() => {})
  await fallback.whenRequests(1)
  client.socket.destroy()
  await eventually(() => primary.requests[1]?.peerClosedAtMs != null && fallback.requests[0]?.peerClosedAtMs != null, 'both connections are closed')
  await gateway.whenIdle()
  assert.equal(await inFlight(gateway), 0)
  assert.equal(await gateway.metric('bifrost_hedges_total', { result: 'lost' }), 1)
})

test('a key whose answers are slow is overtaken by another key of the same provider', async (t) => {
  const keyOf = (authorization: string | undefined): string => String(authorization).replace('Bearer sk-', '')
  const upstream = await startFaultUpstream(t, ok)
  const gateway = await startTestGateway(t, {
    providers: {
      up: {
        ...upstreamProvider(upstream.url),
        custom_provider_config: { base_provider_type: 'openai' },
        // The second one is drawn only where the first one may not be used.
        keys: [['one', 1], ['two', 0]].map(([name, weight]) => ({ name, value: `sk-${name}`, models: ['*'], weight })),
        hedging
      }
    }
  })
  await askChat(gateway.port, 'up/m')
  upstream.script = (exchange) => (keyOf(exchange.request.headers['authorization']) === 'one' ? faults.silent() : ok)(exchange)
  for (const stream of [false, true]) {
    const response = await askChat(gateway.port, 'up/m', { stream }, { 'x-bf-attempt-trail': 'true' })
    assert.equal(response.headers['x-bifrost-routing-info-key'], 'two')
    assert.match(stream ? String(response.headers['x-bifrost-attempt-trail']) : response.text, /"key":"one","fallback_index":0,"outcome":"outpaced"/)
    assert.equal(response.headers['x-bifrost-fallback-index'], undefined)
  }
  assert.deepEqual(upstream.requests.map(({ headers }) => keyOf(headers['authorization'])), ['one', 'one', 'two', 'one', 'two'])
  await eventually(() => upstream.requests[1]?.peerClosedAtMs != null && upstream.requests[3]?.peerClosedAtMs != null, 'the slow connections are closed')
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_hedges_total', { provider: 'up', hedge_provider: 'up', result: 'won' }), 2)
  assert.equal(await gateway.metric('bifrost_key_rotation_events_total'), 0)
})

test('without hedging in the config a slow primary is waited for', async (t) => {
  const fallback = await startFaultUpstream(t, ok)
  const primary = await startFaultUpstream(t, ok)
  const gateway = await startTestGateway(t, { providers: { primary: { ...upstreamProvider(primary.url), fallbacks: ['fallback/m'] }, fallback: upstreamProvider(fallback.url) } })
  await askChat(gateway.port, 'primary/m')
  primary.script = faults.latency(400)
  assert.equal((await askChat(gateway.port, 'primary/m')).headers['x-bifrost-provider'], 'primary')
  assert.equal(fallback.requestCount, 0)
})
