import { runLoad } from '../lib/load.ts'
import type { OpenLoopResult } from '../lib/open-loop.ts'
import { toMs } from '../lib/scenario.ts'
import { chatRequest, startGateway, startMock } from '../lib/targets.ts'
import type { ReliabilityScenario } from './reliability-scenario.ts'

/** 30 in flight at 100 ms. */
const concurrency = 30
const upstreamMs = 100
const capacityRps = concurrency * 1_000 / upstreamMs
const goodputShareMin = 0.9
const refusalP99MsMax = 20

/** Ten times what the provider can do, sent whatever the answers: what is served must not shrink, and refusals must be quick. */
export const overload10x: ReliabilityScenario = {
  name: 'overload-10x',
  async run ({ quick, onProgress }) {
    const seconds = quick ? 3 : 20
    const mock = await startMock({ latencyMs: upstreamMs })
    try {
      const gateway = await startGateway({ mockPort: mock.port, concurrency, bufferSize: 2 * concurrency, dropExcessRequests: true })
      try {
        const send = async (times: number): Promise<OpenLoopResult> => (await runLoad(
          { kind: 'open-loop', request: chatRequest(gateway), requestsPerSecond: times * capacityRps, seconds, warmupSeconds: quick ? 0.5 : 2, connectionsMax: 2_000 },
          { onProgress: (count) => { onProgress(`overload-10x: ${times} times capacity, ${count} sent`) } })).result
        const figures: Record<string, { goodputRps: number, acceptedP99Ms: number, refusedP50Ms: number, refusedP99Ms: number, statuses: Record<string, number>, lost: number, sendLatenessP99Ms: number }> = {}
        for (const times of [0.8, 1, 1.5, 10]) {
          const result = await send(times)
          figures[`${times}x`] = {
            goodputRps: result.accepted.count / seconds,
            acceptedP99Ms: toMs(result.accepted, 99),
            refusedP50Ms: toMs(result.rejected, 50),
            refusedP99Ms: toMs(result.rejected, 99),
            statuses: result.statuses,
            lost: result.lost,
            sendLatenessP99Ms: toMs(result.sendLateness, 99)
          }
        }
        const loaded = figures['10x']
        if (loaded === undefined) throw new Error('the overload was not measured')
        const peakRps = Math.max(...Object.values(figures).map(({ goodputRps }) => goodputRps))
        const share = loaded.goodputRps / peakRps
        return {
          figures: { capacityRps, peakRps, ...figures },
          checks: [
            { name: 'overload-10x: goodput / peak', wanted: `>= ${goodputShareMin}`, measured: share.toFixed(3), pass: share >= goodputShareMin },
            { name: 'overload-10x: p99 of refusals', wanted: `<= ${refusalP99MsMax} ms`, measured: `${loaded.refusedP99Ms.toFixed(1)} ms (sent late by up to ${loaded.sendLatenessP99Ms.toFixed(1)} ms)`, pass: loaded.refusedP99Ms <= refusalP99MsMax },
            { name: 'overload-10x: requests without an answer', wanted: '0', measured: String(loaded.lost), pass: loaded.lost === 0 }
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
