import type { FaultExchange } from '../../test/helpers/fault-upstream.ts'
import { RawClient } from '../../test/helpers/http-client.ts'
import { contentEvent } from '../../test/helpers/sse.ts'
import { createSignal, within } from '../../test/helpers/wait.ts'
import type { Signal } from '../../test/helpers/wait.ts'
import { inLanes, percentile } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { httpProvider, hungRequests, withGateway } from './setup.ts'

const lanes = 20
const closeMsMax = 50
/** 100 tokens a second. */
const eventEveryMs = 10
const eventsWastedMax = closeMsMax / eventEveryMs

const routes: [path: string, body: object, event: string][] = [
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hello' }] }, contentEvent('token')],
  ['/v1/completions', { prompt: 'hello' }, 'data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"token","finish_reason":null}]}\n\n'],
  ['/v1/responses', { input: 'hello' }, 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"token"}\n\n']
]

/** Clients reset their connection in the middle of a stream that would go on for ever. */
export const clientGoneMidway: ScoreboardRow = {
  row: 2,
  fault: 'client RST in mid-stream, 3 routes',
  async run ({ quick }) {
    const aborts = quick ? 60 : 500
    const arrivals = new Map<string, Signal<FaultExchange>>()
    const eventTimes = new Map<string, number[]>()
    const streamForEver = async (exchange: FaultExchange): Promise<void> => {
      const { model } = exchange.json
      const event = routes[Number(model.slice(1)) % routes.length]?.[2] ?? ''
      const times: number[] = []
      eventTimes.set(model, times)
      exchange.openStream()
      const timer = setInterval(() => {
        times.push(performance.now())
        void exchange.write(event)
      }, eventEveryMs)
      arrivals.get(model)?.resolve(exchange)
      await exchange.closed
      clearInterval(timer)
    }
    const closedMs: number[] = []
    const wasted: number[] = []
    return await withGateway(streamForEver, (url) => ({ providers: { up: httpProvider(url, { max_retries: 2, retry_backoff_initial: 10 }) } }), async ({ upstream, gateway }) => {
      await inLanes(lanes, aborts, async (index) => {
        const [path, body] = routes[index % routes.length] as [string, object, string]
        const arrival = createSignal<FaultExchange>()
        arrivals.set(`m${index}`, arrival)
        const client = await RawClient.connect(gateway.port)
        const response = await client.request('POST', path, JSON.stringify({ model: `up/m${index}`, stream: true, ...body }))
        await response.until('token')
        const exchange = await arrival.promise
        const leftMs = performance.now()
        client.socket.resetAndDestroy()
        await within(exchange.closed, `the upstream connection of stream ${index} closes`).catch(() => {})
        const endMs = exchange.request.peerClosedAtMs ?? Infinity
        if (endMs < Infinity) closedMs.push(endMs - leftMs)
        wasted.push((eventTimes.get(`m${index}`) ?? []).filter((timeMs) => timeMs > leftMs && timeMs < endMs).length)
      })
      const hung = await hungRequests(gateway)
      const p99Ms = percentile(closedMs, 99)
      const wastedTotal = wasted.reduce((sum, count) => sum + count, 0)
      const wastedMax = percentile(wasted, 100)
      return {
        figures: { aborts, closed: closedMs.length, p50Ms: percentile(closedMs, 50), p99Ms, maxMs: percentile(closedMs, 100), wastedTotal, wastedMax, attempts: upstream.requestCount, hung },
        checks: [
          { name: `${this.fault}, ${aborts} aborts: upstream sockets closed; ms`, wanted: `all; p99 <= ${closeMsMax}`, measured: `${closedMs.length} of ${aborts}; p50 ${percentile(closedMs, 50).toFixed(1)}, p99 ${p99Ms.toFixed(1)}`, pass: closedMs.length === aborts && p99Ms <= closeMsMax },
          { name: `the same: events written between RST and close at one per ${eventEveryMs} ms; requests that hang`, wanted: `<= ${eventsWastedMax} per abort; 0`, measured: `${wastedTotal} over all, ${wastedMax} at most; ${hung}`, pass: wastedMax <= eventsWastedMax && hung === 0 && upstream.requestCount === aborts }
        ]
      }
    })
  }
}
