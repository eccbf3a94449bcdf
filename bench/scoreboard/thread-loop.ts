import { ok } from '../../test/helpers/faults.ts'
import { percentile } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { hungRequests, withGateway } from './setup.ts'
import { countEndings, startSteadyRequests } from './steady-requests.ts'
import { endThread, mockProvider, threads } from './thread-deaths.ts'
import type { ThreadDeath } from './thread-deaths.ts'

const requestsPerSecond = 200
const recoverySecondsMax = 3

/** A request never lets go of its thread. Until the watchdog ends it, the thread keeps all that it has in hand; the others serve on. */
export const threadLoop: ScoreboardRow = {
  row: 14,
  fault: 'a worker thread in an infinite loop',
  async run ({ quick, onProgress }) {
    const loops = quick ? 1 : 10
    return await withGateway(ok, () => ({ providers: { mock: mockProvider } }), async ({ gateway }) => {
      const load = startSteadyRequests(gateway.port, 'mock/m', requestsPerSecond)
      const deaths: ThreadDeath[] = []
      while (deaths.length < loops) {
        onProgress(`row 14: loop ${deaths.length + 1} of ${loops}`)
        deaths.push(await endThread(gateway, 'spin-thread'))
      }
      await load.stop()
      const open = await hungRequests(gateway)
      const seconds = deaths.map(({ untilDeadMs, untilFullMs }) => (untilDeadMs + untilFullMs) / 1_000)
      const { ok: good = 0, worker_lost: lost = 0, hung = 0, ...otherwise } = countEndings(load.seen)
      const inHand = deaths.reduce((sum, death) => sum + death.inHand, 0)
      const longestMs = Math.max(...load.seen.map(({ sentMs, endMs }) => endMs - sentMs))
      return {
        figures: { deaths, seconds, endings: countEndings(load.seen), longestMs, hung, open },
        checks: [
          { name: `${this.fault}, ${threads} threads, ${requestsPerSecond} RPS, ${loops} times: s from its begin until all threads are ready`, wanted: `<= ${recoverySecondsMax}`, measured: `p50 ${percentile(seconds, 50).toFixed(2)}, max ${percentile(seconds, 100).toFixed(2)}`, pass: percentile(seconds, 100) <= recoverySecondsMax },
          { name: 'the same: requests that hang', wanted: '0', measured: `${hung} at the client, ${open} in the gateway (the longest took ${(longestMs / 1_000).toFixed(2)} s)`, pass: hung === 0 && open === 0 },
          { name: 'the same: requests that failed (begun streams), with worker_lost; otherwise', wanted: '<= what the threads had in hand; 0', measured: `${lost} of ${inHand} in hand, ${good} served; ${JSON.stringify(otherwise)}`, pass: lost <= inHand && good > 0 && Object.keys(otherwise).length === 0 }
        ]
      }
    })
  }
}
