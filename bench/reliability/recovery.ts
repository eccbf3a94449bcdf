import { runLoad } from '../lib/load.ts'
import type { SteadyRequest } from '../lib/steady-load.ts'
import { chatRequest, startGateway, startMock } from '../lib/targets.ts'
import { countStatuses, latencyMs } from './reliability-scenario.ts'
import type { ReliabilityScenario } from './reliability-scenario.ts'

/** 20 in flight at 100 ms. */
const concurrency = 20
const upstreamMs = 100
const capacityRps = concurrency * 1_000 / upstreamMs
/** What waits at most takes longer to serve than a client is patient: such queues keep an overload alive after its cause. */
const bufferSize = 400
const clientTimeoutMs = 1_500
const wantedShare = 0.95
const recoverySecondsMax = 10

/**
 * Three times what the provider can do, with clients that hang up and try again, then less than it can do: a system that is busy with
 * requests nobody waits for any more stays down (metastable failure).
 */
export const recovery: ReliabilityScenario = {
  name: 'recovery',
  async run ({ quick, onProgress }) {
    const phases = [
      { requestsPerSecond: 0.7 * capacityRps, seconds: quick ? 2 : 5 },
      { requestsPerSecond: 3 * capacityRps, seconds: quick ? 4 : 30 },
      { requestsPerSecond: 0.7 * capacityRps, seconds: quick ? 6 : 20 }
    ] as const
    const mock = await startMock({ latencyMs: upstreamMs })
    try {
      const gateway = await startGateway({ mockPort: mock.port, concurrency, bufferSize, dropExcessRequests: true })
      try {
        const { result: { requests } } = await runLoad(
          { kind: 'steady', request: chatRequest(gateway), phases, retries: 3, retryDelayMs: 250, timeoutMs: clientTimeoutMs, connectionsMax: 5_000, name: 'r' },
          { onProgress: (count) => { onProgress(`recovery: ${count} requests`) } })
        const startUs = requests[0]?.dueUs ?? 0
        const calmUs = startUs + (phases[0].seconds + phases[1].seconds) * 1e6
        const [before, during, after] = [
          requests.filter(({ dueUs }) => dueUs < startUs + phases[0].seconds * 1e6),
          requests.filter(({ dueUs }) => dueUs >= startUs + phases[0].seconds * 1e6 && dueUs < calmUs),
          requests.filter(({ dueUs }) => dueUs >= calmUs)
        ] as const
        const shares = sharesBySecond(after, calmUs, phases[2].seconds)
        const lastBad = shares.findLastIndex((share) => share < wantedShare)
        const recoveredAfter = lastBad + 1
        return {
          figures: {
            capacityRps,
            before: { statuses: countStatuses(before), p99Ms: latencyMs(before, 99) },
            during: { statuses: countStatuses(during), goodputRps: during.filter(({ status }) => status === 200).length / phases[1].seconds, tries: during.reduce((sum, { tries }) => sum + tries, 0) },
            after: { statuses: countStatuses(after), p99Ms: latencyMs(after, 99), shares }
          },
          checks: [
            { name: 'recovery: seconds until 95% of the requests are answered at once', wanted: `<= ${recoverySecondsMax}`, measured: String(recoveredAfter), pass: recoveredAfter <= recoverySecondsMax && recoveredAfter < shares.length },
            { name: 'recovery: the load was more than could be done', wanted: '< 60% served', measured: `${(100 * during.filter(({ status }) => status === 200).length / during.length).toFixed(0)}%`, pass: during.filter(({ status }) => status === 200).length < 0.6 * during.length }
          ]
        }
      } finally {
        await gateway.stop()
      }
    } finally {
      await mock.stop()
    }
  }
}

/** Of the requests due in each second: how many their first try answered. */
function sharesBySecond (requests: readonly SteadyRequest[], fromUs: number, seconds: number): number[] {
  return Array.from({ length: seconds }, (_, second) => {
    const due = requests.filter(({ dueUs }) => Math.floor((dueUs - fromUs) / 1e6) === second)
    return Math.round(1_000 * due.filter(({ status, tries }) => status === 200 && tries === 1).length / due.length) / 1_000
  })
}
