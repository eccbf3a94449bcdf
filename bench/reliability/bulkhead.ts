import { runLoad } from '../lib/load.ts'
import { median } from '../lib/output.ts'
import { freePort } from '../lib/processes.ts'
import type { SteadyRequest } from '../lib/steady-load.ts'
import { chatRequest, startGateway, startMock } from '../lib/targets.ts'
import type { Target } from '../lib/targets.ts'
import { countStatuses, latencyMs } from './reliability-scenario.ts'
import type { ReliabilityScenario } from './reliability-scenario.ts'

const requestsPerSecond = 200
const upstreamMs = 20
const ratioMax = 1.1
/** The healthy provider's neighbour: in good order, refusing connections, or taking forever. */
const neighbours = ['good', 'dead', 'slow'] as const
type Neighbour = typeof neighbours[number]

/** Two providers with the same load. What becomes of one must not show in the other's answers. */
export const bulkhead: ReliabilityScenario = {
  name: 'bulkhead',
  async run ({ quick, onProgress }) {
    const roundsTotal = quick ? 1 : 7
    const seconds = quick ? 2 : 4
    const [mock, slow] = [await startMock({ latencyMs: upstreamMs }), await startMock({ latencyMs: 10_000 })]
    const provider = (port: number): object => ({
      custom_provider_config: { base_provider_type: 'openai', is_key_less: true }, network_config: { base_url: `http://127.0.0.1:${port}` }, concurrency_and_buffer_size: { concurrency: 1_000, buffer_size: 5_000 }
    })
    let gateway: Target | null = null
    try {
      gateway = await startGateway({ mockPort: mock.port, providers: { good: provider(mock.port), dead: provider(await freePort()), slow: provider(slow.port) } })
      const target = gateway
      const load = async (model: string, timeoutMs: number): Promise<SteadyRequest[]> => (await runLoad(
        { kind: 'steady', request: chatRequest({ ...target, model }), phases: [{ requestsPerSecond, seconds }], retries: 0, retryDelayMs: 0, timeoutMs, connectionsMax: 4_000, name: 'r' })).result.requests
      const p99Ms: Record<Neighbour, number[]> = { good: [], dead: [], slow: [] }
      const statuses: Record<string, number> = {}
      // The first round is to warm up.
      for (let round = 0; round <= roundsTotal; round++) {
        for (let turn = 0; turn < neighbours.length; turn++) {
          const neighbour = neighbours[(round + turn) % neighbours.length] as Neighbour
          onProgress(`bulkhead: round ${round} of ${roundsTotal}, beside a ${neighbour} provider`)
          const [healthy] = await Promise.all([load(target.model, 10_000), load(`${neighbour}/m`, 2_000)])
          if (round === 0) continue
          p99Ms[neighbour].push(latencyMs(healthy, 99))
          for (const [status, count] of Object.entries(countStatuses(healthy))) statuses[status] = (statuses[status] ?? 0) + count
        }
      }
      const ratioOf = (neighbour: Neighbour): number => median(p99Ms[neighbour].map((value, round) => value / (p99Ms.good[round] ?? NaN)))
      const failed = Object.entries(statuses).reduce((sum, [status, count]) => sum + (status === '200' ? 0 : count), 0)
      return {
        figures: { p99Ms, medians: Object.fromEntries(neighbours.map((neighbour) => [neighbour, median(p99Ms[neighbour])])), statuses },
        checks: [
          ...(['dead', 'slow'] as const).map((neighbour) => ({
            name: `bulkhead: p99 of the healthy provider beside a ${neighbour} one / beside a good one`, wanted: `<= ${ratioMax}`, measured: ratioOf(neighbour).toFixed(3), pass: quick || ratioOf(neighbour) <= ratioMax
          })),
          { name: 'bulkhead: failed requests of the healthy provider', wanted: '0', measured: String(failed), pass: failed === 0 }
        ]
      }
    } finally {
      await gateway?.stop()
      await slow.stop()
      await mock.stop()
    }
  }
}
