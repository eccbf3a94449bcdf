import { Histogram } from './histogram.ts'
import { runLoad } from './load.ts'
import { megabytes, median } from './output.ts'
import type { Cell } from './output.ts'
import { failuresIn } from './scenario.ts'
import { chatRequest } from './targets.ts'
import type { Target } from './targets.ts'

export interface RoundFigures {
  rps: number
  p50Us: number
  p99Us: number
  /** NaN for the mock itself: it is what answers, not what stands in between. */
  cpuUs: number
  rssMb: number
  failed: number
}

/** One entry per target, each with its rounds in order. */
export type RoundsByTarget = Map<string, RoundFigures[]>

/**
 * Measures all targets in every round, each round in another order, so that a slow minute of the
 * machine hits all of them alike.
 */
export async function runRounds (targets: readonly Target[], plan: { connections: number, rounds: number, seconds: number }, onProgress: (text: string) => void): Promise<RoundsByTarget> {
  const figures: RoundsByTarget = new Map(targets.map((target) => [target.name, []]))
  for (let round = 0; round < plan.rounds; round++) {
    for (const target of rotate(targets, round)) {
      onProgress(`${plan.connections} connections, round ${round + 1} of ${plan.rounds}: ${target.name}`)
      figures.get(target.name)?.push(await measure(target, plan.connections, plan.seconds))
    }
  }
  return figures
}

/** Enough requests for the compilers of V8 and for the connection pools. */
export async function warmUp (targets: readonly Target[], seconds: number, onProgress: (text: string) => void): Promise<void> {
  for (const target of targets) {
    onProgress(`warming up ${target.name}`)
    await measure(target, 64, seconds)
  }
}

async function measure (target: Target, connections: number, seconds: number): Promise<RoundFigures> {
  const { result, usage } = await runLoad({
    kind: 'closed-loop',
    request: chatRequest(target),
    connections,
    warmupSeconds: 0.5,
    seconds
  }, { usage: target.usage })
  const latency = new Histogram().add(result.latency)
  return {
    rps: result.rps,
    p50Us: latency.percentile(50),
    p99Us: latency.percentile(99),
    cpuUs: usage === null || target.name === 'direct' ? NaN : usage.cpuUs / result.requests,
    rssMb: usage === null ? NaN : megabytes(usage.rssBytes),
    failed: failuresIn(result.statuses) + result.connectionErrors
  }
}

export function rotate<T> (items: readonly T[], by: number): T[] {
  const start = by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

export function medianOf (rounds: readonly RoundFigures[] | undefined, field: keyof RoundFigures): number {
  return median((rounds ?? []).map((round) => round[field]))
}

/** After the column of names. */
export const roundHeadings = ['RPS', 'p50 us', 'p99 us', 'CPU us/req', 'RSS MB', 'failed']

export function roundCells (targets: readonly Target[], rounds: RoundsByTarget): Cell[][] {
  return targets.map(({ name }) => {
    const figures = rounds.get(name)
    const failed = figures?.reduce((sum, round) => sum + round.failed, 0) ?? 0
    return [name, medianOf(figures, 'rps'), medianOf(figures, 'p50Us'), medianOf(figures, 'p99Us'), medianOf(figures, 'cpuUs'), medianOf(figures, 'rssMb'), failed]
  })
}

/** Median over the rounds of what a proxy adds to the p50 of the same round without it. */
export function addedP50Us (rounds: RoundsByTarget, name: string): number {
  const direct = rounds.get('direct') ?? []
  return median((rounds.get(name) ?? []).map((round, index) => round.p50Us - (direct[index]?.p50Us ?? NaN)))
}
