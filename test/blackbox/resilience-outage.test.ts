import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { askChat } from '../helpers/ask.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { Script } from '../helpers/fault-upstream.ts'
import { faults, ok } from '../helpers/faults.ts'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { eventually, pause } from '../helpers/wait.ts'

const requestsPerSecond = 60
const downMs = 4_000

interface Served { atMs: number, status: number, servedBy: string | undefined, tookMs: number }

/** Requests at a steady pace, whether or not earlier ones are answered, every second one a stream. */
function startTraffic (port: number): { served: Served[], peakOpen: () => number, stop: () => Promise<void> } {
  const served: Served[] = []
  const open = new Set<Promise<void>>()
  let count = 0
  let peakOpen = 0
  const ask = async (stream: boolean): Promise<void> => {
    const atMs = performance.now()
    const { status, headers, text } = await askChat(port, 'primary/m', { stream })
    assert.ok(text.includes('Hello') && (!stream || text.endsWith('data: [DONE]\n\n')), text)
    served.push({ atMs, status, servedBy: headers['x-bifrost-provider'], tookMs: performance.now() - atMs })
  }
  const timer = setInterval(() => {
    const work = ask(count++ % 2 === 0)
    open.add(work)
    peakOpen = Math.max(peakOpen, open.size)
    void work.finally(() => { open.delete(work) }).catch(() => {})
  }, 1_000 / requestsPerSecond)
  return {
    served,
    peakOpen: () => peakOpen,
    stop: async () => {
      clearInterval(timer)
      await Promise.all(open)
    }
  }
}

const failuresToOpen = 20
/** Two probes at a time, 1, 2 and 3 s apart. */
const attemptsWhileOpenMax = 10

const outages: [name: string, script: Script, network: object][] = [
  ['resets its connections', faults.resetBeforeHead(), {}],
  ['answers 503', faults.status(503), {}],
  ['is silent', faults.silent(), { response_header_timeout_in_seconds: 0.2 }]
]

async function survive (t: TestContext, script: Script, network: object): Promise<void> {
  const primary = await startFaultUpstream(t, ok)
  const fallback = await startFaultUpstream(t, ok)
  const gateway = await startTestGateway(t, {
    providers: { primary: { ...upstreamProvider(primary.url, { network }), fallbacks: ['fallback/spare'] }, fallback: upstreamProvider(fallback.url) }
  })
  const traffic = startTraffic(gateway.port)
  const { served } = traffic
  await pause(1_000)
  const healthy = primary.requestCount
  primary.script = script
  await eventually(async () => await gateway.metric('bifrost_breakers_open', { provider: 'primary' }) === 1, 'the breaker opens')
  const before = primary.requestCount
  // When the last failure that it takes came back, all others were under way together.
  assert.ok(before - healthy <= failuresToOpen + traffic.peakOpen(), `${before - healthy} attempts until the breaker opened, ${traffic.peakOpen()} requests open at once`)
  await pause(downMs)
  const attempts = primary.requestCount - before
  primary.script = ok
  const recoveredAtMs = performance.now()
  await eventually(() => served.some(({ servedBy, atMs }) => servedBy === 'primary' && atMs > recoveredAtMs), 'the primary serves again', 5_000)
  await eventually(async () => await gateway.metric('bifrost_breakers_open', { provider: 'primary' }) === 0, 'the breaker is closed')
  await traffic.stop()
  await gateway.whenIdle()

  assert.ok(served.length > requestsPerSecond * 4, `${served.length} requests`)
  assert.deepEqual(served.filter(({ status }) => status !== 200), [])
  assert.ok(attempts <= attemptsWhileOpenMax, `${attempts} attempts on a primary whose breaker is open`)
  const firstAgain = served.filter(({ servedBy, atMs }) => servedBy === 'primary' && atMs > recoveredAtMs).map(({ atMs }) => atMs - recoveredAtMs)
  t.diagnostic(`${attempts} attempts while the breaker was open, again after ${Math.min(...firstAgain).toFixed(0)} ms, slowest answer ${Math.max(...served.map(({ tookMs }) => tookMs)).toFixed(0)} ms`)
  assert.equal(await gateway.metric('bifrost_success_requests_total', { provider: 'fallback', fallback_index: '1' }), fallback.requestCount)
  assert.ok(await gateway.metric('bifrost_breaker_transitions_total', { provider: 'primary', state: 'open' }) >= 1)
  assert.ok(await gateway.metric('bifrost_breaker_transitions_total', { provider: 'primary', state: 'closed' }) >= 1)
}

describe('an outage of the primary', { concurrency: outages.length }, () => {
  for (const [name, script, network] of outages) {
    test(`in which it ${name} costs no request; it is left alone but for probes and serves again within 5 s`, { timeout: 60_000 }, (t) => survive(t, script, network))
  }
})

test('a request whose first target was passed over counts as moved on to its fallback', async (t) => {
  const primary = await startFaultUpstream(t, faults.status(429, { 'retry-after': '30' }))
  const fallback = await startFaultUpstream(t, ok)
  const gateway = await startTestGateway(t, { providers: { primary: { ...upstreamProvider(primary.url), fallbacks: ['fallback/spare'] }, fallback: upstreamProvider(fallback.url) } })
  for (let index = 0; index < 5; index++) assert.equal((await askChat(gateway.port, 'primary/m')).status, 200)
  await gateway.whenIdle()
  assert.deepEqual([primary.requestCount, fallback.requestCount], [1, 5])
  assert.equal(await gateway.metric('bifrost_fallbacks_total', { provider: 'primary', fallback_provider: 'fallback' }), 5)
})
