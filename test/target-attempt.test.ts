import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeWorld } from './helpers/fake-run.ts'
import { createProvider } from './router/settings.ts'

const breaker = { windowMs: 60_000, requestsMin: 3, failureShare: 0.5, slowMs: 0, slowShare: 1, openMs: 1_000, openMaxMs: 1_000, halfOpenRequests: 1, rampMs: 0 }
const timeouts = { connectMs: 1_000, responseHeaderMs: 1_000, firstTokenMs: 1_000, streamIdleMs: 1_000, totalMs: 1_000, streamTotalMs: 1_000 }
/** What the front waits beyond the worker's own deadlines. */
const graceMs = 5_000

test('attempts that a thread never reports count against the breaker', () => {
  const world = new FakeWorld([createProvider('up', { breaker, timeouts })])
  for (let index = 0; index < 3; index++) {
    assert.equal(world.health.of('up').breaker('m').state, 'closed')
    const { run, client } = world.ask('up/m')
    world.clock.advance(timeouts.totalMs + graceMs)
    run.onTick(world.clock.nowMs)
    assert.equal(client.error?.code, 'BIFROST_TOTAL_TIMEOUT')
    assert.equal(world.pool('up').last.cancelCount, 1)
  }
  assert.deepEqual(world.breakerChanges, ['open'])
})

test('the time that media may take is not time of the provider', () => {
  const mediaFetch = { refusedReason: null, allowedHosts: [], fileBytesMax: 1, timeoutMs: 10_000 }
  const world = new FakeWorld([createProvider('up', { breaker, timeouts, mediaFetch })])
  const { run, client } = world.ask('up/m')
  world.clock.advance(timeouts.totalMs + graceMs)
  run.onTick(world.clock.nowMs)
  assert.equal(client.error === null, true)
  world.clock.advance(mediaFetch.timeoutMs)
  run.onTick(world.clock.nowMs)
  assert.equal(client.error?.code, 'BIFROST_TOTAL_TIMEOUT')
})

test('time in the queue says nothing about the provider', () => {
  const world = new FakeWorld([createProvider('up', { breaker, timeouts })])
  world.pool('up').holds = true
  for (let index = 0; index < 6; index++) {
    const { run, client } = world.ask('up/m')
    world.clock.advance(timeouts.totalMs)
    run.onTick(world.clock.nowMs)
    assert.equal(client.error?.code, 'BIFROST_TOTAL_TIMEOUT')
  }
  assert.deepEqual(world.breakerChanges, [])
})
