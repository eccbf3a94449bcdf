import { runLoad } from '../lib/load.ts'
import { failuresIn, sampleMemory, toMs, withTarget } from '../lib/scenario.ts'
import type { Scenario } from '../lib/scenario.ts'
import { chatRequest } from '../lib/targets.ts'

/** Room for what a heap does by itself; a leak of 100 bytes per request is 19 MB over 200,000. */
const growthMbMax = 16

/**
 * Memory after many requests against memory after as many before them: until then the heaps of the two
 * threads are still finding their size.
 */
export const memory: Scenario = {
  name: 'memory',
  async run (context) {
    const requests = context.quick ? 5000 : 200_000
    return await withTarget(context, {}, async (target) => {
      const send = async (requestsMax: number) => await runLoad({
        kind: 'closed-loop',
        request: chatRequest(target),
        connections: 64,
        warmupSeconds: 0.1,
        seconds: context.quick ? 3 : 600,
        requestsMax
      }, { usage: target.usage, onProgress: (count) => { context.onProgress(`memory: ${count} of ${requestsMax} answers`) } })

      await send(requests)
      const sampling = sampleMemory(target, 500)
      const { result, usage } = await send(requests)
      const samplesMb = sampling.stop()
      const before = samplesMb[0] ?? NaN
      const after = samplesMb.at(-1) ?? NaN
      const errors = failuresIn(result.statuses) + result.connectionErrors
      return {
        rows: [{
          scenario: `memory over ${result.requests} requests`,
          rps: result.rps,
          p50Ms: toMs(result.latency, 50),
          p99Ms: toMs(result.latency, 99),
          errors,
          cpuUsPerRequest: usage === null ? null : usage.cpuUs / result.requests,
          rssMb: after,
          note: `${before.toFixed(0)} -> ${after.toFixed(0)} MB, max ${Math.max(...samplesMb).toFixed(0)}`
        }],
        checks: [
          { name: 'memory: growth', wanted: `< ${growthMbMax} MB`, measured: `${(after - before).toFixed(1)} MB`, pass: context.quick || after - before < growthMbMax },
          { name: 'memory: failed requests', wanted: '0', measured: String(errors), pass: errors === 0 }
        ]
      }
    })
  }
}
