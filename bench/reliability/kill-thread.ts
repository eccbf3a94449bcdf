import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../lib/echo-load.ts'
import { runLoad } from '../lib/load.ts'
import { chatRequest, startGateway, startMock } from '../lib/targets.ts'
import { scrape, sumOf } from '../soak/samples.ts'
import { countStatuses, latencyMs } from './reliability-scenario.ts'
import type { ReliabilityScenario } from './reliability-scenario.ts'

const requestsPerSecond = 500
const providerLatencyMs = 50
const threads = 4
const turnsMax = 5
/** The thread ends when the latency is over. What is left of the time then is too little to try the request on the next thread. */
const onceOnly = { 'x-bf-request-timeout': String((providerLatencyMs + 9) / 1_000) }

/** A worker thread of the provider that carries the load is ended every second, by a request that does so (`exit-thread`). */
export const killThread: ReliabilityScenario = {
  name: 'kill-thread',
  async run ({ quick, onProgress }) {
    const seconds = quick ? 3 : 30
    const mock = await startMock()
    try {
      const gateway = await startGateway({
        mockPort: mock.port,
        providers: { mock: { mock: { latency_ms: providerLatencyMs, thread_faults: true }, threads, network_config: { max_retries: 1, retry_backoff_initial: 50 } } }
      })
      try {
        // A provider starts its threads with its first request, which would take longer than the first killer waits.
        await ask(`http://127.0.0.1:${gateway.port}`, 'mock/m', 'warm-up')
        const load = runLoad({ kind: 'steady', request: chatRequest({ ...gateway, model: 'mock/m' }), phases: [{ requestsPerSecond, seconds: seconds + 1 }], retries: 0, retryDelayMs: 0, timeoutMs: 10_000, connectionsMax: 2_000, name: 'r' })
        load.catch(() => {})
        const answers: Record<string, number> = {}
        for (let kill = 1; kill <= seconds; kill++) {
          onProgress(`kill-thread: ${kill} of ${seconds}`)
          await Promise.all([endThread(gateway.port, answers), delay(1_000)])
        }
        const { result: { requests } } = await load
        const good = requests.filter(({ status }) => status === 200).length
        const ended = await countOf(gateway.port, 'bifrost_thread_restarts_total')
        const retried = await countOf(gateway.port, 'bifrost_retries_total')
        return {
          figures: { requests: requests.length, statuses: countStatuses(requests), p50Ms: latencyMs(requests, 50), p99Ms: latencyMs(requests, 99), threadsEnded: ended, retried, killers: answers },
          checks: [
            { name: `kill-thread: requests answered with 200, ${ended} threads ended`, wanted: 'all', measured: `${good} of ${requests.length}`, pass: good === requests.length && ended >= seconds && good > 0 },
            { name: 'kill-thread: requests that had to be tried again', wanted: '> 0', measured: String(retried), pass: retried > 0 }
          ]
        }
      } finally {
        await gateway.stop()
      }
    } finally {
      await mock.stop()
    }
  }
}

/** A request that runs out of time may have ended its thread all the same. Where it has not, the next one does: two at once would be another test. */
async function endThread (port: number, answers: Record<string, number>): Promise<void> {
  const endedBefore = await countOf(port, 'bifrost_thread_restarts_total')
  for (let turn = 0; turn < turnsMax; turn++) {
    const answer = await ask(`http://127.0.0.1:${port}`, 'mock/exit-thread', 'end', onceOnly)
    const kind = answer === null ? 'no answer' : answer.errorType ?? 'answered'
    answers[kind] = (answers[kind] ?? 0) + 1
    if (kind === 'worker_lost') return
    await delay(2 * providerLatencyMs)
    if (await countOf(port, 'bifrost_thread_restarts_total') > endedBefore) return
  }
}

/** Over the series of the provider that carries the load. */
async function countOf (port: number, name: string): Promise<number> {
  return sumOf(await scrape(port), name, { provider: 'mock' })
}
