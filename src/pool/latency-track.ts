/** Latencies of a window that are kept, the latest. */
const latenciesKept = 64
/** A difference below this says nothing, in milliseconds. */
const noiseMs = 10

/** Latencies of one kind of answer: those of the window at hand, and what is usual. The median keeps single long answers out of it. */
export class LatencyTrack {
  count = 0
  /** 0 as long as it is not known. */
  usualMs = 0
  private readonly latenciesMs = new Float64Array(latenciesKept)

  add (latencyMs: number): void {
    this.latenciesMs[this.count++ % latenciesKept] = latencyMs
  }

  median (): number {
    const known = this.latenciesMs.slice(0, Math.min(this.count, latenciesKept)).sort()
    return known[known.length >> 1] ?? 0
  }

  isSlow (latencyMs: number, tolerance: number): boolean {
    return this.usualMs > 0 && latencyMs > this.usualMs * tolerance && latencyMs - this.usualMs > noiseMs
  }

  /** Begins another window. */
  clear (): void {
    this.count = 0
  }

  /** @param share from 0 to 1: how far the usual latency moves towards this one */
  learn (medianMs: number, share: number): void {
    this.usualMs = this.usualMs === 0 ? medianMs : this.usualMs + (medianMs - this.usualMs) * share
  }
}
