import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, failure, labels, scrape, success } from './fixtures.ts'
import { select, valueOf } from './parse-exposition.ts'

test('10,000 distinct models stay within the bound and every attempt is counted', async (t) => {
  const metrics = createMetrics(t, { seriesMax: 2000, customLabels: [] })
  for (let index = 0; index < 10_000; index++) metrics.upstream({ ...labels, model: `model-${index}`, alias: `alias-${index}` }).attemptEnded(success)
  const exposition = await scrape(metrics)
  const samples = select(exposition, 'bifrost_upstream_requests_total')
  assert.equal(samples.length, 1801)
  assert.equal(samples.reduce((total, sample) => total + sample.value, 0), 10_000)
  assert.equal(valueOf(exposition, 'bifrost_upstream_requests_total', { model: 'model-1799' }), 1)
  // What clients choose is gone, what is configured is still there.
  assert.equal(valueOf(exposition, 'bifrost_upstream_requests_total', { model: 'other', alias: 'other', provider: 'openai', selected_key_id: 'key-1' }), 8200)
})

test('a known series is still found when the table is full', async (t) => {
  const metrics = createMetrics(t, { seriesMax: 10 })
  const known = metrics.upstream(labels)
  for (let index = 0; index < 100; index++) metrics.upstream({ ...labels, model: `model-${index}` })
  assert.equal(metrics.upstream(labels), known)
})

test('when configured values overflow too, everything becomes other', async (t) => {
  const metrics = createMetrics(t, { seriesMax: 20 })
  for (let index = 0; index < 1000; index++) metrics.upstream({ ...labels, provider: `p${index}` }).attemptEnded(success)
  const exposition = await scrape(metrics)
  const samples = select(exposition, 'bifrost_upstream_requests_total')
  assert.equal(samples.length, 20)
  assert.equal(samples.reduce((total, sample) => total + sample.value, 0), 1000)
  assert.equal(valueOf(exposition, 'bifrost_upstream_requests_total', { provider: 'other', model: 'other', method: 'other' }), 981)
})

test('a bound of one series works', async (t) => {
  const metrics = createMetrics(t, { seriesMax: 1 })
  for (let index = 0; index < 5; index++) metrics.upstream({ ...labels, model: `model-${index}` }).attemptEnded(success)
  assert.equal(valueOf(await scrape(metrics), 'bifrost_upstream_requests_total', { provider: 'other' }), 5)
})

test('custom label values and HTTP methods are bounded as well', async (t) => {
  const metrics = createMetrics(t, { seriesMax: 50, customLabels: ['tenant'] })
  for (let index = 0; index < 1000; index++) {
    metrics.upstream({ ...labels, custom: [`t${index}`] }).attemptEnded(success)
    metrics.http('/v1/models', `M${index}`, 405, [`t${index}`]).observe({ durationSeconds: 0, requestBytes: 0, responseBytes: 0 })
  }
  const exposition = await scrape(metrics)
  assert.equal(select(exposition, 'bifrost_upstream_requests_total').length, 46)
  assert.equal(select(exposition, 'http_requests_total').length, 46)
  assert.equal(valueOf(exposition, 'http_requests_total', { method: 'other' }), 955)
})

test('error types that an upstream invents are bounded over all series', async (t) => {
  const metrics = createMetrics(t, { seriesMax: 100 })
  for (let index = 0; index < 5000; index++) {
    metrics.upstream({ ...labels, model: `model-${index % 3}` }).attemptEnded({ ...failure, errorType: `invented\n${index}` })
  }
  const samples = select(await scrape(metrics), 'bifrost_error_requests_total')
  assert.equal(samples.length, 103)
  assert.equal(samples.reduce((total, sample) => total + sample.value, 0), 5000)
})
