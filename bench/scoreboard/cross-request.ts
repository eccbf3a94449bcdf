import { createRandom } from '../../test/helpers/random.ts'
import type { FaultExchange } from '../../test/helpers/fault-upstream.ts'
import { RawClient } from '../../test/helpers/http-client.ts'
import { within } from '../../test/helpers/wait.ts'
import { inLanes } from './lanes.ts'
import { answerKinds, foreignNonceIn, isAsSaid, readRequest, toAnswer, toNonce, toRequest } from './nonce-traffic.ts'
import type { AnswerKind } from './nonce-traffic.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { httpProvider, hungRequests, withGateway } from './setup.ts'

const lanes = 64
const seed = 1
const progressEvery = 50_000
const examplesMax = 5
/** Of 1,000 requests. */
const shares: Record<AnswerKind, number> = { unary: 620, stream: 300, error: 40, 'large-unary': 20, 'large-stream': 15, 'large-request': 5 }
const leaverShare = 0.08
const leavesWithinMs = 5
const drawn = answerKinds.flatMap((kind) => Array.from({ length: shares[kind] }, () => kind))

/** Requests that each carry a nonce of their own, of which every byte of their answer is made; a part of the clients leaves before or within it. */
export const crossRequest: ScoreboardRow = {
  row: 32,
  fault: 'bytes of another request in an answer',
  async run ({ quick, onProgress }) {
    const requests = quick ? 2_000 : 1_000_000
    const random = createRandom(seed)
    const counts = { leaks: 0, altered: 0, failed: 0, left: 0, leftMidway: 0, mixedRequests: 0 }
    const examples: string[] = []
    const note = (kind: 'leaks' | 'altered' | 'failed' | 'mixedRequests', what: string): void => {
      counts[kind]++
      if (examples.length < examplesMax) examples.push(`${kind}: ${what.slice(0, 500)}`)
    }
    const script = async (exchange: FaultExchange): Promise<void> => {
      const asked = readRequest(exchange)
      if (asked === null) {
        note('mixedRequests', exchange.request.body.toString('latin1', 0, 500))
        return exchange.reset()
      }
      const { nonce, kind } = asked
      const pieces = toAnswer(nonce, kind)
      const headers = { 'x-upstream-nonce': nonce, 'x-request-id': nonce }
      if (pieces.length === 1) return exchange.answer(kind === 'error' ? 400 : 200, pieces[0] as string, { 'content-type': 'application/json', ...headers })
      exchange.openStream('chunked', headers)
      for (const piece of pieces) await exchange.write(piece)
      exchange.end()
    }
    return await withGateway(script, (url) => ({ providers: { up: httpProvider(url, {}, { threads: 2 }) } }), async ({ upstream, gateway }) => {
      const clients: (RawClient | null)[] = Array.from({ length: lanes }, () => null)
      const free = clients.map((_, lane) => lane)
      const startedMs = performance.now()
      await inLanes(lanes, requests, async (index) => {
        if (index % progressEvery === 0) onProgress(`row 32: ${index} of ${requests}, ${Math.round(index / (performance.now() - startedMs) * 1_000)} per second`)
        const lane = free.pop() as number
        const nonce = toNonce(index)
        const leaves = random() < leaverShare
        const leavesMidway = leaves && random() < 0.5
        const kind = leavesMidway ? 'large-stream' : drawn[Math.floor(random() * drawn.length)] as AnswerKind
        const client = clients[lane] ?? await RawClient.connect(gateway.port)
        clients[lane] = client
        try {
          const head = client.chat(toRequest(nonce, kind), { 'x-request-id': nonce, 'x-bf-eh-nonce': nonce })
          if (leaves && !leavesMidway) setTimeout(() => { client.socket.resetAndDestroy() }, random() * leavesWithinMs)
          const response = await within(head, `request ${index} is answered`)
          if (leavesMidway) client.socket.resetAndDestroy()
          const isWhole = await response.end() === 'complete'
          const { text, headers, status } = response
          const foreign = foreignNonceIn(JSON.stringify(headers) + text, nonce)
          if (foreign !== null) note('leaks', `${foreign} in the ${kind} answer to ${nonce}: ${text}`)
          const named = headers['x-request-id'] === nonce && headers['x-upstream-nonce'] === nonce && headers['x-upstream-request-id'] === nonce
          if (status !== (kind === 'error' ? 400 : 200) || (!isWhole && !leaves)) note('failed', `${status} ${text}`)
          else if (!named || !isAsSaid(text, nonce, kind, isWhole)) note('altered', `${JSON.stringify(headers)} ${text}`)
          if (!isWhole) counts.leftMidway++
        } catch (error) {
          if (!leaves) note('failed', (error as Error).message)
        }
        if (leaves) {
          counts.left++
          await client.closed
        }
        if (client.socket.destroyed) clients[lane] = null
        free.push(lane)
      })
      const seconds = (performance.now() - startedMs) / 1_000
      for (const client of clients) client?.socket.destroy()
      const hung = await hungRequests(gateway)
      const { leaks, altered, failed, left, leftMidway, mixedRequests } = counts
      return {
        figures: { requests, ...counts, attempts: upstream.requestCount, requestsPerSecond: Math.round(requests / seconds), examples, seed, hung },
        checks: [
          { name: `${requests} requests, ${left} left by their clients, ${leftMidway} of them midway: answers with ${this.fault.replace(' in an answer', '')}`, wanted: '0', measured: String(leaks), pass: leaks === 0 && left > 0 },
          { name: 'the same: answers that are not what the upstream said; requests that arrived there changed', wanted: '0; 0', measured: `${altered}; ${mixedRequests}`, pass: altered === 0 && mixedRequests === 0 },
          { name: 'the same: failed; requests that hang', wanted: '0; 0', measured: `${failed}; ${hung}`, pass: failed === 0 && hung === 0 }
        ]
      }
    })
  }
}
