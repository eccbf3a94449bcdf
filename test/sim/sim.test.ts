import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate } from './simulation.ts'
import type { SimulationResult } from './simulation.ts'

const seeds = 30

test('every rule holds in the first seeds, and they see what they are for', async () => {
  const results: SimulationResult[] = []
  for (let seed = 0; seed < seeds; seed++) {
    const result = await simulate(seed)
    assert.equal(result.violation, null, `seed ${seed}: ${JSON.stringify(result.violation)}\n${result.last.join('\n')}`)
    results.push(result)
  }
  const sum = (read: (result: SimulationResult) => number): number => results.reduce((total, result) => total + read(result), 0)
  // A simulator that tries nothing finds nothing.
  assert.ok(sum(({ requests }) => requests) > seeds * 200)
  for (const ending of ['answered', 'closed', 'failed', 'gone']) assert.ok(sum(({ endings }) => endings[ending] ?? 0) > 500, ending)
  for (const code of ['BIFROST_REQUEST_DROPPED', 'BIFROST_DEADLINE_EXCEEDED', 'BIFROST_KEYS_RESTING', 'BIFROST_CIRCUIT_OPEN', 'BIFROST_UPSTREAM_TRUNCATED', 'BIFROST_WORKER_LOST', 'BIFROST_SLOW_CLIENT']) {
    assert.ok(sum(({ codes }) => codes[code] ?? 0) > 0, code)
  }
  for (const name of ['retries', 'breakerOpenings', 'threadsLost', 'hedges', 'reloads'] as const) assert.ok(sum((result) => result[name]) > 100, name)
  assert.ok(sum(({ displaced }) => displaced) > 20)
})

test('a seed is the same world every time, event by event, and another seed is another one', async () => {
  const [first, again, other] = [await simulate(7), await simulate(7), await simulate(8)]
  assert.ok(first.events > 500)
  assert.deepEqual(again, first)
  assert.notEqual(other.hash, first.hash)
})
