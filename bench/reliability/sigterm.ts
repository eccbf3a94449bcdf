import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { monotonicUs } from '../../src/mock-upstream/monotonic.ts'
import { runLoad } from '../lib/load.ts'
import { makeTemporaryDirectory } from '../lib/processes.ts'
import { lostStatus } from '../lib/steady-load.ts'
import type { SteadyRequest } from '../lib/steady-load.ts'
import { chatRequest, startGateway, startMock } from '../lib/targets.ts'
import { countStatuses } from './reliability-scenario.ts'
import type { ReliabilityScenario } from './reliability-scenario.ts'

const requestsPerSecond = 500
/** Long enough that about a hundred requests are in hand when the signal comes. */
const upstreamMs = 200
const exitMsMax = 35_000

interface Round { accepted: number, lost: number, refused: number, unread: number, inHand: number, exitMs: number }

/**
 * A gateway that is told to end under load. Accepted is what its log has with a provider; each of those must have been answered. A
 * request that meets the closing of an idle connection was never read and is counted apart: HTTP clients send it again.
 */
export const sigterm: ReliabilityScenario = {
  name: 'sigterm',
  async run ({ quick, onProgress }) {
    const rounds: Round[] = []
    for (let round = 1; round <= (quick ? 1 : 5); round++) {
      onProgress(`sigterm: round ${round}`)
      rounds.push(await endUnderLoad(quick ? 1 : 3))
    }
    const sum = (name: keyof Round): number => rounds.reduce((total, round) => total + round[name], 0)
    return {
      figures: { rounds },
      checks: [
        { name: `sigterm: accepted requests that were lost, ${rounds.length} signals at ${requestsPerSecond} RPS`, wanted: '0', measured: `${sum('lost')} of ${sum('accepted')}`, pass: sum('lost') === 0 && sum('accepted') > 0 },
        { name: 'sigterm: requests in hand when the signal came', wanted: '> 0', measured: String(sum('inHand')), pass: sum('inHand') > 0 }
      ]
    }
  }
}

async function endUnderLoad (seconds: number): Promise<Round> {
  const mock = await startMock({ latencyMs: upstreamMs })
  try {
    const logFile = join(makeTemporaryDirectory(), 'log')
    const gateway = await startGateway({ mockPort: mock.port, logFile })
    try {
      const load = runLoad({ kind: 'steady', request: chatRequest(gateway), phases: [{ requestsPerSecond, seconds: seconds + 1 }], retries: 0, retryDelayMs: 0, timeoutMs: 10_000, connectionsMax: 2_000, name: 'r' })
      load.catch(() => {})
      await delay(seconds * 1_000)
      const signalledMs = performance.now()
      const signalledUs = monotonicUs()
      process.kill(gateway.pid, 'SIGTERM')
      while (isAlive(gateway.pid) && performance.now() - signalledMs < exitMsMax) await delay(5)
      const exitMs = performance.now() - signalledMs
      const { result: { requests } } = await load
      return { ...compare(requests, readFileSync(logFile, 'utf8')), inHand: requests.filter(({ dueUs, endUs }) => dueUs < signalledUs && endUs > signalledUs).length, exitMs: Math.round(exitMs) }
    } finally {
      await gateway.stop()
    }
  } finally {
    await mock.stop()
  }
}

function compare (requests: readonly SteadyRequest[], log: string): Pick<Round, 'accepted' | 'lost' | 'refused' | 'unread'> {
  const accepted = new Set<string>()
  for (const line of log.split('\n')) {
    if (!line.includes('"msg":"request"')) continue
    const { requestId, outcome } = JSON.parse(line) as { requestId: string, outcome: string }
    if (outcome !== 'BIFROST_SHUTTING_DOWN') accepted.add(requestId)
  }
  const statuses = countStatuses(requests)
  const isAccepted = ({ id }: SteadyRequest): boolean => accepted.has(`${id}-1`)
  return {
    accepted: requests.filter(isAccepted).length,
    lost: requests.filter((request) => isAccepted(request) && request.status !== 200).length,
    refused: (statuses['503'] ?? 0) + (statuses['-1'] ?? 0),
    unread: requests.filter((request) => !isAccepted(request) && request.status === lostStatus).length
  }
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
