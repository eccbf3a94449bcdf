import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { monotonicUs } from '../../src/mock-upstream/monotonic.ts'
import { parseExposition, select } from '../../test/metrics/parse-exposition.ts'
import { FileFollower } from '../lib/follow-file.ts'
import { runLoad } from '../lib/load.ts'
import type { Check } from '../lib/output.ts'
import { makeTemporaryDirectory } from '../lib/processes.ts'
import type { SteadyRequest } from '../lib/steady-load.ts'
import { chatRequest, startGateway, startMock } from '../lib/targets.ts'
import type { GatewayTarget } from '../lib/targets.ts'
import { countStatuses, latencyMs } from './reliability-scenario.ts'
import type { ReliabilityScenario } from './reliability-scenario.ts'
import { toVersion } from './reload-versions.ts'
import { VisitorLoad } from './reload-visitor.ts'

/** Of each kind: unary requests and streams of `frames`. */
const requestsPerSecond = 250
const upstreamMs = 20
const frames = 8
/** 1.5 s, so that many are under way when their provider is removed, and some when it comes back. */
const visitorFrames = { frames: 50, frameIntervalMs: 30 }
const modelsTotal = 16
const stepMs = 1_000
/** The file watch looks every 500 ms, and the log is written every 200 ms. */
const reloadMsMax = 5_000

interface Course { applied: number, appliedMs: number[], refused: number, causes: Record<string, number>, startUs: number, endUs: number }

/** The config file changes every second under load, found by the file watch and told by SIGHUP in turn. */
export const reload: ReliabilityScenario = {
  name: 'reload',
  async run ({ quick, onProgress }) {
    const [calmSeconds, steps] = quick ? [1, 8] : [5, 30]
    const mock = await startMock({ latencyMs: upstreamMs, frames, frameIntervalMs: upstreamMs })
    const visitorMock = await startMock({ latencyMs: upstreamMs, ...visitorFrames })
    try {
      const logFile = join(makeTemporaryDirectory(), 'log')
      const gateway = await startGateway({ mockPort: mock.port, logFile })
      const log = new FileFollower(logFile)
      const visitor = new VisitorLoad(gateway.port)
      try {
        const load = async (stream: boolean): Promise<SteadyRequest[]> => (await runLoad({
          kind: 'steady',
          request: chatRequest({ ...gateway, model: 'openai/model-{n}' }, { stream }),
          phases: [{ requestsPerSecond, seconds: calmSeconds + steps * stepMs / 1_000 }],
          retries: 0,
          retryDelayMs: 0,
          timeoutMs: 10_000,
          connectionsMax: 2_000,
          name: stream ? 's' : 'u',
          variants: modelsTotal,
          wanted: ['"model":"model-{n}"', ...(stream ? [`{"content":"${frames - 1}@`, 'data: [DONE]\n\n'] : ['"finish_reason":"stop"'])]
        })).result.requests
        const loads = Promise.all([load(false), load(true)])
        loads.catch(() => {})
        await delay(calmSeconds * 1_000)
        const course = await runCourse(gateway, log, visitor, { openai: mock.port, visitor: visitorMock.port }, steps, (step) => { onProgress(`reload: ${step} of ${steps}`) })
        const [unary, streams] = await loads
        await visitor.stop()
        return await toResult(gateway, course, visitor, { unary, streams })
      } finally {
        await visitor.stop()
        log.close()
        await gateway.stop()
      }
    } finally {
      await visitorMock.stop()
      await mock.stop()
    }
  }
}

/** Writes a version per second and waits for what the gateway says to it. */
async function runCourse (gateway: GatewayTarget, log: FileFollower, visitor: VisitorLoad, ports: { openai: number, visitor: number }, steps: number, onStep: (step: number) => void): Promise<Course> {
  const course: Course = { applied: 0, appliedMs: [], refused: 0, causes: {}, startUs: monotonicUs(), endUs: 0 }
  for (let step = 0; step < steps; step++) {
    onStep(step + 1)
    const nextStep = delay(stepMs)
    const version = toVersion(step, ports)
    if (version.isValid && !version.hasVisitor) await visitor.pause()
    // Renamed into place, as editors do: half a file is never seen.
    writeFileSync(`${gateway.configFile}.new`, version.text)
    renameSync(`${gateway.configFile}.new`, gateway.configFile)
    const writtenMs = performance.now()
    if (step % 2 === 1) process.kill(gateway.pid, 'SIGHUP')
    const line = await log.until([version.isValid ? '"msg":"config taken over"' : '"msg":"config not taken over'], reloadMsMax)
    const { cause } = JSON.parse(line) as { cause: string }
    course.causes[cause] = (course.causes[cause] ?? 0) + 1
    if (version.isValid) {
      course.applied++
      course.appliedMs.push(Math.round(performance.now() - writtenMs))
      if (version.hasVisitor) visitor.start()
    } else {
      course.refused++
    }
    await nextStep
  }
  course.endUs = monotonicUs()
  return course
}

async function toResult (gateway: GatewayTarget, course: Course, visitor: VisitorLoad, { unary, streams }: { unary: SteadyRequest[], streams: SteadyRequest[] }): ReturnType<ReliabilityScenario['run']> {
  const exposition = parseExposition(await (await fetch(`http://127.0.0.1:${gateway.port}/metrics`)).text())
  const reloads = (result: string): number => select(exposition, 'bifrost_config_reloads_total', { result }).reduce((sum, { value }) => sum + value, 0)
  const all = [...unary, ...streams]
  const good = all.filter(({ status }) => status === 200).length
  const { totals } = visitor
  const openAtRemoval = Math.min(...totals.openAtRemoval)
  const p99Ms = (requests: SteadyRequest[]): object => ({
    before: latencyMs(requests.filter(({ dueUs }) => dueUs < course.startUs), 99), during: latencyMs(requests.filter(({ dueUs }) => dueUs >= course.startUs && dueUs < course.endUs), 99)
  })
  const checks: Check[] = [
    { name: `reload: requests answered whole and right, ${course.applied} reloads`, wanted: 'all', measured: `${good} of ${all.length}`, pass: good === all.length && good > 0 },
    { name: 'reload: the same to the provider that comes and goes', wanted: 'all', measured: `${totals.whole} of ${totals.sent}`, pass: totals.whole === totals.sent && totals.sent > 0 },
    { name: `reload: requests to it in progress at each of ${totals.openAtRemoval.length} removals`, wanted: '> 0', measured: `${openAtRemoval} at least`, pass: openAtRemoval > 0 },
    { name: 'reload: valid files taken over (bifrost_config_reloads_total)', wanted: String(course.applied), measured: String(reloads('applied')), pass: reloads('applied') === course.applied },
    // The watch finds a file that SIGHUP told of already.
    { name: 'reload: invalid files refused', wanted: `${course.refused} to ${2 * course.refused}`, measured: String(reloads('refused')), pass: reloads('refused') >= course.refused && reloads('refused') <= 2 * course.refused && course.refused > 0 },
    { name: 'reload: told by the file watch and by SIGHUP', wanted: 'both', measured: JSON.stringify(course.causes), pass: Object.keys(course.causes).length === 2 }
  ]
  return {
    figures: {
      requests: all.length, statuses: countStatuses(all), unaryP99Ms: p99Ms(unary), streamP99Ms: p99Ms(streams), applied: reloads('applied'), refused: reloads('refused'), unchanged: reloads('unchanged'), appliedMs: course.appliedMs, visitor: { ...totals, problems: totals.problems.slice(0, 10) }
    },
    checks
  }
}
