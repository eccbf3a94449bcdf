import { runLoad } from '../lib/load.ts'
import { megabytes } from '../lib/output.ts'
import { failuresIn, toMs, withTarget } from '../lib/scenario.ts'
import type { Row, Scenario } from '../lib/scenario.ts'
import { chatRequest } from '../lib/targets.ts'

const sizes = [{ name: '100 KB', bytes: 100_000 }, { name: '1 MB', bytes: 1_000_000 }] as const

/** Requests with long conversations in them. */
export const largeBody: Scenario = {
  name: 'large-body',
  async run (context) {
    return await withTarget(context, {}, async (target) => {
      const rows: Row[] = []
      for (const size of sizes) {
        const text = 'a long conversation '.repeat(size.bytes / 20)
        const { result, usage } = await runLoad({
          kind: 'closed-loop',
          request: chatRequest(target, { messages: [{ role: 'user', content: text }] }),
          connections: 8,
          warmupSeconds: context.quick ? 0.3 : 2,
          seconds: context.seconds ?? (context.quick ? 0.5 : 8)
        }, { usage: target.usage, onProgress: (count) => { context.onProgress(`large-body: ${size.name}, ${count} answers`) } })
        rows.push({
          scenario: `${size.name} requests, 8 connections`,
          rps: result.rps,
          p50Ms: toMs(result.latency, 50),
          p99Ms: toMs(result.latency, 99),
          errors: failuresIn(result.statuses) + result.connectionErrors,
          cpuUsPerRequest: usage === null ? null : usage.cpuUs / result.requests,
          rssMb: usage === null ? null : megabytes(usage.rssBytes),
          note: `${(result.rps * size.bytes / 1e6).toFixed(0)} MB/s`
        })
      }
      const errors = rows.reduce((sum, row) => sum + row.errors, 0)
      return { rows, checks: [{ name: 'large-body: failed requests', wanted: '0', measured: String(errors), pass: errors === 0 }] }
    })
  }
}
