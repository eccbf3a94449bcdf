import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { askChat } from '../helpers/ask.ts'
import { faultsByModel } from '../helpers/fault-draw.ts'
import type { FaultKind } from '../helpers/fault-draw.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { ok, refusedPort } from '../helpers/faults.ts'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { createRandom } from '../helpers/random.ts'
import { inBandError } from '../helpers/sse.ts'
import { pause } from '../helpers/wait.ts'

const seed = Number(process.env['FAULTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/**
 * What one retry and a fallback make of each fault: `primary` answers at once; a number is how often the primary is asked before the
 * fallback answers; `error` is a stream that ends with an error, with nobody asked again. Unary, streamed.
 */
const expected: Record<Exclude<FaultKind, 'close-on-reuse'>, [unary: 'primary' | number, streamed: 'primary' | 'error' | number]> = {
  ok: ['primary', 'primary'],
  latency: ['primary', 'primary'],
  jitter: ['primary', 'primary'],
  bandwidth: ['primary', 'primary'],
  slicer: ['primary', 'primary'],
  'slow-close': ['primary', 'primary'],
  'no-done': ['primary', 'primary'],
  'reset-before-head': [2, 2],
  'close-before-head': [2, 2],
  'reset-after-head': [2, 2],
  silent: [1, 1],
  'wrong-content-length': [2, 2],
  'error-in-200': [2, 2],
  html: [2, 2],
  429: [2, 2],
  '429-retry-after': [2, 2],
  401: [1, 1],
  500: [2, 2],
  503: [2, 2],
  cut: [2, 'error'],
  stall: [1, 'error'],
  'bad-chunk': [2, 'error']
}
const kinds = Object.keys(expected) as (keyof typeof expected)[]

describe(`a primary with a fallback (seed ${seed})`, async () => {
  const owner = { after }
  const primary = await startFaultUpstream(owner, faultsByModel(createRandom(seed)))
  const fallback = await startFaultUpstream(owner, ok)
  const provider = (retries: number, url = primary.url): object => ({
    ...upstreamProvider(url, { network: { max_retries: retries, retry_backoff_initial: 5, retry_backoff_max: 60, retry_budget_percent: 100, response_header_timeout_in_seconds: 0.5, stream_idle_timeout_in_seconds: 0.5 } }),
    fallbacks: ['fallback/spare'],
    // Every fault is looked at by itself.
    circuit_breaker: { enabled: false }
  })
  const gateway = await startTestGateway(owner, {
    providers: { once: provider(0), twice: provider(1), 'resting-once': provider(0), 'resting-twice': provider(1), refused: provider(1, `http://127.0.0.1:${await refusedPort()}`), fallback: upstreamProvider(fallback.url) }
  })

  for (const kind of kinds) {
    for (const stream of [false, true]) {
      for (const retries of [0, 1]) {
        const wanted = expected[kind][stream ? 1 : 0]
        const what = wanted === 'primary' ? 'answers by itself' : wanted === 'error' ? 'ends in an error, once' : 'is answered by the fallback'
        test(`${kind}, ${stream ? 'streamed' : 'unary'}, with ${retries} retries ${what}`, async () => {
          // A key that was told to rest does so for all that its provider gets, for up to 40 ms here.
          if (kind === '429-retry-after') await pause(50)
          const name = `${kind === '429-retry-after' ? 'resting-' : ''}${retries === 0 ? 'once' : 'twice'}`
          const before = [primary.requestCount, fallback.requestCount]
          const { status, headers, text } = await askChat(gateway.port, `${name}/${kind}`, { stream })
          assert.equal(status, 200)
          const attempts = typeof wanted === 'number' ? Math.min(wanted, 1 + retries) : 1
          assert.deepEqual([primary.requestCount - Number(before[0]), fallback.requestCount - Number(before[1])], [attempts, typeof wanted === 'number' ? 1 : 0])
          assert.equal(headers['x-bifrost-provider'], typeof wanted === 'number' ? 'fallback' : name)
          assert.equal(headers['x-bifrost-fallback-index'], typeof wanted === 'number' ? '1' : undefined)
          assert.equal(stream && inBandError(text) !== null, wanted === 'error')
          assert.equal(text.includes('[DONE]'), stream && wanted !== 'error')
        })
      }
    }
  }

  test('a connection that the primary closes when it is used again costs no answer', async () => {
    for (let index = 0; index < 10; index++) {
      const { status, text } = await askChat(gateway.port, 'twice/close-on-reuse', { stream: index % 2 === 1 })
      assert.equal(status, 200)
      assert.ok(text.includes('Hello'))
    }
  })

  test('a port on which nobody listens leads to the fallback', async () => {
    const { status, headers } = await askChat(gateway.port, 'refused/m', {}, { 'x-bf-attempt-trail': 'true' })
    assert.equal(status, 200)
    assert.equal(headers['x-bifrost-provider'], 'fallback')
  })

  test('every attempt that the upstreams saw is booked once, and nothing is left open', async () => {
    await gateway.whenIdle()
    let booked = 0
    for (const name of ['once', 'twice', 'resting-once', 'resting-twice']) booked += await gateway.metric('bifrost_upstream_requests_total', { provider: name })
    assert.equal(booked, primary.requestCount)
    assert.equal(await gateway.metric('bifrost_success_requests_total', { provider: 'fallback', fallback_index: '1' }), fallback.requestCount)
    assert.equal(await gateway.metric('bifrost_in_flight'), 0)
    assert.equal(await gateway.metric('bifrost_active_requests'), 0)
  })
})
