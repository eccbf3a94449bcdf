import { runLoad } from '../lib/load.ts'
import type { Check } from '../lib/output.ts'
import type { SteadyRequest } from '../lib/steady-load.ts'
import { chatRequest, startGateway, startMock } from '../lib/targets.ts'
import { countStatuses, latencyMs } from './reliability-scenario.ts'
import type { ReliabilityScenario } from './reliability-scenario.ts'

/** 20 in flight at 100 ms. */
const concurrency = 20
const upstreamMs = 100
const capacityRps = concurrency * 1_000 / upstreamMs
const clientTimeoutMs = 1_500
const wantedShare = 0.95
const recoverySecondsMax = 10
/** Of the capacity: what is left when more is asked for than can be done. */
const goodputMin = 0.8 * capacityRps
/** First come first served, the last one in a full queue has its turn after 1 s, which clients wait for, or after 2 s, when they have all gone. */
const bufferSizes = { patient: capacityRps, impatient: 2 * capacityRps }

interface Phase { requestsPerSecond: number, seconds: number }
interface Figures { statuses: Record<string, number>, goodputRps: number, p99Ms: number }
interface Course { before: Figures, during: Figures & { servedShare: number, triesPerRequest: number }, after: Figures, sharesBySecond: number[], recoverySeconds: number }

/**
 * Three times what the provider can do, with clients that hang up and try again, then less than it can do: a system that is busy with
 * requests nobody waits for any more stays down (metastable failure). Once with a queue of which clients wait for the end, once with one
 * that is longer than they are patient.
 */
export const recovery: ReliabilityScenario = {
  name: 'recovery',
  async run ({ quick, onProgress }) {
    const phases: [Phase, Phase, Phase] = [
      { requestsPerSecond: 0.7 * capacityRps, seconds: quick ? 2 : 5 },
      { requestsPerSecond: 3 * capacityRps, seconds: quick ? 4 : 30 },
      { requestsPerSecond: 0.7 * capacityRps, seconds: quick ? 6 : 20 }
    ]
    const patient = await run(bufferSizes.patient, phases, (count) => { onProgress(`recovery: patient clients, ${count} requests`) })
    const impatient = await run(bufferSizes.impatient, phases, (count) => { onProgress(`recovery: impatient clients, ${count} requests`) })
    return { figures: { capacityRps, patient, impatient }, checks: [...toChecks('patient', patient), ...toChecks('impatient', impatient)] }
  }
}

function toChecks (clients: string, { during, recoverySeconds }: Course): Check[] {
  return [
    { name: `recovery, ${clients} clients: seconds until 95% of the requests are answered at once`, wanted: `<= ${recoverySecondsMax}`, measured: String(recoverySeconds), pass: recoverySeconds <= recoverySecondsMax },
    { name: `recovery, ${clients} clients: goodput during the storm`, wanted: `>= ${goodputMin} RPS`, measured: during.goodputRps.toFixed(0), pass: during.goodputRps >= goodputMin },
    { name: `recovery, ${clients} clients: the load was more than could be done`, wanted: '< 60% served', measured: `${(100 * during.servedShare).toFixed(0)}%`, pass: during.servedShare < 0.6 }
  ]
}

async function run (bufferSize: number, phases: [Phase, Phase, Phase], onProgress: (count: number) => void): Promise<Course> {
  const mock = await startMock({ latencyMs: upstreamMs })
  try {
    const gateway = await startGateway({ mockPort: mock.port, concurrency, bufferSize, dropExcessRequests: true })
    try {
      const { result: { requests } } = await runLoad(
        { kind: 'steady', request: chatRequest(gateway), phases, retries: 3, retryDelayMs: 250, timeoutMs: clientTimeoutMs, connectionsMax: 5_000, name: 'r' }, { onProgress })
      return toCourse(requests, phases)
    } finally {
      await gateway.stop()
    }
  } finally {
    await mock.stop()
  }
}

function toCourse (requests: readonly SteadyRequest[], [calm, storm, calmAgain]: [Phase, Phase, Phase]): Course {
  const stormUs = (requests[0]?.dueUs ?? 0) + calm.seconds * 1e6
  const calmUs = stormUs + storm.seconds * 1e6
  const during = requests.filter(({ dueUs }) => dueUs >= stormUs && dueUs < calmUs)
  const after = requests.filter(({ dueUs }) => dueUs >= calmUs)
  const shares = sharesBySecond(after, calmUs, calmAgain.seconds)
  const lastBad = shares.findLastIndex((share) => share < wantedShare)
  return {
    before: toFigures(requests.filter(({ dueUs }) => dueUs < stormUs), calm),
    during: {
      ...toFigures(during, storm), servedShare: during.filter(({ status }) => status === 200).length / during.length, triesPerRequest: during.reduce((sum, { tries }) => sum + tries, 0) / during.length
    },
    after: toFigures(after, calmAgain),
    sharesBySecond: shares,
    recoverySeconds: lastBad === shares.length - 1 ? Infinity : lastBad + 1
  }
}

function toFigures (requests: readonly SteadyRequest[], { seconds }: Phase): Figures {
  return { statuses: countStatuses(requests), goodputRps: requests.filter(({ status }) => status === 200).length / seconds, p99Ms: latencyMs(requests, 99) }
}

/** Of the requests due in each second: how many their first try answered. */
function sharesBySecond (requests: readonly SteadyRequest[], fromUs: number, seconds: number): number[] {
  return Array.from({ length: seconds }, (_, second) => {
    const due = requests.filter(({ dueUs }) => Math.floor((dueUs - fromUs) / 1e6) === second)
    return Math.round(1_000 * due.filter(({ status, tries }) => status === 200 && tries === 1).length / due.length) / 1_000
  })
}
