import type { Labels } from './labels.ts'
import type { Sample } from './series-metric.ts'

/** Upper bounds (inclusive) per unit; `+Inf` follows the last one. */
export const bucketBounds = {
  latencySeconds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 45, 60, 90],
  interTokenSeconds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  queueWaitSeconds: [0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  overheadMicroseconds: [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000],
  retries: [0, 1, 2, 3, 5, 10],
  sizeBytes: [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]
} as const satisfies Record<string, readonly number[]>

/** A number that may be added to a total: a clock that went back or a missing count is 0. */
export function toAmount (value: number): number {
  return value > 0 && value < Infinity ? value : 0
}

/** The counts of one histogram series. `observe` is a short scan and two additions. */
export class Histogram {
  readonly #bounds: readonly number[]
  /** Per bucket, not cumulative; the last one is `+Inf`. */
  readonly #counts: Float64Array
  #sum = 0

  constructor (bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe (value: number): void {
    const amount = toAmount(value)
    const bounds = this.#bounds
    let index = 0
    while (index < bounds.length && amount > bounds[index]!) index++
    this.#counts[index]!++
    this.#sum += amount
  }

  /** Appends the lines of this series: cumulative buckets, `_sum`, `_count`. */
  collect (name: string, sharedLabels: Labels, into: Sample[], labels: Labels = {}): void {
    let cumulative = 0
    for (let index = 0; index < this.#counts.length; index++) {
      cumulative += this.#counts[index]!
      const le = this.#bounds[index] ?? '+Inf'
      into.push({ metricName: `${name}_bucket`, value: cumulative, labels: { ...labels, le }, sharedLabels })
    }
    into.push({ metricName: `${name}_sum`, value: this.#sum, labels, sharedLabels })
    into.push({ metricName: `${name}_count`, value: cumulative, labels, sharedLabels })
  }
}
