import { faults, ok } from '../../test/helpers/faults.ts'
import { inLanes, percentile } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { askOnce, httpProvider, hungRequests, withGateway } from './setup.ts'

const timeoutMs = 500
const lateMsMax = 100
const lanes = 20

/** The upstream takes requests, unary and streamed, and says nothing. Every request asks for a model of its own, so that no breaker steps in. */
export const silentUpstream: ScoreboardRow = {
  row: 4,
  fault: 'upstream silent after it took the request',
  async run ({ quick }) {
    const count = quick ? 20 : 100
    const silent = faults.silent()
    return await withGateway((exchange) => (exchange.json.model === 'good' ? ok : silent)(exchange), (url) => ({
      providers: { up: httpProvider(url, { response_header_timeout_in_seconds: timeoutMs / 1_000 }), other: httpProvider(url) }
    }), async ({ gateway }) => {
      const lateMs: number[] = []
      const statuses: Record<string, number> = {}
      await inLanes(lanes, count, async (index) => {
        const { response, endMs } = await askOnce(gateway.port, `up/m${index}`, { stream: index % 2 === 0 })
        lateMs.push(endMs - timeoutMs)
        statuses[response.status] = (statuses[response.status] ?? 0) + 1
      })
      const fallbackMs: number[] = []
      let served = 0
      await inLanes(lanes, count, async (index) => {
        const { response, endMs } = await askOnce(gateway.port, `up/f${index}`, { stream: index % 2 === 0, fallbacks: ['other/good'] })
        fallbackMs.push(endMs - timeoutMs)
        if (response.status === 200 && response.headers['x-bifrost-provider'] === 'other') served++
      })
      const hung = await hungRequests(gateway)
      const [earliest, latest, fallbackLatest] = [percentile(lateMs, 0), percentile(lateMs, 100), percentile(fallbackMs, 100)]
      return {
        figures: { count, statuses, lateP50Ms: percentile(lateMs, 50), earliest, latest, fallbackP50Ms: percentile(fallbackMs, 50), fallbackLatest, served, hung },
        checks: [
          { name: `${this.fault}, timeout ${timeoutMs} ms, ${count} requests: answered 504; ms late`, wanted: `all; 0 to ${lateMsMax}`, measured: `${statuses['504'] ?? 0}; ${earliest.toFixed(0)} to ${latest.toFixed(0)}`, pass: statuses['504'] === count && earliest >= 0 && latest <= lateMsMax && hung === 0 },
          { name: 'the same with a fallback: answered 200 by it; ms after the timeout', wanted: `all; <= ${lateMsMax}`, measured: `${served} of ${count}; p50 ${percentile(fallbackMs, 50).toFixed(0)}, max ${fallbackLatest.toFixed(0)}`, pass: served === count && fallbackLatest <= lateMsMax }
        ]
      }
    })
  }
}
