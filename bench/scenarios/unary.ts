import { runLoad } from '../lib/load.ts'
import { megabytes } from '../lib/output.ts'
import { failuresIn, toMs, withTarget } from '../lib/scenario.ts'
import type { Row, Scenario, ScenarioContext } from '../lib/scenario.ts'
import { chatRequest } from '../lib/targets.ts'
import type { Target } from '../lib/targets.ts'

/** Small chat completions as fast as they are answered: autocannon at 64 connections, then one connection. */
export const unary: Scenario = {
  name: 'unary',
  async run (context) {
    return await withTarget(context, {}, async (target) => {
      const rows = [await manyConnections(context, target), await oneConnection(context, target)]
      const errors = rows.reduce((sum, row) => sum + row.errors, 0)
      return { rows, checks: [{ name: 'unary: failed requests', wanted: '0', measured: String(errors), pass: errors === 0 }] }
    })
  }
}

async function manyConnections (context: ScenarioContext, target: Target): Promise<Row> {
  context.onProgress('unary: 64 connections')
  const { result, usage } = await runLoad({
    kind: 'autocannon',
    request: chatRequest(target),
    connections: 64,
    warmupSeconds: context.quick ? 0.5 : 3,
    seconds: context.seconds ?? (context.quick ? 1 : 10)
  }, { usage: target.usage })
  return {
    scenario: 'unary, 64 connections',
    rps: result.rps,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    errors: result.non2xx + result.errors,
    cpuUsPerRequest: usage === null ? null : usage.cpuUs / result.requests,
    rssMb: usage === null ? null : megabytes(usage.rssBytes),
    note: 'autocannon, whole ms'
  }
}

async function oneConnection (context: ScenarioContext, target: Target): Promise<Row> {
  const { result, usage } = await runLoad({
    kind: 'closed-loop',
    request: chatRequest(target),
    connections: 1,
    warmupSeconds: context.quick ? 0.2 : 1,
    seconds: context.quick ? 1 : context.seconds ?? 5
  }, { usage: target.usage, onProgress: (count) => { context.onProgress(`unary: 1 connection, ${count} answers`) } })
  return {
    scenario: 'unary, 1 connection',
    rps: result.rps,
    p50Ms: toMs(result.latency, 50),
    p99Ms: toMs(result.latency, 99),
    errors: failuresIn(result.statuses) + result.connectionErrors,
    cpuUsPerRequest: usage === null ? null : usage.cpuUs / result.requests,
    rssMb: usage === null ? null : megabytes(usage.rssBytes)
  }
}
