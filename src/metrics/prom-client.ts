import { createRequire } from 'node:module'
import type { collectDefaultMetrics as CollectDefaultMetrics, Counter as PromCounter, Gauge as PromGauge, Registry as PromRegistry } from 'prom-client'

// Of prom-client, a start needs these three. Its index loads the metrics of the process as well, and with them the whole API of OpenTelemetry:
// a sixth of a start. The paths are its own affair and hold for the version that package.json names.
const load = createRequire(import.meta.url)

export const Registry = load('prom-client/lib/registry.js') as typeof PromRegistry
export const Counter = load('prom-client/lib/counter.js') as typeof PromCounter
export const Gauge = load('prom-client/lib/gauge.js') as typeof PromGauge

/** Takes about as long as the start of a thread: call it where nothing waits. */
export function loadDefaultMetrics (): typeof CollectDefaultMetrics {
  return load('prom-client/lib/defaultMetrics.js') as typeof CollectDefaultMetrics
}

/** Metrics of the process and of Node.js. */
export function collectDefaultMetrics (registry: PromRegistry): void {
  loadDefaultMetrics()({ register: registry })
}
