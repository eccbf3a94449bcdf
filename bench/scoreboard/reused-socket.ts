import type { Socket } from 'node:net'
import type { FaultExchange, Script } from '../../test/helpers/fault-upstream.ts'
import { faults, ok } from '../../test/helpers/faults.ts'
import { RawClient } from '../../test/helpers/http-client.ts'
import { doneEvent } from '../../test/helpers/sse.ts'
import { inLanes } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { chatBody, httpProvider, hungRequests, withGateway } from './setup.ts'

const lanes = 8

const oneByte: Script = async (exchange) => {
  await exchange.send('H')
  exchange.reset()
}
/** How the connection dies under a request that uses it again. */
const deaths: readonly Script[] = [faults.closeBeforeHead(), faults.resetBeforeHead(), oneByte, faults.resetAfterHead()]

/**
 * The upstream kills the connection of every request that comes on a used one, at its first attempt; then, in a second part, it closes every
 * fourth connection right after an answer, when the gateway may be about to use it. No request meets both, for which one retry would
 * not be enough. Every request names itself as its model.
 */
export const reusedSocket: ScoreboardRow = {
  row: 10,
  fault: 'keep-alive connection dies when it is used again',
  async run ({ quick }) {
    const requests = quick ? 400 : 5_000
    const used = new WeakSet<Socket>()
    const killedModels = new Set<string>()
    const answers = new Map<string, number>()
    const counts = { killed: 0, closedIdle: 0 }
    const script = (exchange: FaultExchange): void | Promise<void> => {
      const { model } = exchange.json
      const closesIdle = Number(model.slice(1)) >= requests / 2
      if (!closesIdle && used.has(exchange.socket) && !killedModels.has(model)) {
        killedModels.add(model)
        return (deaths[counts.killed++ % deaths.length] as Script)(exchange)
      }
      used.add(exchange.socket)
      // What arrives on a connection that was closed meanwhile is not answered.
      if (!exchange.socket.writable) return
      answers.set(model, (answers.get(model) ?? 0) + 1)
      const answered = ok(exchange)
      if (closesIdle && answers.size % 4 === 0) {
        counts.closedIdle++
        exchange.socket.end()
      }
      return answered
    }
    return await withGateway(script, (url) => ({
      providers: { up: httpProvider(url, { max_retries: 1, retry_backoff_initial: 5, retry_budget_percent: 100 }, { circuit_breaker: { enabled: false } }) }
    }), async ({ upstream, gateway }) => {
      const failures: string[] = []
      let started = 0
      await inLanes(lanes, lanes, async () => {
        const client = await RawClient.connect(gateway.port)
        while (started < requests) {
          const index = started++
          const stream = index % 2 === 0
          const response = await client.chat(chatBody(`up/m${index}`, { stream }))
          await response.end()
          if (response.status !== 200 || (stream && !response.text.endsWith(doneEvent))) failures.push(response.text)
        }
        client.socket.destroy()
      })
      const hung = await hungRequests(gateway)
      const duplicates = [...answers.values()].filter((count) => count > 1).length
      return {
        figures: { requests, ...counts, attempts: upstream.requestCount, failures: failures.length, examples: failures.slice(0, 3), duplicates, hung },
        checks: [
          { name: `${this.fault}, max_retries 1, ${requests} requests (${counts.killed} killed in use, ${counts.closedIdle} closed when idle): client-visible failures`, wanted: '0', measured: String(failures.length), pass: failures.length === 0 && counts.killed > requests / 10 && hung === 0 },
          { name: 'the same: requests that were answered and sent again', wanted: '0', measured: String(duplicates), pass: duplicates === 0 }
        ]
      }
    })
  }
}
