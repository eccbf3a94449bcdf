import { Histogram } from '../lib/histogram.ts'
import type { Check } from '../lib/output.ts'
import type { SteadyRequest } from '../lib/steady-load.ts'

export interface ReliabilityContext {
  /** Short: shows that everything works, its figures mean little. */
  quick: boolean
  onProgress: (text: string) => void
}

export interface ReliabilityResult {
  figures: Record<string, unknown>
  checks: Check[]
}

export interface ReliabilityScenario {
  name: string
  run: (context: ReliabilityContext) => Promise<ReliabilityResult>
}

/** How many requests ended with each status; 0 is lost, -1 could not be sent, -2 is a 200 with a wrong answer. */
export function countStatuses (requests: readonly SteadyRequest[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status } of requests) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** Milliseconds of the requests that were answered with 200, from the time they were due. */
export function latencyMs (requests: readonly SteadyRequest[], percent: number): number {
  const histogram = new Histogram()
  for (const { status, dueUs, endUs } of requests) if (status === 200) histogram.record(endUs - dueUs)
  return histogram.count === 0 ? NaN : histogram.percentile(percent) / 1000
}
