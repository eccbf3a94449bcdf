import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BreakerSettings } from '../../src/api/settings.ts'
import { Breaker } from '../../src/router/breaker.ts'
import type { Permit, Verdict } from '../../src/router/breaker.ts'

const settings: BreakerSettings = { windowMs: 10_000, requestsMin: 4, failureShare: 0.5, slowMs: 0, slowShare: 0.8, openMs: 1_000, openMaxMs: 3_000, halfOpenRequests: 2, rampMs: 0 }

/** One attempt from its permit to its verdict, at one time. */
function attempt (breaker: Breaker, verdict: Verdict, nowMs: number, from = settings): Permit {
  const permit = breaker.tryAcquire(from, nowMs, 0)
  if (permit !== 'refused') breaker.finish(from, permit, breaker.currentEpoch, verdict, nowMs)
  return permit
}

test('half of the attempts failing opens it, not before the least number of attempts', () => {
  const breaker = new Breaker()
  for (const verdict of ['failure', 'success', 'failure'] as const) attempt(breaker, verdict, 0)
  assert.equal(breaker.state, 'closed')
  attempt(breaker, 'failure', 0)
  assert.equal(breaker.state, 'open')
})

test('failures that have left the window count no more', () => {
  const breaker = new Breaker()
  for (let index = 0; index < 3; index++) attempt(breaker, 'failure', 0)
  attempt(breaker, 'success', 11_000)
  for (let index = 0; index < 2; index++) attempt(breaker, 'failure', 11_000)
  assert.equal(breaker.state, 'closed')
})

test('as many failures in a row as the least number open it, however good the window was', () => {
  const breaker = new Breaker()
  for (let index = 0; index < 100; index++) attempt(breaker, 'success', 0)
  for (let index = 0; index < 3; index++) attempt(breaker, 'failure', 1)
  assert.equal(breaker.state, 'closed')
  attempt(breaker, 'failure', 1)
  assert.equal(breaker.state, 'open')
})

test('probes: two at a time, doubled waits up to the maximum, closed after two good ones', () => {
  const breaker = new Breaker()
  for (let index = 0; index < 4; index++) attempt(breaker, 'failure', 0)
  assert.equal(attempt(breaker, 'success', 999), 'refused')
  const waits: number[] = []
  let nowMs = 1_000
  for (let round = 0; round < 3; round++) {
    assert.deepEqual([1, 2, 3].map(() => breaker.tryAcquire(settings, nowMs, 0)), ['probe', 'probe', 'refused'])
    const epoch = breaker.currentEpoch
    breaker.finish(settings, 'probe', epoch, 'failure', nowMs)
    // The other probe ends later: it belongs to a time that is over.
    assert.equal(breaker.finish(settings, 'probe', epoch, 'success', nowMs), null)
    waits.push(breaker.waitMs(nowMs))
    nowMs += breaker.waitMs(nowMs)
  }
  assert.deepEqual(waits, [2_000, 3_000, 3_000])
  attempt(breaker, 'success', nowMs)
  assert.equal(breaker.state, 'half_open')
  attempt(breaker, 'success', nowMs)
  assert.equal(breaker.state, 'closed')
})

test('a closed breaker lets a growing share through', () => {
  const ramped = { ...settings, rampMs: 1_000 }
  const breaker = new Breaker()
  for (let index = 0; index < 4; index++) attempt(breaker, 'failure', 0, ramped)
  for (let index = 0; index < 2; index++) attempt(breaker, 'success', 1_000, ramped)
  const share = (nowMs: number): number => Array.from({ length: 100 }, (_, index) => breaker.tryAcquire(ramped, nowMs, index / 100)).filter((permit) => permit === 'normal').length
  assert.deepEqual([share(1_000), share(1_500), share(2_000)], [25, 63, 100])
})

test('it never admits while it is open, and never more probes at a time than configured', () => {
  const step = fc.record({ passMs: fc.nat(900), kind: fc.constantFrom('start', 'end'), verdict: fc.constantFrom<Verdict>('success', 'failure', 'slow', 'none') })
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const breaker = new Breaker()
    const running: { permit: Permit, epoch: number }[] = []
    let nowMs = 0
    for (const { passMs, kind, verdict } of steps) {
      nowMs += passMs
      const first = kind === 'end' ? running.shift() : undefined
      if (first !== undefined) breaker.finish(settings, first.permit, first.epoch, verdict, nowMs)
      if (kind === 'end') continue
      const mustRefuse = breaker.state === 'open' && nowMs < breaker.openUntilMs
      const permit = breaker.tryAcquire(settings, nowMs, 0)
      if (mustRefuse) assert.equal(permit, 'refused')
      if (permit !== 'refused') running.push({ permit, epoch: breaker.currentEpoch })
      const probes = running.filter((one) => one.permit === 'probe' && one.epoch === breaker.currentEpoch)
      if (breaker.state === 'half_open') assert.ok(probes.length <= settings.halfOpenRequests)
    }
  }), { numRuns: 500 })
})

test('a bad probe opens it for the configured time at least, also when that has become longer meanwhile', () => {
  const breaker = new Breaker()
  for (let index = 0; index < 4; index++) attempt(breaker, 'failure', 0)
  const longer = { ...settings, openMs: 5_000, openMaxMs: 50_000 }
  assert.equal(attempt(breaker, 'failure', 1_000, longer), 'probe')
  assert.equal(breaker.waitMs(1_000), 5_000)
})
