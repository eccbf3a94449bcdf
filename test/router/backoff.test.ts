import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RetrySettings } from '../../src/api/settings.ts'
import { toBackoffMs } from '../../src/router/backoff.ts'

const settings: RetrySettings = { maxRetries: 10, backoffInitialMs: 500, backoffMaxMs: 5_000, budgetShare: 0.2 }

test('the pause doubles and varies by a fifth, up to its maximum', () => {
  const cases: [retry: number, random: number, expected: number][] = [
    [1, 0, 400], [1, 0.5, 500], [1, 0.75, 550],
    [2, 0, 800], [2, 0.5, 1_000],
    [3, 0.5, 2_000], [4, 0, 3_200], [4, 0.5, 4_000], [4, 0.75, 4_400],
    // Past the maximum it varies downwards only.
    [5, 0, 4_000], [5, 0.25, 4_500], [5, 0.5, 5_000], [5, 0.99, 5_000], [100, 0, 4_000], [2_000, 0.5, 5_000]
  ]
  for (const [retry, random, expected] of cases) assert.equal(Math.round(toBackoffMs(settings, retry, random)), expected, `retry ${retry}, random ${random}`)
})

test('no pause is longer than the maximum or further than a fifth from its base', () => {
  fc.assert(fc.property(fc.nat(60_000), fc.nat(60_000), fc.integer({ min: 1, max: 101 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (first, second, retry, random) => {
    const backoffInitialMs = Math.min(first, second)
    const backoffMaxMs = Math.max(first, second)
    let base = backoffInitialMs
    for (let step = 1; step < retry && base < backoffMaxMs; step++) base *= 2
    base = Math.min(base, backoffMaxMs)
    const pauseMs = toBackoffMs({ ...settings, backoffInitialMs, backoffMaxMs }, retry, random)
    assert.ok(pauseMs >= base * 0.8 - 1e-6 && pauseMs <= Math.min(backoffMaxMs, base * 1.2 + 1e-6), `${pauseMs} of ${base}`)
  }), { numRuns: 2000 })
})
