import type { TrailEntry } from './plan.ts'

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
