import { runLoad } from '../lib/load.ts'
import { megabytes } from '../lib/output.ts'
import { toMs, withTarget } from '../lib/scenario.ts'
import type { Scenario } from '../lib/scenario.ts'
import { chatRequest } from '../lib/targets.ts'

const latencyMs = 20
const p99MsMax = 250

/** A steady 5,000 requests per second, sent on time whatever happens to earlier ones. */
export const openLoop: Scenario = {
  name: 'open-loop',
  async run (context) {
    const requestsPerSecond = context.quick ? 1000 : 5000
    const seconds = context.seconds ?? (context.quick ? 1.5 : 60)
    return await withTarget(context, { mock: { latencyMs } }, async (target) => {
      const { result, usage } = await runLoad({
        kind: 'open-loop',
        request: chatRequest(target),
        requestsPerSecond,
        seconds,
        warmupSeconds: context.quick ? 0.5 : 3,
        connectionsMax: 2000
      }, { usage: target.usage, onProgress: (count) => { context.onProgress(`open-loop: ${count} of ${requestsPerSecond * seconds} sent`) } })
      const failed = result.requests - result.accepted.count
      const p99Ms = toMs(result.accepted, 99)
      return {
        rows: [{
          scenario: `open loop, ${requestsPerSecond} RPS for ${seconds} s`,
          rps: result.accepted.count / result.elapsedSeconds,
          p50Ms: toMs(result.accepted, 50),
          p99Ms,
          errors: failed,
          cpuUsPerRequest: usage === null ? null : usage.cpuUs / result.requests,
          rssMb: usage === null ? null : megabytes(usage.rssBytes),
          note: `upstream ${latencyMs} ms; sent late p99 ${toMs(result.sendLateness, 99).toFixed(1)} ms; ${result.connections} connections`
        }],
        checks: [
          { name: 'open-loop: requests not answered with 200', wanted: '0', measured: String(failed), pass: failed === 0 },
          { name: 'open-loop: p99', wanted: `< ${p99MsMax} ms`, measured: `${p99Ms.toFixed(1)} ms`, pass: p99Ms < p99MsMax }
        ]
      }
    })
  }
}
