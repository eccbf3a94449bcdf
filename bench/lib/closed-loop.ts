import type { Socket } from 'node:net'
import { monotonicUs } from '../../src/mock-upstream/monotonic.ts'
import { Histogram } from './histogram.ts'
import type { HistogramData } from './histogram.ts'
import { connectSocket, toRequestBytes } from './http-socket.ts'
import type { LoadRequest } from './http-socket.ts'

export interface ClosedLoopOptions {
  kind: 'closed-loop'
  request: LoadRequest
  connections: number
  /** Sent and answered, not counted. */
  warmupSeconds: number
  seconds: number
  /** Ends earlier after this many counted answers. */
  requestsMax?: number
}

export interface ClosedLoopResult {
  requests: number
  elapsedSeconds: number
  rps: number
  /** Microseconds of answers with status 2xx. */
  latency: HistogramData
  /** Answers by status. */
  statuses: Record<string, number>
  /** Connections lost, each with the request it carried. */
  connectionErrors: number
}

export interface LoadEvents {
  /** The warm-up is over: what is counted starts now. */
  onMeasureStart(): void
  onMeasureEnd(): void
  onProgress(requests: number): void
}

const answerTimeoutMs = 30_000

/** Each connection sends its next request when it has the answer to the last. */
export async function closedLoop (options: ClosedLoopOptions, events: LoadEvents): Promise<ClosedLoopResult> {
  const bytes = toRequestBytes(options.request)
  const latency = new Histogram()
  const statuses: Record<string, number> = {}
  const requestsMax = options.requestsMax ?? Infinity
  let phase: 'warm-up' | 'measure' | 'over' = 'warm-up'
  let requests = 0
  let connectionErrors = 0
  let startedUs = 0
  let endedUs = 0
  let open = 0
  const sockets = new Set<Socket>()
  let resolveDrained = (): void => {}
  const drained = new Promise<void>((resolve) => { resolveDrained = resolve })

  const endMeasure = (): void => {
    if (phase !== 'measure') return
    phase = 'over'
    endedUs = monotonicUs()
    events.onMeasureEnd()
  }

  const openConnection = (): void => {
    let sentUs = 0
    let status = 0
    // From the start, so that a connection that was refused counts as lost too.
    let busy = true
    const send = (): void => {
      busy = true
      sentUs = monotonicUs()
      socket.write(bytes)
    }
    const count = (): void => {
      requests += 1
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status < 300) latency.record(monotonicUs() - sentUs)
      if (requests >= requestsMax) endMeasure()
    }
    const socket = connectSocket(options.request.port, {
      onConnect: send,
      onHead (value) { status = value },
      onBody () {},
      onEnd () {
        busy = false
        if (phase === 'measure') count()
        if (phase === 'over') socket.end()
        else send()
      },
      onClose () {
        sockets.delete(socket)
        open -= 1
        if (busy && phase !== 'warm-up') connectionErrors += 1
        if (phase === 'over') {
          if (open === 0) resolveDrained()
        } else {
          // Not at once: a server that refuses connections must not be hammered.
          setTimeout(openConnection, 10)
        }
      }
    })
    open += 1
    sockets.add(socket)
  }

  for (let index = 0; index < options.connections; index++) openConnection()
  await sleep(options.warmupSeconds * 1000)
  phase = 'measure'
  startedUs = monotonicUs()
  events.onMeasureStart()
  const progress = setInterval(() => { events.onProgress(requests) }, 1000)
  const deadline = performance.now() + options.seconds * 1000
  while (phaseOf() === 'measure' && performance.now() < deadline) await sleep(Math.min(50, deadline - performance.now()))
  endMeasure()
  clearInterval(progress)
  // Answers on their way are waited for, so that a lost one shows as an error.
  const cut = setTimeout(() => { for (const socket of sockets) socket.destroy() }, answerTimeoutMs)
  if (open > 0) await drained
  clearTimeout(cut)
  const elapsedSeconds = (endedUs - startedUs) / 1e6
  return { requests, elapsedSeconds, rps: requests / elapsedSeconds, latency: latency.toData(), statuses, connectionErrors }

  // TypeScript believes that `phase` cannot change while this function waits.
  function phaseOf (): string {
    return phase
  }
}

async function sleep (ms: number): Promise<void> {
  await new Promise((resolve) => { setTimeout(resolve, Math.max(0, ms)) })
}
