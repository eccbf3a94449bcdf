import type { Counter as PromCounter, Registry } from 'prom-client'
import { cleanLabel, otherLabel } from './labels.ts'
import type { MetricRow } from './list.ts'
import { Counter } from './prom-client.ts'

/** Label sets per counter; some values come from clients. */
const seriesMax = 500

/** Counters for what happens seldom, a prom-client counter each. Past `seriesMax` label sets all further ones count as `other`. */
export class EventCounters {
  readonly #registry: Registry
  readonly #counters = new Map<string, { counter: PromCounter, known: Set<string> }>()

  constructor (registry: Registry, rows: readonly MetricRow[]) {
    this.#registry = registry
    for (const { name, help, labels } of rows) {
      this.#counters.set(name, { counter: new Counter({ name, help, labelNames: labels, registers: [this.#registry] }), known: new Set() })
    }
  }

  /** @param values in the order of the row's labels */
  count (row: MetricRow, values: readonly string[]): void {
    const entry = this.#counters.get(row.name)
    if (entry === undefined) throw new RangeError(`${row.name} is no event counter`)
    const cleaned = values.map(cleanLabel)
    const key = cleaned.join('\n')
    const isKnown = entry.known.has(key)
    if (!isKnown && entry.known.size < seriesMax) entry.known.add(key)
    const shown = isKnown || entry.known.has(key) ? cleaned : cleaned.map(() => otherLabel)
    entry.counter.inc(Object.fromEntries(row.labels.map((label, index) => [label, shown[index] ?? ''])))
  }
}
