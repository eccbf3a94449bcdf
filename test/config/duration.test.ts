import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationToMs } from '../../src/config/duration.ts'
import { loadProvider, providerProblems } from './load-text.ts'

test('a duration is a number of milliseconds or amounts with units, added up', () => {
  const cases: [number | string, number][] = [
    [0, 0], [500, 500], ['500ms', 500], ['0s', 0], ['1.5s', 1_500], ['1m', 60_000], ['1m30s', 90_000], ['2h', 7_200_000], ['1h2m3s', 3_723_000], ['1h2m3.004s', 3_723_004],
    ['1s500ms', 1_500], ['1500us', 1.5], ['1500µs', 1.5], ['1000000ns', 1], ['1m1ms', 60_001], ['30s1m', 90_000]
  ]
  for (const [value, expected] of cases) assert.equal(Math.round(durationToMs(value) * 1e6) / 1e6, expected, String(value))
})

test('retry settings come from numbers and durations alike', () => {
  const retryOf = (network: object): unknown => loadProvider('ollama', { network_config: network }).retry
  assert.deepEqual(retryOf({ max_retries: 2, retry_backoff_initial: '0.25s', retry_backoff_max: '1m', retry_budget_percent: 5 }), { maxRetries: 2, backoffInitialMs: 250, backoffMaxMs: 60_000, budgetShare: 0.05 })
  assert.deepEqual(retryOf({ max_retries: 1, retry_backoff_initial: 100, retry_backoff_max: 400, retry_budget_percent: 0 }), { maxRetries: 1, backoffInitialMs: 100, backoffMaxMs: 400, budgetShare: 0 })
  // A maximum below the first pause is raised to it.
  assert.deepEqual(retryOf({ retry_backoff_initial: '2s', retry_backoff_max: 10 }), { maxRetries: 0, backoffInitialMs: 2_000, backoffMaxMs: 2_000, budgetShare: 0.2 })
})

test('what is no duration is refused with what is', () => {
  for (const value of ['soon', '5', '', '1 s', '-1s', '1.s', '.5s', '1d', '1S']) {
    assert.deepEqual(providerProblems('ollama', { network_config: { retry_backoff_max: value } }), [
      `providers.ollama.network_config.retry_backoff_max = ${JSON.stringify(value)}: must be an integer >= 0, or a duration like "500ms", "1.5s", "1m"`
    ])
  }
})
