import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { monotonicUs } from '../../src/mock-upstream/monotonic.ts'
import type { LoadEvents } from './closed-loop.ts'
import { connectSocket, toRequestBytes } from './http-socket.ts'
import type { LoadRequest } from './http-socket.ts'

export interface SteadyOptions {
  kind: 'steady'
  request: LoadRequest
  /** One after the other. */
  phases: ReadonlyArray<{ requestsPerSecond: number, seconds: number }>
  /** Of the client, after anything but a 200. */
  retries: number
  /** Before the first retry; doubles, and varies by half. */
  retryDelayMs: number
  /** After this the client hangs up, in milliseconds. */
  timeoutMs: number
  connectionsMax: number
  /** Requests are called `<name>-<number>-<try>` in `x-request-id`. */
  name: string
  /** All of these stand in a good answer. `{n}` is the request's number modulo `variants`, here and in the request's body. */
  wanted?: readonly string[]
  /** 1 when absent. */
  variants?: number
}

/** No answer came: the connection was lost or the client gave up. */
export const lostStatus = 0
/** The request could not be sent. */
const unsentStatus = -1
/** A 200 that does not hold what was wanted: cut short, or the answer to another request. */
const wrongStatus = -2

/** What became of one request; its last try counts. */
export interface SteadyRequest {
  id: string
  /** On the machine's monotonic clock. */
  dueUs: number
  endUs: number
  status: number
  /** `extra_fields.provider` of a 200. */
  servedBy: string
  tries: number
}

export interface SteadyResult {
  requests: SteadyRequest[]
}

interface Connection {
  socket: Socket
  onDone: ((status: number, body: string) => void) | null
  idleSinceUs: number
}

const bodyBytesMax = 64 * 1024
/** Connections that were idle for longer are not used again: the server is about to close them. */
const idleUsMax = 4e6

/** Clients with a connection each, as SDKs behave: kept alive, and a new one where none is idle. */
class Clients {
  private readonly idle: Connection[] = []
  private readonly all = new Set<Connection>()
  private readonly options: SteadyOptions

  constructor (options: SteadyOptions) {
    this.options = options
  }

  /** @param onDone called once, with a status or `lostStatus` or `unsentStatus` */
  send (id: string, body: string, onDone: (status: number, body: string) => void): void {
    const { request, timeoutMs } = this.options
    const bytes = toRequestBytes({ ...request, body, headers: { ...request.headers, 'x-request-id': id } })
    const connection = this.take()
    if (connection === null) return onDone(unsentStatus, '')
    const timer = setTimeout(() => { connection.socket.destroy() }, timeoutMs)
    connection.onDone = (status, body) => {
      clearTimeout(timer)
      onDone(status, body)
    }
    connection.socket.write(bytes)
  }

  close (): void {
    for (const { socket } of this.all) socket.destroy()
  }

  private take (): Connection | null {
    while (this.idle.length > 0) {
      const connection = this.idle.pop() as Connection
      if (!connection.socket.destroyed && monotonicUs() - connection.idleSinceUs < idleUsMax) return connection
      connection.socket.destroy()
    }
    return this.all.size < this.options.connectionsMax ? this.open() : null
  }

  private open (): Connection {
    let status = 0
    let body = ''
    let connected = false
    let closes = false
    const finish = (result: number): void => {
      const { onDone } = connection
      connection.onDone = null
      onDone?.(result, body)
    }
    const socket = connectSocket(this.options.request.port, {
      onConnect () { connected = true },
      onHead (value, isLast) {
        status = value
        closes = isLast
        body = ''
      },
      onBody (bytes, start, end) { if (body.length < bodyBytesMax) body += bytes.toString('latin1', start, end) },
      onEnd: () => {
        connection.idleSinceUs = monotonicUs()
        if (closes) socket.end()
        else this.idle.push(connection)
        finish(status)
      },
      onClose: () => {
        this.all.delete(connection)
        const at = this.idle.indexOf(connection)
        if (at >= 0) this.idle.splice(at, 1)
        finish(connected ? lostStatus : unsentStatus)
      }
    })
    const connection: Connection = { socket, onDone: null, idleSinceUs: 0 }
    this.all.add(connection)
    return connection
  }
}

/** Requests at fixed times, phase by phase, each with a number of its own; failed ones are tried again as an impatient client would. */
export async function steadyLoad (options: SteadyOptions, events: LoadEvents): Promise<SteadyResult> {
  const clients = new Clients(options)
  const requests: SteadyRequest[] = []
  const variants = Array.from({ length: options.variants ?? 1 }, (_, n) => ({
    body: options.request.body.replaceAll('{n}', String(n)),
    wanted: (options.wanted ?? []).map((text) => text.replaceAll('{n}', String(n)))
  }))
  const attempt = (record: SteadyRequest, index: number): void => {
    record.tries++
    const variant = variants[index % variants.length] as typeof variants[number]
    clients.send(`${record.id}-${record.tries}`, variant.body, (status, body) => {
      record.status = status === 200 && !variant.wanted.every((text) => body.includes(text)) ? wrongStatus : status
      if (record.status !== 200 && record.tries <= options.retries) {
        setTimeout(attempt, options.retryDelayMs * 2 ** (record.tries - 1) * (0.5 + Math.random()), record, index)
        return
      }
      record.endUs = monotonicUs()
      record.servedBy = /"extra_fields":\{[^}]*"provider":"([^"]+)"/.exec(body)?.[1] ?? ''
    })
  }
  events.onMeasureStart()
  let phaseStartUs = monotonicUs() + 10_000
  for (const { requestsPerSecond, seconds } of options.phases) {
    const total = Math.round(requestsPerSecond * seconds)
    for (let sent = 0; sent < total;) {
      await delay(1)
      const due = Math.min(total, Math.floor((monotonicUs() - phaseStartUs) / 1e6 * requestsPerSecond))
      for (; sent < due; sent++) {
        const record = { id: `${options.name}-${requests.length}`, dueUs: phaseStartUs + sent / requestsPerSecond * 1e6, endUs: 0, status: lostStatus, servedBy: '', tries: 0 }
        requests.push(record)
        attempt(record, requests.length - 1)
      }
      if (sent % 256 === 0) events.onProgress(requests.length)
    }
    phaseStartUs += seconds * 1e6
  }
  events.onMeasureEnd()
  // Each try ends by its own timeout, so this does.
  while (requests.some(({ endUs }) => endUs === 0)) await delay(20)
  clients.close()
  return { requests }
}
