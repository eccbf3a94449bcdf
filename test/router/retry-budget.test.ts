import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RetryBudget } from '../../src/router/retry-budget.ts'

/** How many retries are granted in a row. */
function granted (budget: RetryBudget, share: number, nowMs: number): number {
  let count = 0
  while (count < 10_000 && budget.tryTake(share, nowMs)) count++
  return count
}

test('a provider without traffic may retry ten times at once, and ten times more after ten seconds', () => {
  const budget = new RetryBudget()
  assert.equal(granted(budget, 0.2, 50_000), 10)
  assert.equal(granted(budget, 0.2, 50_999), 0)
  assert.equal(granted(budget, 0.2, 51_000), 1)
  assert.equal(granted(budget, 0.2, 54_000), 3)
  assert.equal(granted(budget, 0.2, 64_000), 10)
  assert.equal(granted(budget, 0.2, 1_000_000), 10)
})

test('requests earn their share of retries on top', () => {
  const budget = new RetryBudget()
  for (let request = 0; request < 100; request++) budget.onRequest(0.25)
  assert.equal(granted(budget, 0.25, 0), 35)
  for (let request = 0; request < 7; request++) budget.onRequest(0.5)
  assert.equal(granted(budget, 0.5, 0), 3)
  budget.onRequest(0.5)
  assert.equal(granted(budget, 0.5, 0), 1)
})

test('a share of 0 allows no retry at all, a share of 1 one per request', () => {
  const budget = new RetryBudget()
  budget.onRequest(0)
  assert.equal(budget.tryTake(0, 0), false)
  assert.equal(budget.tryTake(0, 1_000_000), false)
  const generous = new RetryBudget()
  for (let request = 0; request < 50; request++) generous.onRequest(1)
  assert.equal(granted(generous, 1, 0), 60)
})

test('quiet times save up 500 retries at most', () => {
  const budget = new RetryBudget()
  for (let request = 0; request < 100_000; request++) budget.onRequest(0.2)
  assert.equal(granted(budget, 0.2, 0), 500)
})

test('retries never pass the floor, what time brings and the share of requests', () => {
  const events = fc.array(fc.record({ passMs: fc.nat(3_000), requests: fc.nat(20), retries: fc.nat(20) }), { maxLength: 60 })
  fc.assert(fc.property(events, fc.integer({ min: 1, max: 100 }), (steps, percent) => {
    const budget = new RetryBudget()
    const share = percent / 100
    let nowMs = 0
    let requests = 0
    let retries = 0
    for (const step of steps) {
      nowMs += step.passMs
      for (let request = 0; request < step.requests; request++) budget.onRequest(share)
      requests += step.requests
      for (let retry = 0; retry < step.retries; retry++) if (budget.tryTake(share, nowMs)) retries++
      assert.ok(retries <= 10 + nowMs / 1_000 + requests * share + 1e-6, `${retries} retries`)
    }
  }), { numRuns: 500 })
})
