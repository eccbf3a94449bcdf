import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HedgeBudget } from '../../src/router/hedge-budget.ts'

function taken (budget: HedgeBudget): number {
  let count = 0
  while (budget.allowsOne && count < 1_000) {
    budget.take()
    count++
  }
  return count
}

test('nothing is given before requests have earned it', () => {
  const budget = new HedgeBudget()
  assert.equal(taken(budget), 0)
  for (let request = 0; request < 4; request++) budget.onRequest(0.25)
  assert.equal(taken(budget), 1)
  for (let request = 0; request < 10; request++) budget.onRequest(0.25)
  assert.equal(taken(budget), 2)
  for (let request = 0; request < 2; request++) budget.onRequest(0.25)
  assert.equal(taken(budget), 1)
})

test('a share of 0 gives none, a share of 1 one per request', () => {
  const budget = new HedgeBudget()
  for (let request = 0; request < 1_000; request++) budget.onRequest(0)
  assert.equal(taken(budget), 0)
  budget.onRequest(1)
  assert.equal(taken(budget), 1)
})

test('a quiet time saves ten', () => {
  const budget = new HedgeBudget()
  for (let request = 0; request < 1_000; request++) budget.onRequest(0.5)
  assert.equal(taken(budget), 10)
})
