/** A histogram as it crosses processes. */
export interface HistogramData {
  counts: Array<[bucket: number, count: number]>
  count: number
  sum: number
  max: number
}

/**
 * Counts whole numbers (microseconds here) in buckets that grow with the value: 64 per doubling, so a
 * percentile is at most 1.6 % off. Values below 128 are exact.
 *
 *   0 .. 127      one bucket per value
 *   2^n .. 2^n+1  64 buckets of 2^(n-6)
 */
export class Histogram {
  private readonly buckets = new Float64Array(64 * 34)
  count = 0
  sum = 0
  max = 0

  record (value: number): void {
    const whole = value < 0 ? 0 : Math.min(Math.floor(value), 2 ** 38)
    const bucket = bucketOf(whole)
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
    this.count += 1
    this.sum += whole
    if (whole > this.max) this.max = whole
  }

  get mean (): number {
    return this.count === 0 ? 0 : this.sum / this.count
  }

  /** The value below or at which this percentage (0 to 100) of all values lie; the upper end of its bucket. */
  percentile (percent: number): number {
    const wanted = Math.max(1, Math.ceil(this.count * percent / 100))
    let seen = 0
    for (const [bucket, count] of this.buckets.entries()) {
      seen += count
      if (count > 0 && seen >= wanted) return Math.min(this.max, upperEndOf(bucket))
    }
    return this.max
  }

  toData (): HistogramData {
    const counts = [...this.buckets.entries()].filter(([, count]) => count > 0)
    return { counts, count: this.count, sum: this.sum, max: this.max }
  }

  add (data: HistogramData): this {
    for (const [bucket, count] of data.counts) this.buckets[bucket] = (this.buckets[bucket] ?? 0) + count
    this.count += data.count
    this.sum += data.sum
    this.max = Math.max(this.max, data.max)
    return this
  }
}

function bucketOf (value: number): number {
  if (value < 128) return value
  const exponent = Math.floor(Math.log2(value))
  // log2 of a number just below a power of two may round up to it.
  const shift = (value < 2 ** exponent ? exponent - 1 : exponent) - 6
  return shift * 64 + Math.floor(value / 2 ** shift)
}

function upperEndOf (bucket: number): number {
  if (bucket < 128) return bucket
  const shift = Math.floor(bucket / 64) - 1
  return (bucket - shift * 64 + 1) * 2 ** shift - 1
}
