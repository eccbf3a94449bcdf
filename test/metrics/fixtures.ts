import type { TestContext } from 'node:test'
import { Metrics } from '../../src/metrics/metrics.ts'
import type { MetricsOptions } from '../../src/metrics/metrics.ts'
import type { UpstreamLabels } from '../../src/metrics/attempt-index.ts'
import type { ProviderReading } from '../../src/metrics/provider-reading.ts'
import type { AttemptEnd } from '../../src/metrics/upstream-series.ts'
import { parseExposition } from './parse-exposition.ts'
import type { Exposition } from './parse-exposition.ts'

export function createMetrics (t: TestContext, options: Partial<MetricsOptions> = {}): Metrics {
  const metrics = new Metrics({ customLabels: [], ...options })
  t.after(() => metrics.close())
  return metrics
}

export async function scrape (metrics: Metrics): Promise<Exposition> {
  return parseExposition(await metrics.text())
}

export const labels: UpstreamLabels = {
  provider: 'openai',
  model: 'gpt-4o-mini',
  alias: '',
  method: 'chat_completion',
  selectedKeyId: 'key-1',
  selectedKeyName: 'primary',
  fallbackIndex: 0
}

export const success: AttemptEnd = {
  success: true,
  statusCode: 200,
  errorType: '',
  latencySeconds: 0.2,
  overheadMicroseconds: 60,
  inputTokens: 3,
  outputTokens: 5,
  estimatedTokens: 2,
  costUsd: 0.5,
  firstTokenSeconds: -1
}

export const failure: AttemptEnd = { ...success, success: false, statusCode: 429, errorType: 'rate_limit_exceeded', inputTokens: 0, outputTokens: 0, estimatedTokens: 0, costUsd: 0 }

export function providerReading (overrides: Partial<ProviderReading> = {}): ProviderReading {
  return {
    queueDepth: 4,
    queueBlocked: 2,
    inFlight: 7,
    dropped: 11,
    sheds: { high: 1, normal: 2, low: 8 },
    limits: [{ model: 'gpt-4o-mini', limit: 17 }],
    threads: [
      { index: 0, ringUsedBytes: 64, ringCapacityBytes: 1024, inFlight: 3, eventLoopDelayP50Seconds: 0.001, eventLoopDelayP99Seconds: 0.002, eventLoopDelayMaxSeconds: 0.003 },
      { index: 1, ringUsedBytes: 0, ringCapacityBytes: 1024, inFlight: 4, eventLoopDelayP50Seconds: 0.004, eventLoopDelayP99Seconds: 0.005, eventLoopDelayMaxSeconds: 0.006 }
    ],
    restarts: { exit: 1, out_of_memory: 2, unresponsive: 3 },
    timeouts: { connect: 4, response_header: 5, first_token: 8, stream_idle: 6, total: 7 },
    breakersOpen: 2,
    keys: [{ id: 'key-1', name: 'primary', up: true }, { id: 'key-2', name: 'spare', up: false }],
    ...overrides
  }
}
