import { runLoad } from '../lib/load.ts'
import { megabytes } from '../lib/output.ts'
import { sampleMemory, toMs, withTarget } from '../lib/scenario.ts'
import type { Scenario } from '../lib/scenario.ts'
import { chatRequest } from '../lib/targets.ts'

/** Requests in flight that the provider may have, and the mock's latency: 100 / 0.1 s = 1,000 RPS. */
const concurrency = 100
const bufferSize = 100
const latencyMs = 100
const capacityRps = concurrency * 1000 / latencyMs

/**
 * Twice the load that the provider's limits allow, sent whether or not it is answered. What is accepted
 * must stay quick, what is refused must be told so at once, and nothing may pile up.
 */
export const overload: Scenario = {
  name: 'overload',
  async run (context) {
    const gateway = { concurrency, bufferSize, dropExcessRequests: true }
    return await withTarget(context, { mock: { latencyMs }, gateway }, async (target) => {
      const send = async (label: string, requestsPerSecond: number, seconds: number) => await runLoad({
        kind: 'open-loop',
        request: chatRequest(target),
        requestsPerSecond,
        seconds,
        warmupSeconds: context.quick ? 0.5 : 2,
        connectionsMax: 2000
      }, { usage: target.usage, onProgress: (count) => { context.onProgress(`overload: ${label}, ${count} sent`) } })

      const seconds = context.seconds ?? (context.quick ? 1.5 : 30)
      const unloaded = await send('half of capacity', capacityRps / 2, context.quick ? 1 : 10)
      const memory = sampleMemory(target, 1000)
      const loaded = await send('twice capacity', capacityRps * 2, seconds)
      const samplesMb = memory.stop()

      const { result, usage } = loaded
      const unloadedP99Ms = toMs(unloaded.result.accepted, 99)
      const loadedP99Ms = toMs(result.accepted, 99)
      const rejectedP99Ms = toMs(result.rejected, 99)
      const dropped = result.errorTypes['request_dropped'] ?? 0
      const otherRejects = result.rejected.count - Math.min(dropped, result.statuses['503'] ?? 0)
      const errors = result.lost + otherRejects
      // The first third is warm-up: heaps and connection pools still grow to their working size.
      const settledMb = samplesMb[Math.floor(samplesMb.length / 3)] ?? NaN
      const growthMb = (samplesMb.at(-1) ?? NaN) - settledMb
      return {
        rows: [
          { scenario: `half of capacity, ${capacityRps / 2} RPS`, rps: unloaded.result.accepted.count / unloaded.result.elapsedSeconds, p50Ms: toMs(unloaded.result.accepted, 50), p99Ms: unloadedP99Ms, errors: unloaded.result.lost + unloaded.result.rejected.count, cpuUsPerRequest: perRequest(unloaded.usage, unloaded.result.requests), rssMb: samplesMb[0] ?? null },
          { scenario: `overload, ${capacityRps * 2} RPS: accepted`, rps: result.accepted.count / result.elapsedSeconds, p50Ms: toMs(result.accepted, 50), p99Ms: loadedP99Ms, errors, cpuUsPerRequest: perRequest(usage, result.requests), rssMb: usage === null ? null : megabytes(usage.rssBytes) },
          { scenario: 'overload: refused', rps: result.rejected.count / result.elapsedSeconds, p50Ms: toMs(result.rejected, 50), p99Ms: rejectedP99Ms, errors: otherRejects, cpuUsPerRequest: null, rssMb: null, note: JSON.stringify(result.errorTypes) }
        ],
        checks: [
          { name: 'overload: p99 of accepted / unloaded', wanted: '< 5', measured: (loadedP99Ms / unloadedP99Ms).toFixed(2), pass: loadedP99Ms < 5 * unloadedP99Ms },
          { name: 'overload: requests were refused, all as 503 request_dropped', wanted: 'all', measured: `${dropped} of ${result.rejected.count}`, pass: dropped > 0 && otherRejects === 0 },
          { name: 'overload: p99 of refusals', wanted: '< 50 ms', measured: `${rejectedP99Ms.toFixed(1)} ms`, pass: rejectedP99Ms < 50 },
          { name: 'overload: requests without an answer', wanted: '0', measured: String(result.lost), pass: result.lost === 0 },
          { name: 'overload: memory after the first third', wanted: '< 10 % growth', measured: `${growthMb.toFixed(1)} MB`, pass: context.quick || growthMb < 0.1 * settledMb }
        ]
      }
    })
  }
}

function perRequest (usage: { cpuUs: number } | null, requests: number): number | null {
  return usage === null ? null : usage.cpuUs / requests
}
