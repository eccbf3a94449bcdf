import { setTimeout as delay } from 'node:timers/promises'
import { RawClient } from '../../test/helpers/http-client.ts'
import { doneEvent, inBandError } from '../../test/helpers/sse.ts'
import { within } from '../../test/helpers/wait.ts'
import { chatBody } from './setup.ts'

/** A request as its client saw it. */
export interface SeenRequest {
  stream: boolean
  sentMs: number
  endMs: number
  /** `ok`, the type of an error, `closed` for a connection that was, `not connected`, or `hung` when no end came in time. */
  ending: string
}

const hungMs = 10_000

/** A chat request on a connection of its own. It never rejects. */
export async function seeRequest (port: number, model: string, stream: boolean, headers: Record<string, string> = {}): Promise<SeenRequest> {
  const sentMs = performance.now()
  const ending = await RawClient.connect(port).then(async (client) => await seeEnding(client, chatBody(model, { stream }), stream, headers), () => 'not connected')
  return { stream, sentMs, endMs: performance.now(), ending }
}

async function seeEnding (client: RawClient, body: string, stream: boolean, headers: Record<string, string>): Promise<string> {
  try {
    const response = await within(client.chat(body, headers), 'a response head', hungMs)
    if (await response.end(hungMs) === 'cut') return 'closed'
    if (response.status !== 200) return response.json.error.type
    if (!stream || response.text.endsWith(doneEvent)) return 'ok'
    return inBandError(response.text)?.type ?? 'cut short'
  } catch {
    return client.socket.destroyed ? 'closed' : 'hung'
  } finally {
    client.socket.destroy()
  }
}

export interface SteadyRequests {
  /** Those that have ended, in the order of their ends. */
  seen: SeenRequest[]
  /** Resolves when all that were sent have ended. */
  stop: () => Promise<void>
}

/** Requests at fixed times whatever becomes of them, every second one a stream. For a few hundred per second. */
export function startSteadyRequests (port: number, model: string, requestsPerSecond: number): SteadyRequests {
  const seen: SeenRequest[] = []
  const requests: Promise<void>[] = []
  const state = { over: false }
  const startedMs = performance.now()
  const send = async (): Promise<void> => {
    while (!state.over) {
      await delay(1)
      const due = Math.floor((performance.now() - startedMs) * requestsPerSecond / 1_000)
      while (requests.length < due) requests.push(seeRequest(port, model, requests.length % 2 === 0).then((request) => { seen.push(request) }))
    }
    await Promise.all(requests)
  }
  const sending = send()
  return {
    seen,
    async stop () {
      state.over = true
      await sending
    }
  }
}

/** How many requests ended in each way. */
export function countEndings (requests: readonly SeenRequest[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { ending } of requests) counts[ending] = (counts[ending] ?? 0) + 1
  return counts
}
