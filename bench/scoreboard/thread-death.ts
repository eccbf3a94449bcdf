import { ok } from '../../test/helpers/faults.ts'
import type { Check } from '../lib/output.ts'
import { percentile } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { hungRequests, withGateway } from './setup.ts'
import { countEndings, startSteadyRequests } from './steady-requests.ts'
import { endThread, mockProvider, threads } from './thread-deaths.ts'
import type { ThreadDeath } from './thread-deaths.ts'

const requestsPerSecond = 200
const fullMsMax = 500
/** What may come between the last look at a thread and its death. */
const unseenMax = 2

const models = { exits: 'exit-thread', throws: 'throw-thread', 'runs out of memory': 'exhaust-heap' }

/**
 * Half of the requests are streams, which no retry can help once they have begun; the others may be tried again, and are, once, at no
 * cost to `max_retries`.
 */
export const threadDeath: ScoreboardRow = {
  row: 13,
  fault: 'a worker thread ends under load',
  async run ({ quick, onProgress }) {
    const kills = quick ? 2 : 12
    return await withGateway(ok, () => ({ providers: { mock: mockProvider } }), async ({ gateway }) => {
      const checks: Check[] = []
      const figures: Record<string, unknown> = {}
      for (const [how, model] of Object.entries(models)) {
        onProgress(`row 13: a thread ${how}`)
        const load = startSteadyRequests(gateway.port, 'mock/m', requestsPerSecond)
        const deaths: ThreadDeath[] = []
        while (deaths.length < kills) deaths.push(await endThread(gateway, model))
        await load.stop()
        const hung = await hungRequests(gateway)
        const [streams, whole] = [load.seen.filter(({ stream }) => stream), load.seen.filter(({ stream }) => !stream)].map(countEndings) as [Record<string, number>, Record<string, number>]
        const { ok: streamsOk = 0, worker_lost: lost = 0, ...otherwise } = streams
        const { ok: wholeOk = 0, ...failed } = whole
        const inHand = deaths.map((death) => death.inHand)
        const inHandTotal = inHand.reduce((sum, count) => sum + count, 0)
        const fullMs = deaths.map(({ untilFullMs }) => untilFullMs)
        const [p50Ms, maxMs] = [percentile(fullMs, 50), percentile(fullMs, 100)]
        const say = (counts: object): string => Object.entries(counts).map(([ending, count]) => `${count} ${ending}`).join(', ') || '0'
        figures[model] = { deaths, streams, whole, hung }
        checks.push(
          {
            name: `worker thread ${how}, ${threads} threads, ${requestsPerSecond} RPS, ${kills} times: begun streams that failed, with worker_lost; otherwise`,
            wanted: '<= what it had in hand; 0',
            measured: `${(lost / kills).toFixed(1)} per kill of ${(inHandTotal / kills).toFixed(1)} in hand; ${say(otherwise)}`,
            pass: lost > 0 && lost <= inHandTotal + unseenMax * kills && Object.keys(otherwise).length === 0 && streamsOk > lost
          },
          { name: 'the same: requests that may be tried again, once: failed; requests that hang', wanted: '0; 0', measured: `${say(failed)} of ${wholeOk}; ${hung}`, pass: wholeOk > 0 && Object.keys(failed).length === 0 && hung === 0 },
          { name: 'the same: ms from the death until all threads are ready', wanted: `<= ${fullMsMax}`, measured: `p50 ${p50Ms.toFixed(0)}, max ${maxMs.toFixed(0)}`, pass: maxMs <= fullMsMax }
        )
      }
      return { figures, checks }
    })
  }
}
