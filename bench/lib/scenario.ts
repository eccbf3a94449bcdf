import type { MockUpstreamOptions } from '../../src/mock-upstream/options.ts'
import { Histogram } from './histogram.ts'
import type { HistogramData } from './histogram.ts'
import { megabytes } from './output.ts'
import type { Cell, Check } from './output.ts'
import { startGateway, startMock, startNginx } from './targets.ts'
import type { GatewayOptions, Target } from './targets.ts'

export type TargetName = 'gateway' | 'nginx' | 'direct'

export interface ScenarioContext {
  /** Short and bounded: shows that everything works, measures nothing well. */
  quick: boolean
  /** Replaces the scenario's own measuring time. */
  seconds: number | undefined
  targetName: TargetName
  onProgress: (text: string) => void
}

export interface Row {
  scenario: string
  rps: number | null
  p50Ms: number | null
  p99Ms: number | null
  errors: number
  cpuUsPerRequest: number | null
  rssMb: number | null
  note?: string
}

export interface ScenarioResult {
  rows: Row[]
  checks: Check[]
}

export interface Scenario {
  name: string
  run: (context: ScenarioContext) => Promise<ScenarioResult>
}

export const rowHeadings = ['scenario', 'RPS', 'p50 ms', 'p99 ms', 'errors', 'CPU us/req', 'RSS MB', 'note']

export function rowCells (row: Row): Cell[] {
  return [row.scenario, row.rps, row.p50Ms, row.p99Ms, row.errors, row.cpuUsPerRequest, row.rssMb, row.note ?? '']
}

export function toMs (data: HistogramData, percent: number): number {
  return data.count === 0 ? NaN : new Histogram().add(data).percentile(percent) / 1000
}

/** Answers other than 200. */
export function failuresIn (statuses: Record<string, number>): number {
  return Object.entries(statuses).reduce((sum, [status, count]) => status === '200' ? sum : sum + count, 0)
}

/** Starts a mock and what stands in front of it, and stops both whatever happens. */
export async function withTarget<T> (
  context: ScenarioContext,
  options: { mock?: Partial<MockUpstreamOptions>, gateway?: Omit<GatewayOptions, 'mockPort'> },
  work: (target: Target, mock: Target) => Promise<T>
): Promise<T> {
  const mock = await startMock(options.mock)
  try {
    const target = await startInFront(context.targetName, mock, options.gateway)
    try {
      return await work(target, mock)
    } finally {
      if (target !== mock) await target.stop()
    }
  } finally {
    await mock.stop()
  }
}

async function startInFront (name: TargetName, mock: Target, gateway: Omit<GatewayOptions, 'mockPort'> = {}): Promise<Target> {
  switch (name) {
    case 'gateway': return await startGateway({ ...gateway, mockPort: mock.port })
    case 'nginx': return await startNginx(mock.port)
    case 'direct': return mock
  }
}

export interface MemorySamples {
  samplesMb: number[]
  stop(): number[]
}

/** Reads the memory of the whole process tree at a fixed pace. */
export function sampleMemory (target: Target, everyMs: number): MemorySamples {
  const samplesMb = [megabytes(target.usage().rssBytes)]
  const timer = setInterval(() => { samplesMb.push(megabytes(target.usage().rssBytes)) }, everyMs)
  return {
    samplesMb,
    stop () {
      clearInterval(timer)
      samplesMb.push(megabytes(target.usage().rssBytes))
      return samplesMb
    }
  }
}
