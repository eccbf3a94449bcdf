import { connect } from 'node:net'
import { parseExposition, select } from '../../test/metrics/parse-exposition.ts'
import type { Exposition } from '../../test/metrics/parse-exposition.ts'
import { directChildren } from '../lib/process-tree.ts'
import type { Figures } from './probe.ts'

export interface Sample extends Figures {
  /** Since the load began. */
  seconds: number
  /** Gauges that must be 0 at rest, by name. */
  open: Record<OpenGauge, number>
}

const openGauges = ['bifrost_active_requests', 'bifrost_in_flight', 'bifrost_thread_in_flight', 'bifrost_queue_depth', 'bifrost_queue_blocked', 'bifrost_ring_used_bytes', 'bifrost_pool_objects'] as const
type OpenGauge = typeof openGauges[number]

/** A gateway that does not say how it is has failed the soak. */
const answerMsMax = 15_000

export interface Line {
  perMinute: number
  r2: number
  n: number
}

export async function takeSample (gateway: { port: number, pid: number, socketPath: string }, seconds: number): Promise<Sample> {
  const exposition = await scrape(gateway.port)
  const open = Object.fromEntries(openGauges.map((name) => [name, sumOf(exposition, name, name === 'bifrost_pool_objects' ? { state: 'used' } : {})])) as Record<OpenGauge, number>
  return { seconds, open, ...await askProbe(`${gateway.socketPath}.${directChildren(gateway.pid)[0]}`) }
}

export async function scrape (port: number): Promise<Exposition> {
  return parseExposition(await (await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(answerMsMax) })).text())
}

export function sumOf (exposition: Exposition, name: string, labels: Record<string, string> = {}): number {
  return select(exposition, name, labels).reduce((sum, { value }) => sum + value, 0)
}

function askProbe (socketPath: string): Promise<Figures> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(socketPath)
    socket.setTimeout(answerMsMax, () => { socket.destroy(new Error(`the front did not answer the probe within ${answerMsMax} ms`)) })
    socket.setEncoding('utf8').on('data', (piece: string) => { text += piece })
    socket.once('error', reject)
    socket.once('end', () => {
      socket.destroy()
      resolve(JSON.parse(text) as Figures)
    })
  })
}

/** The straight line through the points with the least squares: how much is added per minute, and how much of the variation that explains. */
export function fitLine (points: ReadonlyArray<{ seconds: number, value: number }>): Line {
  const n = points.length
  const meanX = points.reduce((sum, { seconds }) => sum + seconds / 60, 0) / n
  const meanY = points.reduce((sum, { value }) => sum + value, 0) / n
  let [xx, xy, yy] = [0, 0, 0]
  for (const { seconds, value } of points) {
    xx += (seconds / 60 - meanX) ** 2
    xy += (seconds / 60 - meanX) * (value - meanY)
    yy += (value - meanY) ** 2
  }
  return { perMinute: xy / xx, r2: yy === 0 ? 1 : xy * xy / (xx * yy), n }
}
