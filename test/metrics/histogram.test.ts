import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from '../../src/metrics/histogram.ts'
import type { Sample } from '../../src/metrics/series-metric.ts'
import { createMetrics, labels, scrape, success } from './fixtures.ts'
import { select, valueOf } from './parse-exposition.ts'

test('a value goes into the bucket whose upper bound includes it', () => {
  const histogram = new Histogram([1, 10])
  for (const value of [0, 0.5, 1, 1.0001, 10, 10.5, 1e9]) histogram.observe(value)
  const samples: Sample[] = []
  histogram.collect('h', { a: 'b' }, samples)
  assert.deepEqual(samples.map(({ metricName, labels, value }) => [metricName, labels.le, value]), [
    ['h_bucket', 1, 3], ['h_bucket', 10, 5], ['h_bucket', '+Inf', 7],
    ['h_sum', undefined, 1_000_000_023.0001], ['h_count', undefined, 7]
  ])
})

test('NaN, infinities and negative values count as 0 and do not spoil the sum', () => {
  const histogram = new Histogram([1])
  for (const value of [NaN, Infinity, -Infinity, -5, 0.5]) histogram.observe(value)
  const samples: Sample[] = []
  histogram.collect('h', {}, samples)
  assert.deepEqual(samples.map((sample) => sample.value), [5, 5, 0.5, 5])
})

test('exposed buckets are cumulative, end in +Inf and agree with _count and _sum', async (t) => {
  const metrics = createMetrics(t)
  const series = metrics.upstream(labels)
  const values = [0.001, 0.02, 0.02, 0.7, 3, 200]
  for (const latencySeconds of values) series.attemptEnded({ ...success, latencySeconds })
  series.attemptEnded({ ...success, success: false, latencySeconds: 1 })
  const exposition = await scrape(metrics)
  const name = 'bifrost_upstream_latency_seconds'
  const buckets = select(exposition, `${name}_bucket`, { is_success: 'true' })
  assert.deepEqual(buckets.map((sample) => sample.labels.le), ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '15', '30', '45', '60', '90', '+Inf'])
  assert.deepEqual(buckets.map((sample) => sample.value), [1, 1, 3, 3, 3, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5, 5, 6])
  assert.equal(valueOf(exposition, `${name}_count`, { is_success: 'true' }), 6)
  assert.equal(valueOf(exposition, `${name}_sum`, { is_success: 'true' }), values.reduce((sum, value) => sum + value, 0))
  assert.equal(valueOf(exposition, `${name}_count`, { is_success: 'false' }), 1)
})

test('stream histograms exist only for series that streamed', async (t) => {
  const metrics = createMetrics(t)
  metrics.upstream(labels).attemptEnded(success)
  const stream = metrics.upstream({ ...labels, method: 'chat_completion_stream' })
  stream.attemptEnded({ ...success, firstTokenSeconds: 0 })
  stream.interToken(0.02)
  const exposition = await scrape(metrics)
  assert.equal(valueOf(exposition, 'bifrost_stream_first_token_latency_seconds_count'), 1)
  assert.equal(valueOf(exposition, 'bifrost_stream_inter_token_latency_seconds_bucket', { le: '0.025' }), 1)
  assert.equal(valueOf(exposition, 'bifrost_stream_inter_token_latency_seconds_bucket', { le: '0.01' }), 0)
})
