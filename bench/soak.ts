// `npm run soak`: minutes of steady load with faults and reloads; everything settles once, and nothing is left behind. See bench/README.md.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { createRandom } from '../test/helpers/random.ts'
import { clearProgress, formatTable, megabytes, printChecks, progress, writeResults } from './lib/output.ts'
import type { Check } from './lib/output.ts'
import { freePort, makeTemporaryDirectory, startProcess } from './lib/processes.ts'
import { runMain } from './lib/run-main.ts'
import { toConfig } from './soak/config.ts'
import { isIdle, runCourse, takeSampleAtRest } from './soak/course.ts'
import type { CourseResult, SoakSetting } from './soak/course.ts'
import { fitLine, scrape, sumOf } from './soak/samples.ts'
import type { Sample } from './soak/samples.ts'
import { findUnsettled } from './soak/settled.ts'
import { SoakTraffic } from './soak/traffic.ts'
import { SoakUpstream } from './soak/upstreams.ts'

const warmUpSeconds = 5
const warmUpRps = 200
/** Of the course: what caches and compilers take before memory means anything. */
const warmUpShare = 0.2
const heapMbPerMinuteMax = 1
const okShareMin = 0.9
/** A timer or a kept connection more or less is no leak. */
const handlesMore = 2
const rowsMax = 15

const usage = 'usage: npm run soak -- [--minutes 10] [--seed n]; minutes from 1 to 1440'

function readArguments (): { seconds: number, seed: number } {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } })
  const minutes = Number(values.minutes)
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  if (!(minutes >= 1 && minutes <= 1440) || !Number.isSafeInteger(seed) || seed < 0) throw new Error(usage)
  return { seconds: Math.round(minutes * 60), seed }
}

interface SoakResult {
  course: CourseResult
  before: Sample
  after: Sample
  /** Counts of what should have happened on the way, by name. */
  counts: Record<string, number>
  unsettled: string[]
}

/** A gateway process as users start it, with the probe in its front. */
async function withGateway<T> (random: () => number, work: (setting: SoakSetting, logFile: string) => Promise<T>): Promise<T> {
  const upstreams = { alpha: new SoakUpstream(random), beta: new SoakUpstream(random), gamma: new SoakUpstream(random) }
  const { alpha, beta, gamma } = upstreams
  for (const upstream of [alpha, beta, gamma]) await upstream.listen()
  try {
    const directory = makeTemporaryDirectory()
    const [configFile, socketPath, logFile] = ['config.json', 'probe', 'log'].map((name) => join(directory, name)) as [string, string, string]
    writeFileSync(configFile, toConfig({ alpha: alpha.port, beta: beta.port, gamma: gamma.port }, 0))
    const port = await freePort()
    const gateway = await startProcess({
      name: 'gateway',
      command: process.execPath,
      args: [join(import.meta.dirname, '..', 'src', 'cli.js'), 'start', '--config', configFile, '--port', String(port), '--log-level', 'info'],
      env: { NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'soak', 'probe.js')).href}`, BIFROST_SOAK_SOCKET: socketPath },
      cwd: directory,
      stdoutFile: logFile,
      readyUrl: `http://127.0.0.1:${port}/health/ready`
    })
    const traffic = new SoakTraffic(port, random, (nonce) => gamma.torn.delete(nonce))
    try {
      return await work({ port, pid: gateway.pid, socketPath, configFile, upstreams, traffic, random }, logFile)
    } finally {
      await traffic.stop()
      await gateway.stop()
    }
  } finally {
    for (const upstream of [alpha, beta, gamma]) await upstream.close()
  }
}

async function soak (setting: SoakSetting, logFile: string, seconds: number): Promise<SoakResult> {
  const { traffic, upstreams } = setting
  traffic.start(warmUpRps)
  await delay(warmUpSeconds * 1_000)
  const before = await takeSampleAtRest(setting, 0, isIdle)
  const course = await runCourse(setting, {
    seconds,
    // Enough for a line through them, also in a short run.
    sampleEverySeconds: Math.min(10, Math.max(1, Math.floor(seconds / 30))),
    onSample: (sample) => { progress(`soak: ${Math.round(sample.seconds)} of ${seconds} s, ${traffic.sent} requests, ${JSON.stringify(traffic.totals)}, ${traffic.problemCount} problems, heap ${megabytes(sample.heapBytes).toFixed(1)} MB, RSS ${megabytes(sample.rssBytes).toFixed(0)} MB, ${sample.fileDescriptors} descriptors`) }
  })
  const after = await takeSampleAtRest(setting, seconds, (sample) => isIdle(sample) && sample.threads <= before.threads && sample.fileDescriptors <= before.fileDescriptors + handlesMore)
  const exposition = await scrape(setting.port)
  const counts = {
    upstreamRequests: Object.values(upstreams).reduce((sum, { requestCount }) => sum + requestCount, 0),
    retries: sumOf(exposition, 'bifrost_retries_total') + sumOf(exposition, 'bifrost_key_rotation_events_total'),
    fallbacks: sumOf(exposition, 'bifrost_fallbacks_total'),
    hedgesWon: sumOf(exposition, 'bifrost_hedges_total', { result: 'won' }),
    hedgesLost: sumOf(exposition, 'bifrost_hedges_total', { result: 'lost' }),
    singleFlightJoins: sumOf(exposition, 'bifrost_single_flight_joins_total'),
    streamsRecovered: traffic.recovered,
    threadRestarts: sumOf(exposition, 'bifrost_thread_restarts_total'),
    reloadsApplied: sumOf(exposition, 'bifrost_config_reloads_total', { result: 'applied' })
  }
  return { course, before, after, counts, unsettled: await findUnsettled(traffic.views, logFile) }
}

function toChecks ({ traffic, upstreams }: SoakSetting, { course, before, after, counts, unsettled }: SoakResult, seconds: number): { checks: Check[], lines: Record<string, ReturnType<typeof fitLine>> } {
  const { ok, refused, broken } = traffic.totals
  const settled = traffic.views.size
  const samples = course.samples.filter(({ seconds: at }) => at > warmUpShare * seconds)
  const lineOf = (bytes: (sample: Sample) => number): ReturnType<typeof fitLine> => fitLine(samples.map((sample) => ({ seconds: sample.seconds, value: megabytes(bytes(sample)) })))
  const heap = lineOf(({ heapBytes, arrayBufferBytes }) => heapBytes + arrayBufferBytes)
  const open = [...Object.entries(after.open), ['upstream requests', Object.values(upstreams).reduce((sum, { inFlight }) => sum + inFlight, 0)] as const].filter(([, count]) => count !== 0)
  const share = ok / (ok + refused + broken)
  const idleCounts = Object.entries(counts).filter(([, count]) => count === 0).map(([name]) => name)
  const back = (name: string, key: 'handles' | 'fileDescriptors' | 'threads', more: number): Check => ({ name: `soak: ${name} at rest, before and after`, wanted: `<= ${before[key]} + ${more}`, measured: `${before[key]}, ${after[key]}`, pass: after[key] <= before[key] + more })
  return {
    lines: { heap, rss: lineOf(({ rssBytes }) => rssBytes) },
    checks: [
      { name: 'soak: requests that ended once, whole or with an error', wanted: 'all', measured: `${settled} of ${traffic.sent}`, pass: settled === traffic.sent && traffic.problemCount === 0 && settled > 0 },
      { name: 'soak: of which the log says something else', wanted: '0', measured: String(unsettled.length), pass: unsettled.length === 0 },
      { name: 'soak: answered with 200 and whole, of those who waited', wanted: `>= ${okShareMin}`, measured: share.toFixed(4), pass: share >= okShareMin },
      { name: 'soak: exchanges, jobs, queue, in flight after the load', wanted: '0', measured: open.length === 0 ? '0' : JSON.stringify(open), pass: open.length === 0 },
      { name: 'soak: heap and array buffers, growth per minute', wanted: `< ${heapMbPerMinuteMax} MB`, measured: `${heap.perMinute.toFixed(3)} MB (r2 ${heap.r2.toFixed(2)}, n ${heap.n})`, pass: heap.perMinute < heapMbPerMinuteMax },
      back('handles', 'handles', handlesMore),
      back('file descriptors', 'fileDescriptors', handlesMore),
      back('threads', 'threads', 0),
      { name: 'soak: the front process is the same', wanted: String(before.pid), measured: String(after.pid), pass: before.pid === after.pid },
      { name: 'soak: reloads taken over', wanted: String(course.reloads), measured: String(counts['reloadsApplied']), pass: counts['reloadsApplied'] === course.reloads },
      { name: 'soak: retries, hedges, joins, recoveries ... that happened', wanted: 'some of each', measured: idleCounts.length === 0 ? 'all' : `no ${idleCounts.join(', ')}`, pass: idleCounts.length === 0 }
    ]
  }
}

function printSamples ({ before, after, course: { samples } }: SoakResult): void {
  const step = Math.ceil(samples.length / rowsMax)
  const shown: [string, Sample][] = [['at rest, before', before], ...samples.filter((_, index) => index % step === step - 1).map((sample): [string, Sample] => [`${Math.round(sample.seconds)} s`, sample]), ['at rest, after', after]]
  console.log(formatTable(['', 'heap MB', 'buffers MB', 'RSS MB', 'handles', 'descriptors', 'threads', 'requests', 'attempts', 'jobs'], shown.map(([name, sample]) => [
    name, megabytes(sample.heapBytes), megabytes(sample.arrayBufferBytes), megabytes(sample.rssBytes), sample.handles, sample.fileDescriptors, sample.threads, sample.open.bifrost_active_requests, sample.open.bifrost_in_flight, sample.open.bifrost_pool_objects
  ])) + '\n')
}

async function main (): Promise<void> {
  const { seconds, seed } = readArguments()
  progress(`soak: seed ${seed}`)
  const random = createRandom(seed)
  await withGateway(random, async (setting, logFile) => {
    const { traffic } = setting
    const result = await soak(setting, logFile, seconds)
    const { checks, lines } = toChecks(setting, result, seconds)
    clearProgress()
    printSamples(result)
    const figures = { seed, seconds, sent: traffic.sent, ...traffic.totals, ...result.counts, errors: traffic.errors, faults: result.course.faults, heapLine: lines['heap'], rssLine: lines['rss'] }
    console.log(formatTable(['soak', ''], Object.entries(figures).map(([name, value]) => [name, typeof value === 'number' ? value : JSON.stringify(value)])))
    for (const problem of [...traffic.problems, ...result.unsettled.slice(0, 20)]) console.log(`problem: ${problem}`)
    printChecks(checks)
    console.log(`\nwritten to ${writeResults('soak', { figures, checks, samples: result.course.samples, before: result.before, after: result.after, problems: traffic.problems, unsettled: result.unsettled.slice(0, 100) })}`)
  })
}

await runMain(main)
