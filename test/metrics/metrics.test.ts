import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, failure, labels, scrape, success } from './fixtures.ts'
import { parseExposition, select, valueOf } from './parse-exposition.ts'

test('totals are exact after many updates', async (t) => {
  const metrics = createMetrics(t)
  for (let index = 0; index < 100_000; index++) {
    const end = index % 10 === 0 ? failure : success
    metrics.upstream({ ...labels, model: `model-${index % 4}` }).attemptEnded(end)
    metrics.http('/v1/chat/completions', 'POST', end.statusCode).observe({ durationSeconds: 0.5, requestBytes: 230, responseBytes: 700 })
  }
  const exposition = await scrape(metrics)
  const sum = (name: string) => select(exposition, name).reduce((total, sample) => total + sample.value, 0)
  assert.equal(select(exposition, 'bifrost_upstream_requests_total').length, 4)
  assert.equal(sum('bifrost_upstream_requests_total'), 100_000)
  assert.equal(sum('bifrost_success_requests_total'), 90_000)
  assert.equal(sum('bifrost_error_requests_total'), 10_000)
  assert.equal(sum('bifrost_input_tokens_total'), 270_000)
  assert.equal(sum('bifrost_output_tokens_total'), 450_000)
  assert.equal(sum('bifrost_cost_total'), 45_000)
  assert.equal(sum('bifrost_upstream_latency_seconds_count'), 100_000)
  assert.equal(valueOf(exposition, 'http_requests_total', { status: '200' }), 90_000)
  assert.equal(valueOf(exposition, 'http_requests_total', { status: '429' }), 10_000)
  assert.equal(valueOf(exposition, 'http_response_size_bytes_sum', { status: '429' }), 7_000_000)
})

test('two scrapes give the same totals, and scrapes at the same time share one text', async (t) => {
  const metrics = createMetrics(t)
  metrics.upstream(labels).attemptEnded(success)
  metrics.upstream(labels).attemptEnded(failure)
  metrics.registerProvider('openai', () => ({ queueDepth: 0, queueBlocked: 0, inFlight: 0, dropped: 9, sheds: { high: 0, normal: 9, low: 0 }, limits: [], threads: [], restarts: { exit: 1, out_of_memory: 0, unresponsive: 0 }, timeouts: { connect: 0, response_header: 0, first_token: 0, stream_idle: 0, total: 0 }, breakersOpen: 0, keys: [] }))
  const totals = (text: string) => parseExposition(text).samples.filter((sample) => sample.name.startsWith('bifrost_') && sample.name !== 'bifrost_event_loop_delay_seconds')
  const first = await metrics.text()
  const second = await metrics.text()
  assert.equal(totals(first).length > 20, true)
  assert.deepEqual(totals(second), totals(first))
  assert.equal(valueOf(parseExposition(second), 'bifrost_requests_dropped_total'), 9)
  const [a, b] = await Promise.all([metrics.text(), metrics.text()])
  assert.equal(a, b)
})

test('the same label values give the same series object, whatever string objects carry them', (t) => {
  const metrics = createMetrics(t, { customLabels: ['tenant'] })
  const copy = JSON.parse(JSON.stringify(labels)) as typeof labels
  assert.equal(metrics.upstream(labels), metrics.upstream(copy))
  assert.notEqual(metrics.upstream(labels), metrics.upstream({ ...labels, fallbackIndex: 1 }))
  assert.notEqual(metrics.upstream(labels), metrics.upstream({ ...labels, custom: ['acme'] }))
  // One value that holds the separators of a key must not look like two.
  assert.notEqual(metrics.upstream({ ...labels, model: 'a\nb', alias: 'c' }), metrics.upstream({ ...labels, model: 'a', alias: 'b\nc' }))
})

test('every label of an attempt is where it belongs, unknown ones are empty', async (t) => {
  const metrics = createMetrics(t, { customLabels: ['tenant', 'region'] })
  metrics.upstream({ ...labels, alias: 'fast', fallbackIndex: 2, custom: ['acme'] }).attemptEnded(success)
  const sample = select(await scrape(metrics), 'bifrost_upstream_requests_total')[0]!
  assert.deepEqual(sample.labels, {
    provider: 'openai',
    model: 'gpt-4o-mini',
    alias: 'fast',
    method: 'chat_completion',
    virtual_key_id: '',
    virtual_key_name: '',
    routing_engine_used: '',
    routing_rule_id: '',
    routing_rule_name: '',
    complexity_tier: '',
    complexity_mechanism: '',
    selected_key_id: 'key-1',
    selected_key_name: 'primary',
    fallback_index: '2',
    team_id: '',
    team_name: '',
    customer_id: '',
    customer_name: '',
    tenant: 'acme',
    region: ''
  })
})

test('hostile label values are bounded, on one line and come back as they were', async (t) => {
  const metrics = createMetrics(t)
  const cases: [given: string, exposed: string][] = [
    ['a"b', 'a"b'],
    ['back\\slash\\n', 'back\\slash\\n'],
    ['new\nline\r\u0000', 'new_line__'],
    ['"} 1\nfake_metric 2', '"} 1_fake_metric 2'],
    ['lone \ud800 surrogate, pair \u{1f600}', 'lone _ surrogate, pair \u{1f600}'],
    ['x'.repeat(5000), 'x'.repeat(128)],
    ['__proto__', '__proto__'],
    ['', '']
  ]
  for (const [given] of cases) metrics.upstream({ ...labels, model: given }).attemptEnded(success)
  const text = await metrics.text()
  const models = select(parseExposition(text), 'bifrost_upstream_requests_total').map((sample) => sample.labels.model)
  assert.deepEqual(models, cases.map(([, exposed]) => exposed))
  assert.doesNotMatch(text, /^fake_metric/m)
  assert.equal(text.isWellFormed(), true)
})

test('a custom value with a line break does not run into the next label', async (t) => {
  const metrics = createMetrics(t, { customLabels: ['tenant', 'region'] })
  for (const custom of [['a\nb', 'c'], ['a', 'b\nc'], ['x'.repeat(1000), '']]) metrics.upstream({ ...labels, custom }).attemptEnded(success)
  const samples = select(await scrape(metrics), 'bifrost_upstream_requests_total')
  assert.deepEqual(samples.map(({ labels: { tenant, region } }) => [tenant, region]), [['a_b', 'c'], ['a', 'b_c'], ['x'.repeat(128), '']])
})

test('active requests go up and down per method', async (t) => {
  const metrics = createMetrics(t)
  metrics.activeStart('chat_completion')
  metrics.activeStart('chat_completion')
  metrics.activeStart('embedding')
  metrics.activeEnd('chat_completion')
  metrics.activeEnd('embedding')
  const exposition = await scrape(metrics)
  assert.equal(valueOf(exposition, 'bifrost_active_requests', { method: 'chat_completion' }), 1)
  assert.equal(valueOf(exposition, 'bifrost_active_requests', { method: 'embedding' }), 0)
})

test('a bad custom label is refused at the start', () => {
  for (const name of ['model', 'status', 'le', 'is_success', 'with-dash', '__name', '1st', '']) {
    assert.throws(() => createMetrics({ after () {} } as never, { customLabels: [name] }), /prometheus label/, name)
  }
  assert.throws(() => createMetrics({ after () {} } as never, { customLabels: ['a', 'a'] }), /given twice/)
})

test('a scrape lets other work run in between', async (t) => {
  const metrics = createMetrics(t)
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  t.after(() => clearInterval(timer))
  for (let index = 0; index < 1000; index++) metrics.upstream({ ...labels, model: `m${index}` }).attemptEnded(success)
  await metrics.text()
  assert.ok(turns > 3, `${turns} turns`)
})
