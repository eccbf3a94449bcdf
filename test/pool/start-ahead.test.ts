import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProviderSettings } from '../../src/api/settings.ts'
import { startAhead } from '../../src/pool/start-ahead.ts'

interface FakePool { settings: ProviderSettings, hasThreads: boolean, startThreads: () => void }

function createPool (threads: number, { hasThreads = false, unavailableReason = null as string | null } = {}): FakePool {
  const pool: FakePool = { settings: { threads, unavailableReason } as ProviderSettings, hasThreads, startThreads: () => { pool.hasThreads = true } }
  return pool
}

function startOf (pools: FakePool[], coreCount: number): boolean[] {
  startAhead(pools, coreCount)
  return pools.map(({ hasThreads }) => hasThreads)
}

test('pools start in order, until as many threads run as there are cores', () => {
  assert.deepEqual(startOf([createPool(1), createPool(1), createPool(1)], 2), [true, true, false])
  assert.deepEqual(startOf([createPool(8), createPool(1)], 2), [true, false])
  assert.deepEqual(startOf([createPool(1), createPool(8), createPool(1)], 2), [true, true, false])
  assert.deepEqual(startOf([createPool(2)], 1), [true])
})

test('threads that run already count, wherever their pool stands', () => {
  assert.deepEqual(startOf([createPool(1), createPool(1), createPool(2, { hasThreads: true })], 2), [false, false, true])
  assert.deepEqual(startOf([createPool(1), createPool(1), createPool(1, { hasThreads: true })], 2), [true, false, true])
})

test('a provider that cannot answer gets none', () => {
  assert.deepEqual(startOf([createPool(1, { unavailableReason: 'no key: set OPENAI_API_KEY' }), createPool(1)], 1), [false, true])
})
