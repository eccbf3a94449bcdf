import type { FaultExchange } from '../../test/helpers/fault-upstream.ts'
import { RawClient } from '../../test/helpers/http-client.ts'
import { contentEvent } from '../../test/helpers/sse.ts'
import { createSignal, pause, within } from '../../test/helpers/wait.ts'
import { runLoad } from '../lib/load.ts'
import { chatRequest, startMock } from '../lib/targets.ts'
import type { Target } from '../lib/targets.ts'
import type { LoadRequest } from '../lib/http-socket.ts'
import type { SteadyRequest } from '../lib/steady-load.ts'
import { countStatuses, latencyMs } from '../reliability/reliability-scenario.ts'
import { scrape, sumOf } from '../soak/samples.ts'
import { inLanes, percentile } from './lanes.ts'
import { sendLargeBodies } from './large-bodies.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { chatBody, httpProvider, hungRequests, withGateway } from './setup.ts'

const requestsPerSecond = 100
const streamsAtOnce = 60
const streamEvent = Buffer.from(contentEvent('x'.repeat(16 * 1024)))
const streamBytes = 5 * 2 ** 20
const msMax = 50

/** Bodies of 10 MB arrive, and again and again all clients of streams leave at once in the middle, beside steady small requests. Each kind has an upstream of its own. */
export const headOfLine: ScoreboardRow = {
  row: 30,
  fault: '10 MB bodies and mass disconnects',
  async run ({ quick, onProgress }) {
    const seconds = quick ? 3 : 20
    const [smallMock, largeMock] = [await startMock(), await startMock()]
    const closedMs: number[] = []
    let midway = createSignal()
    let leftMs = Infinity
    const script = async (exchange: FaultExchange): Promise<void> => {
      exchange.openStream(streamBytes)
      for (let sent = 0; sent < streamBytes && !exchange.socket.destroyed; sent += streamEvent.length) {
        if (sent >= streamBytes / 2) await midway.promise
        await exchange.write(streamEvent)
      }
      await exchange.closed
      closedMs.push((exchange.request.peerClosedAtMs ?? Infinity) - leftMs)
    }
    try {
      return await withGateway(script, (url) => ({
        providers: { up: httpProvider(url), small: httpProvider(`http://127.0.0.1:${smallMock.port}`), large: httpProvider(`http://127.0.0.1:${largeMock.port}`) }
      }), async ({ gateway }) => {
        const small = chatRequest({ ...gateway, model: 'small/m' })
        const live: LoadRequest = { method: 'GET', port: gateway.port, path: '/health/live', headers: {}, body: '' }
        const alone = await Promise.all([steady(live, 2), steady(small, 2)])
        await scrape(gateway.port) // the delay of the event loop is told since the last scrape
        const loads = Promise.all([steady(live, seconds), steady(small, seconds)])
        loads.catch(() => {})
        const large = sendLargeBodies(gateway.port)
        let streams = 0
        try {
          for (const endsMs = performance.now() + seconds * 1_000; performance.now() < endsMs; await pause(1_000)) {
            onProgress(`row 30: ${streams} streams left by their clients`)
            midway = createSignal()
            const clients: RawClient[] = []
            await inLanes(streamsAtOnce, streamsAtOnce, async () => { clients.push(await openHalf(gateway)) })
            leftMs = performance.now()
            for (const { socket } of clients) socket.resetAndDestroy()
            midway.resolve()
            streams += clients.length
          }
        } finally {
          await large.stop()
        }
        const [health, chat] = await loads
        const exposition = await scrape(gateway.port)
        const hung = await hungRequests(gateway)
        const loopMs = (quantile: string): number => 1_000 * sumOf(exposition, 'bifrost_event_loop_delay_seconds', { thread: 'front', quantile })
        const p99Ms = { healthAlone: latencyMs(alone[0], 99), chatAlone: latencyMs(alone[1], 99), health: latencyMs(health, 99), chat: latencyMs(chat, 99), loop: loopMs('p99'), loopMax: loopMs('max') }
        const failed = [health, chat].reduce((sum, requests) => sum + requests.length - (countStatuses(requests)['200'] ?? 0), 0)
        const letGo = closedMs.filter((ms) => ms < Infinity).length
        return {
          figures: { p99Ms, largeStatuses: large.statuses, streams, letGo, closedP99Ms: percentile(closedMs, 99), failed, hung },
          checks: [
            { name: `${large.sent} bodies of 10 MB, ${streams} streams of 5 MiB left midway: p99 of GET /health/live`, wanted: `<= ${msMax} ms`, measured: `${p99Ms.health.toFixed(1)} ms (${p99Ms.healthAlone.toFixed(1)} alone)`, pass: p99Ms.health <= msMax },
            { name: 'the same: p99 of small chat requests; of the event loop of the front', wanted: `<= ${msMax} ms; <= ${msMax} ms`, measured: `${p99Ms.chat.toFixed(1)} ms (${p99Ms.chatAlone.toFixed(1)} alone); ${p99Ms.loop.toFixed(1)} ms, max ${p99Ms.loopMax.toFixed(1)}`, pass: p99Ms.chat <= msMax && p99Ms.loop <= msMax },
            { name: 'the same: large requests answered 200; upstreams let go; failed small ones; requests that hang', wanted: 'all; all; 0; 0', measured: `${large.statuses['200'] ?? 0}; ${letGo}; ${failed}; ${hung}`, pass: large.statuses['200'] === large.sent && letGo === streams && failed === 0 && hung === 0 }
          ]
        }
      })
    } finally {
      await smallMock.stop()
      await largeMock.stop()
    }
  }
}

/** A stream of which the first half has arrived. */
async function openHalf (gateway: Target): Promise<RawClient> {
  const client = await RawClient.connect(gateway.port)
  const response = await within(client.chat(chatBody('up/m', { stream: true })), 'the head of a stream comes')
  const half = createSignal()
  let bytes = Buffer.byteLength(response.text)
  response.onBody = (piece) => {
    bytes += piece.length
    if (bytes >= streamBytes / 2) half.resolve()
  }
  await within(half.promise, 'half of a stream comes')
  return client
}

async function steady (request: LoadRequest, seconds: number): Promise<SteadyRequest[]> {
  return (await runLoad({ kind: 'steady', request, phases: [{ requestsPerSecond, seconds }], retries: 0, retryDelayMs: 0, timeoutMs: 10_000, connectionsMax: 1_000, name: 'r' })).result.requests
}
