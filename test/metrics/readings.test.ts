import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventLoopDelayMonitor } from '../../src/metrics/event-loop-delay.ts'
import { createMetrics, providerReading, scrape } from './fixtures.ts'
import { select, valueOf } from './parse-exposition.ts'

test('the state of a provider is read at the scrape, once', async (t) => {
  const metrics = createMetrics(t)
  let reads = 0
  metrics.registerProvider('openai', () => providerReading({ queueDepth: ++reads }))
  const exposition = await scrape(metrics)
  const value = (name: string, labels: Record<string, string> = {}) => valueOf(exposition, name, { provider: 'openai', ...labels })
  assert.equal(reads, 1)
  assert.equal(value('bifrost_queue_depth'), 1)
  assert.equal(value('bifrost_queue_blocked'), 2)
  assert.equal(value('bifrost_in_flight'), 7)
  assert.equal(value('bifrost_thread_in_flight', { thread: '1' }), 4)
  assert.equal(value('bifrost_ring_used_bytes', { thread: '0' }), 64)
  assert.equal(value('bifrost_ring_capacity_bytes', { thread: '1' }), 1024)
  assert.equal(value('bifrost_requests_dropped_total'), 11)
  assert.deepEqual(['high', 'normal', 'low'].map((priority) => value('bifrost_sheds_total', { priority })), [1, 2, 8])
  assert.equal(value('bifrost_concurrency_limit', { model: 'gpt-4o-mini' }), 17)
  assert.deepEqual(['exit', 'out_of_memory', 'unresponsive'].map((reason) => value('bifrost_thread_restarts_total', { reason })), [1, 2, 3])
  assert.deepEqual(['connect', 'response_header', 'stream_idle', 'total'].map((timeout) => value('bifrost_timeouts_total', { timeout })), [4, 5, 6, 7])
  assert.equal(value('bifrost_provider_key_up', { key_id: 'key-1', key_name: 'primary' }), 1)
  assert.equal(value('bifrost_provider_key_up', { key_id: 'key-2', key_name: 'spare' }), 0)
  assert.equal(valueOf(exposition, 'bifrost_event_loop_delay_seconds', { thread: 'openai/1', quantile: 'p99' }), 0.005)
  assert.equal(select(exposition, 'bifrost_event_loop_delay_seconds', { thread: 'front' }).length, 3)
})

test('registering a provider again replaces it, unregistering removes all its series', async (t) => {
  const metrics = createMetrics(t)
  metrics.registerProvider('openai', () => providerReading({ inFlight: 1 }))
  metrics.registerProvider('openai', () => providerReading({ inFlight: 2, threads: [] }))
  metrics.registerProvider('mock', () => providerReading({ inFlight: 3 }))
  metrics.provider('openai').queueWait.observe(0.5)
  assert.equal(metrics.provider('openai').queueWait, metrics.provider('openai').queueWait)
  const before = await scrape(metrics)
  assert.equal(valueOf(before, 'bifrost_in_flight', { provider: 'openai' }), 2)
  assert.equal(select(before, 'bifrost_ring_used_bytes', { provider: 'openai' }).length, 0)
  assert.equal(valueOf(before, 'bifrost_queue_wait_seconds_count', { provider: 'openai' }), 1)
  metrics.unregisterProvider('openai')
  metrics.unregisterProvider('openai')
  const after = await scrape(metrics)
  assert.equal(after.samples.filter((sample) => sample.labels.provider === 'openai').length, 0)
  assert.equal(valueOf(after, 'bifrost_in_flight', { provider: 'mock' }), 3)
})

test('a reader that throws or gives nonsense does not cost the scrape', async (t) => {
  const errors: unknown[] = []
  const metrics = createMetrics(t, { onReadError: (error) => errors.push(error) })
  metrics.registerProvider('broken', () => { throw new Error('gone') })
  metrics.registerProvider('odd', () => providerReading({ dropped: -1, queueDepth: NaN }))
  const exposition = await scrape(metrics)
  assert.equal(errors.length, 1)
  assert.equal(valueOf(exposition, 'bifrost_requests_dropped_total', { provider: 'odd' }), 0)
  assert.equal(valueOf(exposition, 'bifrost_queue_depth', { provider: 'odd' }), 0)
  assert.equal(select(exposition, 'bifrost_queue_depth', { provider: 'broken' }).length, 0)
})

test('pools report free and used objects until they are unregistered', async (t) => {
  const metrics = createMetrics(t)
  metrics.registerPool('job', () => ({ free: 5, used: 3 }))
  const exposition = await scrape(metrics)
  assert.equal(valueOf(exposition, 'bifrost_pool_objects', { pool: 'job', state: 'free' }), 5)
  assert.equal(valueOf(exposition, 'bifrost_pool_objects', { pool: 'job', state: 'used' }), 3)
  metrics.unregisterPool('job')
  assert.equal(select(await scrape(metrics), 'bifrost_pool_objects').length, 0)
})

test('build info names the version', async (t) => {
  const metrics = createMetrics(t, { version: '1.2.3' })
  assert.equal(valueOf(await scrape(metrics), 'bifrost_build_info', { version: '1.2.3', node: process.version }), 1)
})

test('a blocked event loop shows as delay, without the resolution of the timer', async (t) => {
  const monitor = new EventLoopDelayMonitor()
  t.after(() => monitor.close())
  await new Promise((resolve) => setTimeout(resolve, 60))
  monitor.take()
  await new Promise((resolve) => setTimeout(resolve, 60))
  const end = performance.now() + 150
  while (performance.now() < end);
  await new Promise((resolve) => setTimeout(resolve, 60))
  const delay = monitor.take()
  assert.ok(delay.maxSeconds >= 0.1 && delay.maxSeconds < 1, `max ${delay.maxSeconds}`)
  assert.ok(delay.p50Seconds < 0.02, `p50 ${delay.p50Seconds}`)
  assert.deepEqual(monitor.take(), { p50Seconds: 0, p99Seconds: 0, maxSeconds: 0 })
})
