import type { Socket } from 'node:net'
import { monotonicUs } from '../../src/mock-upstream/monotonic.ts'
import type { LoadEvents } from './closed-loop.ts'
import { Histogram } from './histogram.ts'
import type { HistogramData } from './histogram.ts'
import { connectSocket, toRequestBytes } from './http-socket.ts'
import type { LoadRequest } from './http-socket.ts'

export interface OpenLoopOptions {
  kind: 'open-loop'
  request: LoadRequest
  requestsPerSecond: number
  seconds: number
  /** Before, not counted: the rate climbs from 0, so that no queue of a cold start is left for what is counted. */
  warmupSeconds: number
  connectionsMax: number
  /** Answers that take longer are slow: `lastSlowSeconds`. */
  slowMs?: number
}

export interface OpenLoopResult {
  /** Scheduled within the measured time. */
  requests: number
  answered: number
  /** Lost with their connection, or without an answer when the bench gave up. */
  lost: number
  elapsedSeconds: number
  /** Microseconds from the time a request was due, so that waiting for a slow server counts. */
  accepted: HistogramData
  /** Answers other than 2xx. */
  rejected: HistogramData
  statuses: Record<string, number>
  /** `error.type` of answers other than 2xx. */
  errorTypes: Record<string, number>
  /** How late requests were put on the wire: the generator's own share. */
  sendLateness: HistogramData
  connections: number
  /** When the last request was due whose answer was slow, from the start of counting; 0 where none was. */
  lastSlowSeconds: number
}

const answerTimeoutMs = 30_000
const errorBodyBytesMax = 4096
/** Connections that were idle for longer are not used again: the server is about to close them (`keep-alive: timeout=8`). */
const idleUsMax = 6e6

interface Connection {
  socket: Socket
  /** When the request in progress was due; 0 when idle. */
  dueUs: number
  idleSinceUs: number
  counted: boolean
}

/**
 * Sends at fixed times, whether or not earlier requests have been answered (no coordinated omission).
 * A request that finds no idle connection and no room for a new one waits, and its wait counts.
 */
export async function openLoop (options: OpenLoopOptions, events: LoadEvents): Promise<OpenLoopResult> {
  const slowUs = (options.slowMs ?? Infinity) * 1000
  const bytes = toRequestBytes(options.request)
  const intervalUs = 1e6 / options.requestsPerSecond
  const warmupUs = options.warmupSeconds * 1e6
  const warmupCount = Math.round(options.warmupSeconds * options.requestsPerSecond / 2)
  const totalCount = warmupCount + Math.round(options.seconds * options.requestsPerSecond)
  const accepted = new Histogram()
  const rejected = new Histogram()
  const sendLateness = new Histogram()
  const statuses: Record<string, number> = {}
  const errorTypes: Record<string, number> = {}
  const idle: Connection[] = []
  const all = new Set<Connection>()
  /** Requests that are due and have no connection yet: how many, they go in order. */
  let scheduled = 0
  let sent = 0
  let settledCount = 0
  let answered = 0
  let lost = 0
  let lastSlowUs = 0
  let over = false

  /** When a request is due, from the start. */
  const toDueUs = (index: number): number => index < warmupCount ? warmupUs * Math.sqrt(index / warmupCount) : warmupUs + (index - warmupCount) * intervalUs
  /** How many requests are due by then. */
  const toDueCount = (us: number): number => us < warmupUs ? warmupCount * (us / warmupUs) ** 2 : warmupCount + (us - warmupUs) / intervalUs

  const send = (connection: Connection): void => {
    connection.dueUs = startUs + toDueUs(sent)
    connection.counted = sent >= warmupCount
    sent += 1
    if (connection.counted) sendLateness.record(monotonicUs() - connection.dueUs)
    connection.socket.write(bytes)
  }

  const release = (connection: Connection): void => {
    connection.dueUs = 0
    if (sent < scheduled) return send(connection)
    connection.idleSinceUs = monotonicUs()
    idle.push(connection)
  }

  const settle = (connection: Connection, status: number, errorBody: string): void => {
    if (!connection.counted) return
    settledCount += 1
    answered += 1
    const latencyUs = monotonicUs() - connection.dueUs
    if (latencyUs > slowUs) lastSlowUs = Math.max(lastSlowUs, connection.dueUs - startUs - warmupUs)
    statuses[status] = (statuses[status] ?? 0) + 1
    if (status < 300) {
      accepted.record(latencyUs)
      return
    }
    rejected.record(latencyUs)
    const type = errorTypeOf(errorBody)
    errorTypes[type] = (errorTypes[type] ?? 0) + 1
  }

  const openConnection = (): void => {
    let status = 0
    let errorBody = ''
    const socket = connectSocket(options.request.port, {
      onConnect () { release(connection) },
      onHead (value) {
        status = value
        errorBody = ''
      },
      onBody (body, start, end) {
        if (status >= 300 && errorBody.length < errorBodyBytesMax) errorBody += body.toString('latin1', start, end)
      },
      onEnd () {
        settle(connection, status, errorBody)
        release(connection)
      },
      onClose () {
        all.delete(connection)
        const at = idle.indexOf(connection)
        if (at >= 0) idle.splice(at, 1)
        if (connection.dueUs === 0 || !connection.counted) return
        settledCount += 1
        lost += 1
      }
    })
    const connection: Connection = { socket, dueUs: 0, idleSinceUs: 0, counted: false }
    all.add(connection)
  }

  /** Requests in the queue are served by connections that become idle; new ones are opened for the rest. */
  const dispatch = (nowUs: number): void => {
    scheduled = Math.min(totalCount, Math.floor(toDueCount(nowUs - startUs)) + 1)
    // The longest idle ones are in front.
    while (idle.length > 0 && nowUs - (idle[0] as Connection).idleSinceUs > idleUsMax) (idle.shift() as Connection).socket.destroy()
    for (let count = Math.min(scheduled - sent, idle.length); count > 0; count--) send(idle.pop() as Connection)
    const connecting = all.size - idle.length - busyCount()
    const wanted = Math.min(scheduled - sent - connecting, options.connectionsMax - all.size)
    for (let index = 0; index < wanted; index++) openConnection()
  }

  const busyCount = (): number => {
    if (sent >= scheduled) return all.size - idle.length
    let busy = 0
    for (const connection of all) if (connection.dueUs !== 0) busy += 1
    return busy
  }

  const startUs = monotonicUs() + 10_000
  let measuring = false
  let lastProgressUs = startUs
  let waitUntilMs = Infinity
  while (!over) {
    // One millisecond is what Node's timers give; the times in between count as lateness of the generator.
    await new Promise((resolve) => { setTimeout(resolve, 1) })
    const nowUs = monotonicUs()
    if (nowUs >= startUs) dispatch(nowUs)
    if (!measuring && sent >= warmupCount) {
      measuring = true
      events.onMeasureStart()
    }
    if (nowUs - lastProgressUs > 1e6) {
      lastProgressUs = nowUs
      events.onProgress(Math.max(0, sent - warmupCount))
    }
    if (scheduled < totalCount) continue
    if (waitUntilMs === Infinity) waitUntilMs = performance.now() + answerTimeoutMs
    over = settledCount >= totalCount - warmupCount || performance.now() > waitUntilMs
  }
  events.onMeasureEnd()
  const elapsedSeconds = (monotonicUs() - startUs) / 1e6 - options.warmupSeconds
  const requests = totalCount - warmupCount
  const connections = all.size
  for (const { socket } of all) socket.destroy()
  return {
    requests,
    answered,
    lost: lost + requests - settledCount,
    elapsedSeconds,
    accepted: accepted.toData(),
    rejected: rejected.toData(),
    statuses,
    errorTypes,
    sendLateness: sendLateness.toData(),
    connections,
    lastSlowSeconds: lastSlowUs / 1e6
  }
}

function errorTypeOf (body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { type?: unknown } }
    return typeof error?.type === 'string' ? error.type : 'no error.type'
  } catch {
    return 'not JSON'
  }
}
