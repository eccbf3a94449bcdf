import autocannon from 'autocannon'
import type { LoadEvents } from './closed-loop.ts'
import type { LoadRequest } from './http-socket.ts'

export interface AutocannonOptions {
  kind: 'autocannon'
  request: LoadRequest
  connections: number
  warmupSeconds: number
  seconds: number
}

export interface AutocannonResult {
  requests: number
  elapsedSeconds: number
  rps: number
  /** Whole milliseconds: autocannon measures no finer. */
  p50Ms: number
  p99Ms: number
  non2xx: number
  errors: number
}

export async function autocannonLoad (options: AutocannonOptions, events: LoadEvents): Promise<AutocannonResult> {
  const { request } = options
  const run = (seconds: number): Promise<autocannon.Result> => autocannon({
    url: `http://127.0.0.1:${request.port}${request.path}`,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...request.headers },
    body: request.body,
    connections: options.connections,
    duration: seconds
  })
  if (options.warmupSeconds > 0) await run(options.warmupSeconds)
  events.onMeasureStart()
  const result = await run(options.seconds)
  events.onMeasureEnd()
  const requests = result['2xx'] + result.non2xx
  return {
    requests,
    elapsedSeconds: result.duration,
    rps: requests / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    non2xx: result.non2xx,
    errors: result.errors
  }
}
