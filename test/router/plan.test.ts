import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeWorld } from '../helpers/fake-run.ts'
import { createKey, createProvider } from './settings.ts'

const retry = { maxRetries: 2, backoffInitialMs: 500, backoffMaxMs: 5_000, budgetShare: 1 }

test('requests that wait for the same key come one after the other when it is back, none too early', () => {
  const key = createKey({ id: 'k' })
  const world = new FakeWorld([createProvider('up', { keys: [key], retry })])
  const restMs = 2_000
  world.health.of('up').keyRests.rest('k', world.clock.nowMs + restMs, true, world.clock.nowMs)
  for (let index = 0; index < 400; index++) world.ask('up/m')
  const arrivals: number[] = []
  for (let elapsedMs = 0; elapsedMs < 3_000; elapsedMs += 50) {
    const before = world.pool('up').jobs.length
    world.clock.advance(50)
    arrivals.push(world.pool('up').jobs.length - before)
  }
  assert.equal(arrivals.reduce((sum, count) => sum + count, 0), 400)
  assert.equal(arrivals.slice(0, restMs / 50 - 1).reduce((sum, count) => sum + count, 0), 0)
  assert.ok(Math.max(...arrivals) < 100, `${Math.max(...arrivals)} of 400 within 50 ms`)
})

test('a pause that the provider asked for is spread, too, and still ends within the time of the request', () => {
  const world = new FakeWorld([createProvider('up', { retry })])
  const runs = Array.from({ length: 100 }, () => world.ask('up/m', { headers: { 'x-bf-request-timeout': '2.05' } }))
  const { jobs } = world.pool('up')
  for (const job of jobs.slice(0, 100)) job.fail('BIFROST_UPSTREAM_STATUS', 503, 'retry-after: 2')
  world.clock.advance(1_990)
  assert.equal(jobs.length, 100)
  world.clock.advance(20)
  assert.ok(jobs.length > 100 && jobs.length < 200, `${jobs.length - 100} of 100 within 10 ms`)
  world.clock.advance(30)
  assert.equal(jobs.length, 200)
  assert.equal(runs.filter(({ client }) => client.calls.length > 0).length, 0)
})

test('after a connection broke under a request, its other attempts do not take a used one', () => {
  const world = new FakeWorld([createProvider('up', { retry }), createProvider('other', { retry })])
  world.ask('up/m', { fallbacks: ['other/m'] })
  const { jobs } = world.pool('up')
  jobs[0]?.fail('BIFROST_UPSTREAM_STATUS', 503)
  world.clock.advance(5_000)
  jobs[1]?.fail('BIFROST_UPSTREAM_RESET')
  world.clock.advance(5_000)
  jobs[2]?.fail('BIFROST_UPSTREAM_STATUS', 503)
  world.clock.advance(5_000)
  assert.deepEqual([...jobs, ...world.pool('other').jobs].map(({ head }) => head.freshConnection), [false, false, true, true])
})
