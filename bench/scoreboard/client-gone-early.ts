import type { FaultExchange } from '../../test/helpers/fault-upstream.ts'
import { RawClient } from '../../test/helpers/http-client.ts'
import { createSignal, pause, within } from '../../test/helpers/wait.ts'
import type { Signal } from '../../test/helpers/wait.ts'
import { inLanes, percentile } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { httpProvider, hungRequests, withGateway } from './setup.ts'

const lanes = 10
const closeMsMax = 50
/** A retry that should not be made would come within its backoff of 10 ms. */
const lateAttemptsMs = 300

const routes: [path: string, body: object][] = [
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hello' }] }],
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hello' }], stream: true }],
  ['/v1/embeddings', { input: 'hello' }],
  ['/v1/responses', { input: 'hello' }],
  ['/v1/completions', { prompt: 'hello' }]
]

/** Clients reset their connection while the upstream holds its answer back. Retries and a fallback are allowed, so that a wrong one shows. */
export const clientGoneEarly: ScoreboardRow = {
  row: 1,
  fault: 'client RST before the first byte, 5 routes',
  async run ({ quick }) {
    const aborts = quick ? 50 : 500
    const arrivals = new Map<string, Signal<FaultExchange>>()
    const closedMs: number[] = []
    return await withGateway((exchange) => { arrivals.get(exchange.json.model)?.resolve(exchange) }, (url) => {
      const network = { max_retries: 2, retry_backoff_initial: 10 }
      return { providers: { up: httpProvider(url, network, { fallbacks: ['other/m'] }), other: httpProvider(url, network) } }
    }, async ({ upstream, gateway }) => {
      await inLanes(lanes, aborts, async (index) => {
        const [path, body] = routes[index % routes.length] as [string, object]
        const arrival = createSignal<FaultExchange>()
        arrivals.set(`m${index}`, arrival)
        const client = await RawClient.connect(gateway.port)
        client.request('POST', path, JSON.stringify({ model: `up/m${index}`, ...body })).catch(() => {})
        const exchange = await within(arrival.promise, `the upstream gets request ${index}`)
        const leftMs = performance.now()
        client.socket.resetAndDestroy()
        await within(exchange.closed, `the upstream connection of request ${index} closes`)
        closedMs.push((exchange.request.peerClosedAtMs ?? Infinity) - leftMs)
      })
      const hung = await hungRequests(gateway)
      await pause(lateAttemptsMs)
      const attempts = upstream.requestCount
      const p99Ms = percentile(closedMs, 99)
      return {
        figures: { aborts, p50Ms: percentile(closedMs, 50), p99Ms, maxMs: percentile(closedMs, 100), attempts, hung },
        checks: [
          { name: `${this.fault}, ${aborts} aborts: ms until the upstream socket closes`, wanted: `p99 <= ${closeMsMax}`, measured: `p50 ${percentile(closedMs, 50).toFixed(1)}, p99 ${p99Ms.toFixed(1)}`, pass: p99Ms <= closeMsMax },
          { name: 'the same: upstream attempts; requests that hang', wanted: `${aborts}; 0`, measured: `${attempts}; ${hung}`, pass: attempts === aborts && hung === 0 }
        ]
      }
    })
  }
}
