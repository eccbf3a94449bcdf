import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProviderHealth } from '../../src/router/health.ts'

test('there is no percentile before so many answers were seen as are asked for', () => {
  const health = new ProviderHealth()
  for (let count = 0; count < 100; count++) {
    assert.equal(health.slowLatencyMs(100), null)
    health.observeLatency(7)
  }
  assert.equal(health.slowLatencyMs(100), 7)
  assert.equal(health.slowLatencyMs(101), null)
})

test('one answer of twenty is slower than the percentile', () => {
  const health = new ProviderHealth()
  for (let latencyMs = 1; latencyMs <= 100; latencyMs++) health.observeLatency(latencyMs)
  // 96 to 100 are the slowest 5 %; the first of them is where they begin.
  assert.equal(health.slowLatencyMs(1), 96)
})

test('the percentile is of the latest 512 answers, and at most 16 answers old', () => {
  const health = new ProviderHealth()
  for (let count = 0; count < 512; count++) health.observeLatency(1_000)
  assert.equal(health.slowLatencyMs(512), 1_000)
  for (let count = 0; count < 512 - 16; count++) health.observeLatency(10)
  // 16 of 512 are still slow, fewer than one of twenty.
  assert.equal(health.slowLatencyMs(512), 10)
  for (let count = 0; count < 15; count++) health.observeLatency(5_000)
  assert.equal(health.slowLatencyMs(512), 10)
  for (let count = 0; count < 50; count++) health.observeLatency(5_000)
  assert.equal(health.slowLatencyMs(512), 5_000)
})
