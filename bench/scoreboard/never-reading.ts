import type { FaultExchange } from '../../test/helpers/fault-upstream.ts'
import { ok } from '../../test/helpers/faults.ts'
import { RawClient } from '../../test/helpers/http-client.ts'
import { contentEvent } from '../../test/helpers/sse.ts'
import { pause, within } from '../../test/helpers/wait.ts'
import { runLoad } from '../lib/load.ts'
import { megabytes } from '../lib/output.ts'
import { chatRequest } from '../lib/targets.ts'
import type { Target } from '../lib/targets.ts'
import { countStatuses, latencyMs } from '../reliability/reliability-scenario.ts'
import type { SteadyRequest } from '../lib/steady-load.ts'
import { scrape, sumOf } from '../soak/samples.ts'
import { inLanes, percentile } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { askOnce, chatBody, httpProvider, hungRequests, withGateway } from './setup.ts'

const warmStreams = 10
/** Each reader fills some 8 MB of kernel buffers: all of them at once would measure how fast the machine copies. */
const readerEveryMs = 25
const requestsPerSecond = 200
const rssMbMax = 60
const lateMsMax = 1_000
/** Below this, twice as long is no harm: upstream, clients and gateway share the machine. */
const healthyMsMin = 50
const sampleMs = 50
const event = Buffer.from(contentEvent('x'.repeat(16 * 1024)))
const eventsTotal = Math.ceil(20 * 2 ** 20 / event.length)

/** Clients take the head of a long stream and never read again, beside steady small requests to the same provider, thus through the same thread. */
export const neverReading: ScoreboardRow = {
  row: 3,
  fault: 'clients that never read, 20 MB each',
  async run ({ quick, onProgress }) {
    const readers = quick ? 40 : 200
    // Longer than it takes until all are there, and well below the 8 to 12 s after which the HTTP server cuts a connection by itself.
    const slowClientMs = quick ? 1_500 : 6_000
    const loadSeconds = quick ? 4 : 14
    const stuckMs: number[] = []
    const script = async (exchange: FaultExchange): Promise<void> => {
      if (!exchange.json.model.startsWith('long')) return ok(exchange)
      let acceptedMs = performance.now()
      exchange.openStream(event.length * eventsTotal)
      for (let sent = 0; sent < eventsTotal && !exchange.socket.destroyed; sent++) {
        await exchange.write(event)
        if (!exchange.socket.destroyed) acceptedMs = performance.now()
      }
      if (!exchange.socket.destroyed) return exchange.end()
      await exchange.closed
      stuckMs.push((exchange.request.peerClosedAtMs ?? Infinity) - acceptedMs)
    }
    return await withGateway(script, (url) => ({
      client: { slow_client_timeout_in_seconds: slowClientMs / 1_000 },
      providers: { up: httpProvider(url) }
    }), async ({ gateway }) => {
      // What streams cost that are read is not what the row is about, and memory that they needed stays with the process.
      await inLanes(warmStreams, warmStreams, async (index) => { await askOnce(gateway.port, `up/long-and-read${index}`, { stream: true }) })
      stuckMs.length = 0
      onProgress('row 3: without them')
      const alone = await healthyLoad(gateway, loadSeconds / 2)
      const rssBefore = gateway.usage().rssBytes
      let rssPeak = rssBefore
      const sampler = setInterval(() => { rssPeak = Math.max(rssPeak, gateway.usage().rssBytes) }, sampleMs)
      onProgress('row 3: beside them')
      const load = healthyLoad(gateway, loadSeconds)
      load.catch(() => {})
      const clients: RawClient[] = []
      let beside: SteadyRequest[] = []
      try {
        await inLanes(1, readers, async () => {
          const client = await RawClient.connect(gateway.port)
          clients.push(client)
          await within(client.chat(chatBody('up/long', { stream: true })), 'the head of a stream comes')
          client.socket.pause()
          await pause(readerEveryMs)
        })
        beside = await load
      } finally {
        clearInterval(sampler)
      }
      const hung = await hungRequests(gateway)
      const cut = sumOf(await scrape(gateway.port), 'bifrost_error_requests_total', { error_type: 'slow_client' })
      for (const { socket } of clients) socket.destroy()
      const rssMb = megabytes(rssPeak - rssBefore)
      const failed = beside.length - (countStatuses(beside)['200'] ?? 0)
      const [aloneMs, besideMs] = [latencyMs(alone, 99), latencyMs(beside, 99)]
      const allowedMs = Math.max(healthyMsMin, 2 * aloneMs)
      const [earliest, latest] = [percentile(stuckMs, 0), percentile(stuckMs, 100)]
      return {
        figures: { readers, cut, letGo: stuckMs.length, stuckMs: { earliest, latest }, rssBeforeMb: megabytes(rssBefore), rssMb, aloneMs: { p50: latencyMs(alone, 50), p99: aloneMs }, besideMs: { p50: latencyMs(beside, 50), p99: besideMs }, failed, hung },
        checks: [
          { name: `${readers} ${this.fault}: growth of RSS`, wanted: `<= ${rssMbMax} MB`, measured: `${rssMb.toFixed(1)} MB`, pass: rssMb <= rssMbMax },
          { name: `the same: cut as slow clients; upstreams let go; s after the last byte, limit ${slowClientMs / 1_000}`, wanted: `all; all; <= ${(slowClientMs + lateMsMax) / 1_000}`, measured: `${cut}; ${stuckMs.length}; ${(earliest / 1_000).toFixed(2)} to ${(latest / 1_000).toFixed(2)}`, pass: cut === readers && stuckMs.length === readers && latest <= slowClientMs + lateMsMax },
          { name: `the same: p99 of ${beside.length} healthy requests beside them; failed; requests that hang`, wanted: `<= ${allowedMs.toFixed(0)} ms; 0; 0`, measured: `${besideMs.toFixed(1)} ms (${aloneMs.toFixed(1)} without them); ${failed}; ${hung}`, pass: besideMs <= allowedMs && failed === 0 && hung === 0 }
        ]
      }
    })
  }
}

async function healthyLoad (gateway: Target, seconds: number): Promise<SteadyRequest[]> {
  const { result } = await runLoad({ kind: 'steady', request: chatRequest({ ...gateway, model: 'up/m' }), phases: [{ requestsPerSecond, seconds }], retries: 0, retryDelayMs: 0, timeoutMs: 10_000, connectionsMax: 1_000, name: 'r' })
  return result.requests
}
