import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, failure, labels, providerReading, scrape, success } from './fixtures.ts'

const base = ['provider', 'model', 'alias', 'method', 'virtual_key_id', 'virtual_key_name', 'routing_engine_used', 'routing_rule_id', 'routing_rule_name', 'complexity_tier', 'complexity_mechanism', 'selected_key_id', 'selected_key_name', 'fallback_index', 'team_id', 'team_name', 'customer_id', 'customer_name', 'tenant']
const http = ['path', 'method', 'status', 'tenant']

const expected: Record<string, [type: string, labels: string[]]> = {
  http_requests_total: ['counter', http],
  http_request_duration_seconds: ['histogram', http],
  http_request_size_bytes: ['histogram', http],
  http_response_size_bytes: ['histogram', http],
  bifrost_upstream_requests_total: ['counter', base],
  bifrost_success_requests_total: ['counter', base],
  bifrost_error_requests_total: ['counter', [...base, 'status_code', 'error_type']],
  bifrost_upstream_latency_seconds: ['histogram', [...base, 'is_success']],
  bifrost_overhead_latency_microseconds: ['histogram', base],
  bifrost_input_tokens_total: ['counter', base],
  bifrost_output_tokens_total: ['counter', base],
  bifrost_estimated_output_tokens_total: ['counter', base],
  bifrost_cost_total: ['counter', base],
  bifrost_stream_first_token_latency_seconds: ['histogram', base],
  bifrost_stream_inter_token_latency_seconds: ['histogram', base],
  bifrost_request_retries: ['histogram', []],
  bifrost_retries_total: ['counter', ['provider', 'reason']],
  bifrost_key_rotation_events_total: ['counter', ['provider', 'requested_model', 'key_id', 'key_name', 'fail_reason']],
  bifrost_fallbacks_total: ['counter', ['provider', 'fallback_provider', 'reason']],
  bifrost_hedges_total: ['counter', ['provider', 'hedge_provider', 'result']],
  bifrost_breaker_transitions_total: ['counter', ['provider', 'state']],
  bifrost_single_flight_joins_total: ['counter', ['provider']],
  bifrost_unpriced_requests_total: ['counter', ['provider']],
  bifrost_breakers_open: ['gauge', ['provider']],
  bifrost_client_connections: ['gauge', []],
  bifrost_client_connections_refused_total: ['counter', []],
  bifrost_active_requests: ['gauge', ['method']],
  bifrost_provider_key_up: ['gauge', ['provider', 'key_id', 'key_name']],
  bifrost_queue_depth: ['gauge', ['provider']],
  bifrost_queue_blocked: ['gauge', ['provider']],
  bifrost_queue_wait_seconds: ['histogram', ['provider']],
  bifrost_in_flight: ['gauge', ['provider']],
  bifrost_thread_in_flight: ['gauge', ['provider', 'thread']],
  bifrost_ring_used_bytes: ['gauge', ['provider', 'thread']],
  bifrost_ring_capacity_bytes: ['gauge', ['provider', 'thread']],
  bifrost_thread_restarts_total: ['counter', ['provider', 'reason']],
  bifrost_requests_dropped_total: ['counter', ['provider']],
  bifrost_sheds_total: ['counter', ['provider', 'priority']],
  bifrost_concurrency_limit: ['gauge', ['provider', 'model']],
  bifrost_timeouts_total: ['counter', ['provider', 'timeout']],
  bifrost_event_loop_delay_seconds: ['gauge', ['thread', 'quantile']],
  bifrost_pool_objects: ['gauge', ['pool', 'state']],
  bifrost_config_reloads_total: ['counter', ['result']],
  bifrost_build_info: ['gauge', ['version', 'node']]
}

test('every metric has its pinned name, type and label names', async (t) => {
  const metrics = createMetrics(t, { customLabels: ['tenant'] })
  const series = metrics.upstream({ ...labels, custom: ['acme'] })
  series.attemptEnded({ ...success, firstTokenSeconds: 0.1 })
  series.attemptEnded(failure)
  series.interToken(0.01)
  metrics.http('/v1/chat/completions', 'POST', 200, ['acme']).observe({ durationSeconds: 1, requestBytes: 1, responseBytes: 1 })
  metrics.activeStart('chat_completion')
  metrics.retries(2)
  metrics.count('retries', ['openai', 'transient'])
  metrics.count('keyRotations', ['openai', 'gpt-4o', 'k1', 'primary', 'key_passing'])
  metrics.count('fallbacks', ['openai', 'groq', 'transient'])
  metrics.count('hedges', ['openai', 'groq', 'won'])
  metrics.count('breakerTransitions', ['openai', 'open'])
  metrics.count('configReloads', ['applied'])
  metrics.count('singleFlightJoins', ['openai'])
  metrics.count('unpriced', ['openai'])
  metrics.provider('openai').queueWait.observe(0.1)
  metrics.registerProvider('openai', () => providerReading())
  metrics.registerPool('job', () => ({ free: 1, used: 2 }))
  metrics.registerConnections({ open: 3, refused: 1 })

  const exposition = await scrape(metrics)
  const ours = [...exposition.types.keys()].filter((name) => /^(bifrost|http)_/.test(name))
  assert.deepEqual(ours.toSorted(), Object.keys(expected).toSorted())
  for (const [name, [type, labelNames]] of Object.entries(expected)) {
    assert.equal(exposition.types.get(name), type, name)
    const names = type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
    for (const sampleName of names) {
      const samples = exposition.samples.filter((sample) => sample.name === sampleName)
      assert.ok(samples.length > 0, `${sampleName} has a sample`)
      const wanted = sampleName.endsWith('_bucket') ? [...labelNames, 'le'] : labelNames
      for (const sample of samples) assert.deepEqual(Object.keys(sample.labels).toSorted(), wanted.toSorted(), sampleName)
    }
  }
})

test('the default process metrics are in the same exposition', async (t) => {
  const exposition = await scrape(createMetrics(t))
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_heap_size_used_bytes', 'nodejs_version_info']) {
    assert.ok(exposition.types.has(name), name)
  }
})

test('the content type is the one of the text format', (t) => {
  assert.equal(createMetrics(t).contentType, 'text/plain; version=0.0.4; charset=utf-8')
})
