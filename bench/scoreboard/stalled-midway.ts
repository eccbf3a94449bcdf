import type { FaultExchange } from '../../test/helpers/fault-upstream.ts'
import { RawClient } from '../../test/helpers/http-client.ts'
import { contentEvent } from '../../test/helpers/sse.ts'
import { within } from '../../test/helpers/wait.ts'
import { inLanes, percentile } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { chatBody, httpProvider, hungRequests, withGateway } from './setup.ts'

const streams = 10
const idleMs = 1_000
const slowClientMs = 2_000
const lateMsMax = 1_000
const event = Buffer.from(contentEvent('x'.repeat(64 * 1024)))
/** More than all buffers between upstream and client hold, so that the gateway stops reading. */
const eventsOfLarge = 24 * 16

/**
 * Clients read the head of their stream and then nothing, and the upstream says no more: after little, which all fits into the buffers of the
 * client's connection, or after so much that the gateway has stopped reading upstream, where only the client's own limit can end it.
 */
export const stalledMidway: ScoreboardRow = {
  row: 5,
  fault: 'upstream stalls in mid-stream while the client does not read',
  async run () {
    const ends = new Map<string, { lastSentMs: number, closedMs: number }>()
    const script = async (exchange: FaultExchange): Promise<void> => {
      const { model } = exchange.json
      const end = { lastSentMs: performance.now(), closedMs: Infinity }
      ends.set(model, end)
      void exchange.closed.then(() => { end.closedMs = performance.now() })
      const count = model.startsWith('large') ? eventsOfLarge : 4
      exchange.openStream(event.length * (count + 1))
      for (let sent = 0; sent < count && !exchange.socket.destroyed; sent++) {
        await exchange.write(event)
        if (end.closedMs === Infinity && !exchange.socket.destroyed) end.lastSentMs = performance.now()
      }
      await exchange.closed
    }
    return await withGateway(script, (url) => ({
      client: { slow_client_timeout_in_seconds: slowClientMs / 1_000 },
      providers: { up: httpProvider(url, { stream_idle_timeout_in_seconds: idleMs / 1_000 }) }
    }), async ({ gateway }) => {
      const measure = async (kind: string): Promise<number[]> => {
        const seconds: number[] = []
        await inLanes(streams, streams, async (index) => {
          const client = await RawClient.connect(gateway.port)
          client.socket.once('data', () => { client.socket.pause() })
          client.chat(chatBody(`up/${kind}${index}`, { stream: true })).catch(() => {})
          await within(until(() => (ends.get(`${kind}${index}`)?.closedMs ?? Infinity) < Infinity), `stream ${kind}${index} ends`).catch(() => {})
          const { lastSentMs, closedMs } = ends.get(`${kind}${index}`) ?? { lastSentMs: 0, closedMs: Infinity }
          seconds.push((closedMs - lastSentMs) / 1_000)
          client.socket.destroy()
        })
        return seconds
      }
      const small = await measure('small')
      const large = await measure('large')
      const hung = await hungRequests(gateway)
      const slowest = (values: readonly number[]): number => percentile(values, 100)
      const line = (what: string, values: readonly number[], limitMs: number): { name: string, wanted: string, measured: string, pass: boolean } => ({
        name: `${this.fault}, ${what}, ${values.length} streams: s until the upstream is let go; requests that hang`,
        wanted: `<= ${(limitMs + lateMsMax) / 1_000}; 0`,
        measured: `${percentile(values, 0).toFixed(2)} to ${slowest(values).toFixed(2)}; ${hung}`,
        pass: slowest(values) <= (limitMs + lateMsMax) / 1_000 && hung === 0
      })
      return {
        figures: { small, large, hung },
        checks: [
          line(`256 KB sent, idle timeout ${idleMs / 1_000} s`, small, idleMs),
          line(`buffers full, slow-client timeout ${slowClientMs / 1_000} s`, large, slowClientMs)
        ]
      }
    })
  }
}

async function until (check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => { setTimeout(resolve, 5) })
}
