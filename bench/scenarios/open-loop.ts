import { runLoad } from '../lib/load.ts'
import type { OpenLoopOptions } from '../lib/open-loop.ts'
import { megabytes } from '../lib/output.ts'
import { toMs, withTarget } from '../lib/scenario.ts'
import type { Row, Scenario, ScenarioContext } from '../lib/scenario.ts'
import { chatRequest } from '../lib/targets.ts'

const latencyMs = 20
const p99MsMax = 250
const coldSeconds = 10

/** A steady 5,000 requests per second, sent on time whatever happens to earlier ones: to a gateway that has just started, and to one that is warm. */
export const openLoop: Scenario = {
  name: 'open-loop',
  async run (context) {
    const cold = await measure(context, 'cold start', { seconds: context.quick ? 1 : coldSeconds, warmupSeconds: 0 })
    const warm = await measure(context, 'open loop', { seconds: context.seconds ?? (context.quick ? 1.5 : 60), warmupSeconds: context.quick ? 0.5 : 3 })
    const p99Ms = warm.p99Ms as number
    return {
      rows: [cold, warm],
      checks: [
        { name: 'open-loop: requests not answered with 200', wanted: '0', measured: String(warm.errors), pass: warm.errors === 0 },
        { name: 'open-loop: p99', wanted: `< ${p99MsMax} ms`, measured: `${p99Ms.toFixed(1)} ms`, pass: p99Ms < p99MsMax }
      ]
    }
  }
}

async function measure (context: ScenarioContext, name: string, times: Pick<OpenLoopOptions, 'seconds' | 'warmupSeconds'>): Promise<Row> {
  const requestsPerSecond = context.quick ? 1000 : 5000
  return await withTarget(context, { mock: { latencyMs } }, async (target) => {
    const { result, usage } = await runLoad({
      kind: 'open-loop',
      request: chatRequest(target),
      requestsPerSecond,
      ...times,
      connectionsMax: 2000,
      slowMs: p99MsMax
    }, { usage: target.usage, onProgress: (count) => { context.onProgress(`${name}: ${count} of ${requestsPerSecond * times.seconds} sent`) } })
    return {
      scenario: `${name}, ${requestsPerSecond} RPS for ${times.seconds} s`,
      rps: result.accepted.count / result.elapsedSeconds,
      p50Ms: toMs(result.accepted, 50),
      p99Ms: toMs(result.accepted, 99),
      errors: result.requests - result.accepted.count,
      cpuUsPerRequest: usage === null ? null : usage.cpuUs / result.requests,
      rssMb: usage === null ? null : megabytes(usage.rssBytes),
      note: `upstream ${latencyMs} ms; sent late p99 ${toMs(result.sendLateness, 99).toFixed(1)} ms; ${result.connections} connections; none over ${p99MsMax} ms after ${result.lastSlowSeconds.toFixed(1)} s`
    }
  })
}
