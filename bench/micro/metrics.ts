import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { Counter, Histogram, Registry } from 'prom-client'
import { measure } from '../lib/micro.ts'
import { bucketBounds } from '../../src/metrics/histogram.ts'
import { upstreamLabels } from '../../src/metrics/list.ts'
import { Metrics } from '../../src/metrics/metrics.ts'
import type { UpstreamLabels } from '../../src/metrics/attempt-index.ts'
import type { AttemptEnd } from '../../src/metrics/upstream-series.ts'

/**
 * What booking one attempt costs: our series against prom-client's own `inc` and `observe` with the
 * same labels, and what a scrape costs when the table is full.
 * Run: node dist/bench/micro/metrics.js
 */
const modelCount = 16

// Parsed, so that every string is a fresh one, as it is when it comes out of a request body.
const attempts: UpstreamLabels[] = Array.from({ length: modelCount }, (_, index) => JSON.parse(JSON.stringify({
  provider: 'openai',
  model: `gpt-4o-mini-2024-07-${index}`,
  alias: '',
  method: 'chat_completion_stream',
  selectedKeyId: 'b6a1f0e2-key',
  selectedKeyName: 'primary',
  fallbackIndex: 0
})) as UpstreamLabels)

const end: AttemptEnd = {
  success: true,
  statusCode: 200,
  errorType: '',
  latencySeconds: 0.812,
  overheadMicroseconds: 61,
  inputTokens: 120,
  outputTokens: 64,
  estimatedTokens: 0,
  costUsd: 0.001,
  firstTokenSeconds: 0.21
}

function measureOurs (): Record<string, number> {
  const metrics = new Metrics({ customLabels: [] })
  const series = attempts.map((labels) => metrics.upstream(labels))
  const full = new Metrics({ customLabels: [], seriesMax: 10 })
  attempts.forEach((labels) => full.upstream(labels))
  const custom = new Metrics({ customLabels: ['tenant', 'region'] })
  const withCustom = attempts.map((labels) => ({ ...labels, custom: ['acme', 'eu'] }))
  const figures = {
    'attemptEnded on a held series': measure(2_000_000, (index) => series[index % modelCount]!.attemptEnded(end)),
    'upstream(labels), known series': measure(1_000_000, (index) => { metrics.upstream(attempts[index % modelCount]!) }),
    'upstream(labels) + attemptEnded': measure(1_000_000, (index) => metrics.upstream(attempts[index % modelCount]!).attemptEnded(end)),
    'the same with 2 custom labels': measure(1_000_000, (index) => custom.upstream(withCustom[index % modelCount]!).attemptEnded(end)),
    'the same, new models and table full': measure(200_000, (index) => full.upstream({ ...attempts[0]!, model: `m${index}` }).attemptEnded(end)),
    'http(...) + observe': measure(1_000_000, (index) => metrics.http('/v1/chat/completions', 'POST', 200 + index % 2).observe({ durationSeconds: 0.8, requestBytes: 230, responseBytes: 700 })),
    'activeStart + activeEnd': measure(1_000_000, () => { metrics.activeStart('chat_completion'); metrics.activeEnd('chat_completion') })
  }
  for (const each of [metrics, full, custom]) each.close()
  return figures
}

function measurePromClient (): Record<string, number> {
  const registers = [new Registry()]
  const counters = ['requests', 'successes', 'input', 'output'].map((name) => new Counter({ name, help: name, labelNames: upstreamLabels, registers }))
  const latency = new Histogram({ name: 'latency', help: 'latency', labelNames: [...upstreamLabels, 'is_success'], buckets: [...bucketBounds.latencySeconds], registers })
  const overhead = new Histogram({ name: 'overhead', help: 'overhead', labelNames: upstreamLabels, buckets: [...bucketBounds.overheadMicroseconds], registers })
  const firstToken = new Histogram({ name: 'first', help: 'first', labelNames: upstreamLabels, buckets: [...bucketBounds.latencySeconds], registers })
  const toLabels = (attempt: UpstreamLabels): Record<(typeof upstreamLabels)[number], string | number> => ({
    provider: attempt.provider,
    model: attempt.model,
    alias: attempt.alias,
    method: attempt.method,
    virtual_key_id: '',
    virtual_key_name: '',
    routing_engine_used: '',
    routing_rule_id: '',
    routing_rule_name: '',
    complexity_tier: '',
    complexity_mechanism: '',
    selected_key_id: attempt.selectedKeyId,
    selected_key_name: attempt.selectedKeyName,
    fallback_index: attempt.fallbackIndex,
    team_id: '',
    team_name: '',
    customer_id: '',
    customer_name: ''
  })
  return {
    'prom-client: one counter.inc': measure(200_000, (index) => counters[0]!.inc(toLabels(attempts[index % modelCount]!))),
    'prom-client: the same booking as attemptEnded': measure(50_000, (index) => {
      const labels = toLabels(attempts[index % modelCount]!)
      for (const counter of counters) counter.inc(labels, 3)
      latency.observe({ ...labels, is_success: 'true' }, end.latencySeconds)
      overhead.observe(labels, end.overheadMicroseconds)
      firstToken.observe(labels, end.firstTokenSeconds)
    })
  }
}

async function measureScrape (seriesCount: number): Promise<Record<string, string | number>> {
  const metrics = new Metrics({ customLabels: [], seriesMax: Math.ceil(seriesCount / 0.9) })
  for (let index = 0; index < seriesCount; index++) {
    const series = metrics.upstream({ ...attempts[0]!, model: `model-${index}` })
    series.attemptEnded(end)
    series.interToken(0.02)
  }
  let text = await metrics.text()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const start = performance.now()
  text = await metrics.text()
  const milliseconds = performance.now() - start
  delay.disable()
  metrics.close()
  return {
    series: seriesCount, 'scrape ms': Math.round(milliseconds), 'longest block ms': Math.round(delay.max / 1e6), 'text MB': Math.round(text.length / 1e5) / 10
  }
}

export async function run (): Promise<void> {
  const figures = { ...measureOurs(), ...measurePromClient() }
  console.table(Object.entries(figures).map(([what, ns]) => ({ what, 'ns per call': ns })))
  console.table([await measureScrape(20), await measureScrape(200), await measureScrape(1800)])
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await run()
