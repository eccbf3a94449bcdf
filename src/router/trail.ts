import type { Usage } from '../api/usage.ts'
import type { GatewayError } from '../errors.ts'
import type { Outcome } from './outcomes.ts'
import type { Target } from './target.ts'

/** One line of the attempt trail: what was tried, or passed over, and how it ended. */
export interface TrailEntry {
  /** Null for what was passed over. */
  target: Target | null
  /** As the request or the config names it; the target's own names say more. */
  name: string
  fallbackIndex: number
  outcome: Outcome
  /** Null for an attempt that was outpaced. */
  error: GatewayError | null
  /** In the queue. */
  queueMs: number
  /** On the thread and upstream; 0 for what was passed over. */
  upstreamMs: number
  /** It had joined an attempt that was slow. */
  isHedge?: boolean
  /** Of a stream that broke; absent for what was passed over. */
  usage?: Usage
  /** Null when the price is not known, or nothing was used. */
  costUsd?: number | null
}

/**
 * The attempt trail as JSON text, for the log and for answers: names, codes and times, never a provider's words.
 * Every character is ASCII, so that it can stand in a header.
 */
export function toTrailText (trail: readonly TrailEntry[]): string {
  const json = JSON.stringify(trail.map(({ target, name, fallbackIndex, outcome, error, queueMs, upstreamMs, isHedge }) => ({
    provider: target?.provider.name ?? error?.provider ?? null,
    model: target?.model ?? name,
    key: target?.key.name ?? null,
    fallback_index: fallbackIndex,
    outcome,
    code: error?.code ?? null,
    status: error?.status ?? null,
    queue_ms: Math.round(queueMs),
    upstream_ms: Math.round(upstreamMs),
    hedge: isHedge === true ? true : undefined
  })))
  return json.replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
