import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ServiceRate } from '../../src/pool/service-rate.ts'

/** A pool that is read every 500 ms and has finished `perSecond` jobs a second so far. */
function readFor (rate: ServiceRate, seconds: number, perSecond: number): void {
  for (let atMs = 0; atMs <= seconds * 1_000; atMs += 500) rate.read(Math.floor(atMs / 1_000 * perSecond), atMs)
}

test('as long as nothing is known the wait is 1 s', () => {
  const rate = new ServiceRate()
  assert.equal(rate.secondsFor(1_000, 0, 5_000), 1)
  rate.read(0, 5_000)
  assert.equal(rate.secondsFor(1_000, 10, 5_999), 1)
  assert.equal(rate.secondsFor(1_000, 10, 6_000), 60)
})

test('the wait is what the queue takes at the rate of the last 10 s, in whole seconds from 1 to 60', () => {
  const rate = new ServiceRate()
  readFor(rate, 3, 20)
  for (const [jobs, seconds] of [[0, 1], [1, 1], [20, 1], [21, 2], [100, 5], [1_199, 60], [50_000, 60]] as const) assert.equal(rate.secondsFor(jobs, 60, 3_000), seconds, `${jobs} jobs`)
})

test('what was done more than 10 s ago does not count', () => {
  const rate = new ServiceRate()
  readFor(rate, 100, 50)
  for (let atMs = 100_500; atMs <= 110_000; atMs += 500) rate.read(5_000 + (atMs - 100_000) / 1_000, atMs)
  assert.equal(rate.secondsFor(7, 5_010, 110_000), 7, '1 a second')
})

test('a pool that finishes nothing is believed to finish one job in all the time that it was watched', () => {
  const rate = new ServiceRate()
  for (let atMs = 0; atMs <= 4_000; atMs += 500) rate.read(0, atMs)
  assert.equal(rate.secondsFor(3, 0, 4_000), 12)
})

test('whatever the readings, the wait is a whole number from 1 to 60', () => {
  fc.assert(fc.property(fc.array(fc.record({ done: fc.nat(1_000), ms: fc.nat(2_000) }), { maxLength: 60 }), fc.nat(100_000), (list, jobs) => {
    const rate = new ServiceRate()
    let [finished, nowMs] = [0, 0]
    for (const { done, ms } of list) {
      rate.read(finished += done, nowMs += ms)
      const seconds = rate.secondsFor(jobs, finished, nowMs)
      assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, `${seconds}`)
    }
  }), { numRuns: 500 })
})
