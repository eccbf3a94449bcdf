import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConcurrencyLimit } from '../../src/pool/concurrency-limit.ts'
import { createRandom } from '../helpers/random.ts'
import { simulate } from './simulated-provider.ts'
import type { Simulation } from './simulated-provider.ts'

const adaptive = { concurrencyMin: 4, latencyTolerance: 2 }
/** Quick up to 20 at once, 100 ms slower for every one more. */
const kneeAt20 = (inFlight: number): number => inFlight <= 20 ? 200 : 200 + (inFlight - 20) * 100

/** @param seed as in the tests' names, so that a failing run can be repeated */
function course (seed: number, more: Partial<Simulation> & Pick<Simulation, 'behaviour'>): ReturnType<typeof simulate> {
  return simulate({ adaptive, demand: () => 500, durationMs: 120_000, random: createRandom(seed), ...more })
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

for (const seed of [1, 2, 3]) {
  test(`beside a provider that gets slow past 20 at once the limit stays from 15 to 30 (seed ${seed})`, () => {
    const { limits, answered } = course(seed, { behaviour: { latencyMs: kneeAt20 } })
    const settled = limits.slice(30)
    assert.ok(Math.min(...settled) >= 15 && Math.max(...settled) <= 30, settled.join(' '))
    // 20 at once at 200 ms are 100 a second; with all 500 at once nobody would be answered in time.
    assert.ok(answered >= 0.5 * 100 * 120, `${answered} answered`)
  })

  test(`with streams among whole answers, which take five times as long, the limit stays about the same (seed ${seed})`, () => {
    const settled = course(seed, { behaviour: { latencyMs: kneeAt20 }, firstByteShare: 0.2 }).limits.slice(30)
    const average = mean(settled)
    assert.ok(average >= 13 && average <= 25, `${average}: ${settled.join(' ')}`)
    assert.ok(Math.max(...settled) <= 35, settled.join(' '))
  })

  test(`beside a provider that shares 20 places among all the limit does not creep up in 15 minutes (seed ${seed})`, () => {
    const sharing = course(seed, { behaviour: { latencyMs: (inFlight) => 200 * Math.max(1, inFlight / 20) }, durationMs: 900_000 })
    const settled = sharing.limits.slice(60)
    // Twice the usual latency is tolerated, and comes with 40 at once.
    assert.ok(Math.min(...settled) >= 15 && Math.max(...settled) <= 55, settled.join(' '))
    assert.ok(sharing.answered >= 0.9 * 100 * 900, `${sharing.answered} answered`)
  })

  test(`beside a provider that refuses past 20 at once the limit stays there, and hardly anything is refused (seed ${seed})`, () => {
    const { limits, answered, refused } = course(seed, { behaviour: { latencyMs: () => 200, concurrencyMax: 20 } })
    const settled = limits.slice(10)
    assert.ok(Math.min(...settled) >= 12 && Math.max(...settled) <= 24, settled.join(' '))
    assert.ok(refused < 0.03 * answered, `${refused} refused, ${answered} answered`)
  })
}

test('a limit that is not used up does not rise', () => {
  assert.deepEqual(new Set(course(1, { behaviour: { latencyMs: () => 200 }, demand: () => 3 }).limits), new Set([4]))
  const { limits } = course(1, { behaviour: { latencyMs: () => 200 }, demand: (nowMs) => nowMs < 20_000 ? 30 : 3 })
  assert.equal(new Set(limits.slice(25)).size, 1, limits.join(' '))
})

test('with nothing in the way the limit is at its ceiling within 16 s of 200 ms answers', () => {
  assert.equal(course(1, { behaviour: { latencyMs: () => 200 }, demand: () => 2_000, durationMs: 16_000 }).limits.at(-1), 1_000)
})

test('answers that take longer for good bring the limit to its floor and then up again', () => {
  let nowMs = 0
  const { limits } = course(1, { behaviour: { latencyMs: () => nowMs < 30_000 ? 200 : 1_500 }, demand: (atMs) => { nowMs = atMs; return 100 }, durationMs: 180_000 })
  assert.equal(Math.min(...limits.slice(30)), 4)
  assert.ok((limits.at(-1) as number) >= 50, limits.join(' '))
})

test('refusals of one round trip cut the limit once, those of the next one again', () => {
  const limit = new ConcurrencyLimit({ limitMin: 1, limitMax: 1_000, latencyTolerance: 2 })
  limit.setBounds({ limitMin: 100, limitMax: 1_000, latencyTolerance: 2 })
  limit.setBounds({ limitMin: 1, limitMax: 1_000, latencyTolerance: 2 })
  assert.equal(limit.value, 100)
  for (let count = 0; count < 50; count++) limit.observe(false, 300, 'overloaded', 1_000 + count)
  assert.equal(limit.value, 75)
  limit.observe(false, 100, 'overloaded', 1_099)
  assert.equal(limit.value, 75, 'it began before the cut')
  limit.observe(false, 100, 'overloaded', 1_100)
  assert.equal(limit.value, 56)
})

test('an attempt that nobody waited for counts only when it already took too long', () => {
  const run = (abandonedMs: number): number => {
    const limit = new ConcurrencyLimit({ limitMin: 1, limitMax: 64, latencyTolerance: 2 })
    limit.setBounds({ limitMin: 50, limitMax: 64, latencyTolerance: 2 })
    limit.setBounds({ limitMin: 1, limitMax: 64, latencyTolerance: 2 })
    for (let count = 0; count < 10; count++) limit.observe(false, 100, 'success', count)
    for (let count = 0; count < 400; count++) limit.observe(false, abandonedMs, 'abandoned', 1_000 + count * 200)
    return limit.value
  }
  assert.equal(run(150), 50)
  assert.ok(run(5_000) < 25, `${run(5_000)}`)
})

test('the limit is from floor to ceiling whatever happens, also while these move', () => {
  const event = fc.oneof(
    fc.record({ do: fc.constant('observe' as const), stream: fc.boolean(), verdict: fc.constantFrom('success' as const, 'overloaded' as const, 'abandoned' as const), latencyMs: fc.double({ min: 0, max: 1e6, noNaN: true }), afterMs: fc.nat(5_000), times: fc.nat(30) }),
    fc.record({ do: fc.constant('start' as const), inFlight: fc.nat(2_000) }),
    fc.record({ do: fc.constant('bounds' as const), limitMin: fc.integer({ min: 1, max: 50 }), more: fc.nat(1_000) }))
  fc.assert(fc.property(fc.array(event, { maxLength: 100 }), fc.double({ min: 1, max: 10, noNaN: true }), (list, latencyTolerance) => {
    let [limitMin, limitMax, nowMs] = [4, 100, 0]
    const limit = new ConcurrencyLimit({ limitMin, limitMax, latencyTolerance })
    for (const step of list) {
      if (step.do === 'start') limit.onStart(step.inFlight)
      else if (step.do === 'bounds') {
        [limitMin, limitMax] = [step.limitMin, step.limitMin + step.more]
        limit.setBounds({ limitMin, limitMax, latencyTolerance })
      } else for (let count = 0; count < step.times; count++) limit.observe(step.stream, step.latencyMs, step.verdict, nowMs += step.afterMs)
      assert.ok(Number.isInteger(limit.value) && limit.value >= limitMin && limit.value <= limitMax, `${limit.value} of ${limitMin}..${limitMax}`)
    }
  }), { numRuns: 1_000 })
})
