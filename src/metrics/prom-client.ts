import { createRequire } from 'node:module'
import type { collectDefaultMetrics as CollectDefaultMetrics, Counter as PromCounter, Gauge as PromGauge, Registry as PromRegistry } from 'prom-client'

// Of prom-client, a start needs these three. Its index loads the metrics of the process as well, and with them the whole API of OpenTelemetry:
// a sixth of a start. The paths are its own affair and hold for the version that package.json names.
const load = createRequire(import.meta.url)

export const Registry = load('prom-client/lib/registry.js') as typeof PromRegistry
export const Counter = load('prom-client/lib/counter.js') as typeof PromCounter
export const Gauge = load('prom-client/lib/gauge.js') as typeof PromGauge

/** Metrics of the process and of Node.js. Loads what they need, which takes about as long as the start of a thread. */
export function collectDefaultMetrics (registry: PromRegistry): void {
  const collect = load('prom-client/lib/defaultMetrics.js') as typeof CollectDefaultMetrics
  collect({ register: registry })
}
