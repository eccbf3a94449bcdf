import { Breaker } from './breaker.ts'
import type { BreakerState } from './breaker.ts'
import { HedgeBudget } from './hedge-budget.ts'
import { KeyRests } from './key-rests.ts'
import { RetryBudget } from './retry-budget.ts'

/** Breakers that are kept per provider; model names come from clients. */
const breakersMax = 1_000
/** Latencies that are kept per provider, the latest. */
const latenciesKept = 512
/** A percentile that the request path reads is at most this old, in answers: sorting costs more than a request. */
const percentileAnswersMax = 16

/** What the front knows about a provider beyond its settings. It outlives reloads, which replace settings only. */
export class ProviderHealth {
  readonly retryBudget = new RetryBudget()
  readonly hedgeBudget = new HedgeBudget()
  readonly keyRests = new KeyRests()
  private readonly breakers = new Map<string, Breaker>()
  private readonly latenciesMs = new Float64Array(latenciesKept)
  private latencies = 0
  /** The 95th percentile when `percentileAt` latencies had been seen; -1 before the first time. */
  private percentileMs = 0
  private percentileAt = -1

  breaker (model: string): Breaker {
    let breaker = this.breakers.get(model)
    if (breaker === undefined) {
      if (this.breakers.size >= breakersMax) this.forgetClosed()
      this.breakers.set(model, breaker = new Breaker())
    }
    return breaker
  }

  /** Time to the first byte of a good answer. */
  observeLatency (latencyMs: number): void {
    this.latenciesMs[this.latencies++ % latenciesKept] = latencyMs
  }

  /** @returns milliseconds over the latest answers; null before the first one */
  latency (): { p50: number, p95: number } | null {
    const known = this.latenciesMs.slice(0, Math.min(this.latencies, latenciesKept)).sort()
    if (known.length === 0) return null
    const at = (share: number): number => known[Math.min(known.length - 1, Math.floor(known.length * share))] as number
    return { p50: at(0.5), p95: at(0.95) }
  }

  /** @returns the 95th percentile in milliseconds, or what it was some answers ago; null before there were `answersMin` */
  slowLatencyMs (answersMin: number): number | null {
    if (this.latencies < answersMin) return null
    if (this.percentileAt < 0 || this.latencies - this.percentileAt >= percentileAnswersMax) {
      this.percentileMs = this.latency()?.p95 ?? 0
      this.percentileAt = this.latencies
    }
    return this.percentileMs
  }

  /** Breakers that are not closed. */
  openBreakers (): { model: string, state: BreakerState }[] {
    return [...this.breakers].filter(([, breaker]) => breaker.state !== 'closed').map(([model, { state }]) => ({ model, state }))
  }

  private forgetClosed (): void {
    for (const [model, breaker] of this.breakers) if (breaker.state === 'closed') this.breakers.delete(model)
    if (this.breakers.size >= breakersMax) this.breakers.clear()
  }
}

/** The health of every provider by name, on the front thread only. */
export class Health {
  private readonly providers = new Map<string, ProviderHealth>()

  of (provider: string): ProviderHealth {
    let health = this.providers.get(provider)
    if (health === undefined) this.providers.set(provider, health = new ProviderHealth())
    return health
  }

  forget (provider: string): void {
    this.providers.delete(provider)
  }
}
