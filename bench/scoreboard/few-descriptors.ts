import { execFileSync } from 'node:child_process'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { faults } from '../../test/helpers/faults.ts'
import { RawClient } from '../../test/helpers/http-client.ts'
import { pause } from '../../test/helpers/wait.ts'
import { directChildren, treeUsage } from '../lib/process-tree.ts'
import type { Target } from '../lib/targets.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { chatBody, hungRequests, withGateway } from './setup.ts'
import { seeRequest } from './steady-requests.ts'

const descriptorsMax = 256
const clients = 1_000
const recoverySecondsMax = 5
/** So many good answers in a row are normal service. */
const goodInARow = 50
const patienceMs = 15_000

interface Client { socket: Socket, seen: string }

/** It sends its request as soon as it is connected and stays, whatever comes. */
function startClient (port: number): Client {
  const body = chatBody('openai/m')
  const socket = connect({ port, host: '127.0.0.1' })
  // Neither a refusal nor an answer: the connection waits until the gateway accepts again.
  const client: Client = { socket, seen: 'waiting' }
  const see = (what: string): void => { if (client.seen === 'waiting') client.seen = what }
  socket.on('connect', () => { socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`) })
  socket.once('data', (bytes) => { see(bytes.toString('latin1', 9, 12)) })
  // Closed before it was heard: the gateway is full.
  socket.on('error', ({ code }: Error & { code?: string }) => { see(code === 'ECONNRESET' || code === 'EPIPE' ? 'closed' : String(code)) })
  socket.on('close', () => { see('closed') })
  return client
}

/** Requests that were accepted and are not answered, and connections that were closed before they were read. */
async function readState (watcher: RawClient): Promise<{ open: number, closedUnread: number }> {
  const response = await watcher.request('GET', '/metrics')
  await response.end()
  const sumOf = (name: string): number => [...response.text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, 'gm'))].reduce((sum, match) => sum + Number(match[1]), 0)
  return { open: sumOf('bifrost_active_requests'), closedUnread: sumOf('bifrost_client_connections_refused_total') }
}

/** Seconds until the first of enough good answers in a row; Infinity when they do not come. */
async function secondsUntilNormal (gateway: Target): Promise<number> {
  const startedMs = performance.now()
  let firstMs = Infinity
  for (let good = 0; good < goodInARow;) {
    if (performance.now() > startedMs + patienceMs) return Infinity
    const { ending, endMs } = await seeRequest(gateway.port, 'openai/m', false)
    good = ending === 'ok' ? good + 1 : 0
    if (good === 1) firstMs = endMs
  }
  return (firstMs - startedMs) / 1_000
}

/** More clients than the gateway has descriptors for: it may let them wait or refuse them, and must be itself again once they have gone. */
export const fewDescriptors: ScoreboardRow = {
  row: 29,
  fault: `file descriptor limit ${descriptorsMax}`,
  async run ({ quick }) {
    const holdMs = quick ? 1_500 : 5_000
    try {
      execFileSync('prlimit', ['--version'], { stdio: 'ignore' })
    } catch {
      throw new Error('prlimit is missing: it comes with util-linux')
    }
    return await withGateway(faults.latency(20), () => ({ prefix: ['prlimit', `--nofile=${descriptorsMax}`] }), async ({ gateway }) => {
      const [front] = directChildren(gateway.pid)
      // Connected while that is possible.
      const watcher = await RawClient.connect(gateway.port)
      const cpuUs = treeUsage(gateway.pid).cpuUs
      const crowd = Array.from({ length: clients }, () => startClient(gateway.port))
      await pause(holdMs)
      const cpuShare = (treeUsage(gateway.pid).cpuUs - cpuUs) / 1_000 / holdMs
      const { open, closedUnread } = await readState(watcher).catch(() => ({ open: NaN, closedUnread: NaN }))
      watcher.socket.destroy()
      const seen: Record<string, number> = {}
      for (const client of crowd) {
        seen[client.seen] = (seen[client.seen] ?? 0) + 1
        client.socket.destroy()
      }
      const seconds = await secondsUntilNormal(gateway)
      const hung = await hungRequests(gateway)
      const [frontAfter] = directChildren(gateway.pid)
      const { 200: served = 0, 503: refused = 0, waiting = 0, closed = 0, ...otherwise } = seen
      return {
        figures: { clients, holdMs, seen, open, closedUnread, cpuShare, seconds, hung },
        checks: [
          { name: `${this.fault}, ${clients} clients with a request each: crashes`, wanted: '0', measured: front === frontAfter ? '0' : `process ${front} became ${frontAfter}`, pass: front !== undefined && front === frontAfter },
          { name: 'the same: answered otherwise than with 200 or 503; accepted and not answered', wanted: '0; 0', measured: `${JSON.stringify(otherwise)}; ${open} (${served} served, ${refused} refused, ${closed} of ${closedUnread} closed unheard, ${waiting} not accepted yet after ${holdMs / 1_000} s; CPU ${(100 * cpuShare).toFixed(0)}% of a core)`, pass: Object.keys(otherwise).length === 0 && closed === closedUnread && open === 0 && served > 0 && refused + closed + waiting > 0 },
          { name: 'the same: s from their leaving until normal service; requests that hang', wanted: `<= ${recoverySecondsMax}; 0`, measured: `${seconds.toFixed(2)}; ${hung}`, pass: seconds <= recoverySecondsMax && hung === 0 }
        ]
      }
    })
  }
}
