// `npm run bench:faults`: what a dying worker thread and a dying front process cost.
import { parseArgs } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, startEchoLoad } from './lib/echo-load.ts'
import { runLoad } from './lib/load.ts'
import { clearProgress, formatTable, median, printChecks, progress, writeResults } from './lib/output.ts'
import { runMain } from './lib/run-main.ts'
import type { Check } from './lib/output.ts'
import { answersOk } from './lib/processes.ts'
import { directChildren } from './lib/process-tree.ts'
import { failuresIn, toMs } from './lib/scenario.ts'
import { chatRequest, startGateway, startMock } from './lib/targets.ts'
import type { Target } from './lib/targets.ts'

interface FaultResult {
  figures: Record<string, unknown>
  checks: Check[]
}

const frontRecoveryMsMax = 500
const recoveryTimeoutMs = 10_000
/** Under load before it is killed. */
const loadMs = 3_000

/**
 * Two providers under load: `openai` in front of the mock upstream, and the built-in `mock`, whose model
 * `exit-thread` ends the thread that serves it, since its config allows thread faults.
 */
async function workerCrashes (seconds: number): Promise<FaultResult> {
  const mock = await startMock({ latencyMs: 20 })
  let gateway: Target | null = null
  try {
    gateway = await startGateway({ mockPort: mock.port, providers: { mock: { mock: { thread_faults: true } } } })
    const url = `http://127.0.0.1:${gateway.port}`
    const healthy = runLoad({ kind: 'closed-loop', request: chatRequest(gateway), connections: 32, warmupSeconds: 1, seconds })
    // Handled where it is awaited below; until then it must not end the process as an unhandled rejection.
    healthy.catch(() => {})
    const crashing = startEchoLoad(url, 'mock', 16)
    const recoveriesMs: number[] = []
    const crashAnswers: Record<string, number> = {}
    await delay(2000)
    for (let crash = 1; crash <= Math.max(1, Math.floor((seconds - 2) / 2)); crash++) {
      progress(`worker: crash ${crash}`)
      const crashedMs = performance.now()
      const answer = await ask(url, 'mock/exit-thread', 'end')
      const kind = answer === null ? 'no answer' : answer.errorType ?? 'answered'
      crashAnswers[kind] = (crashAnswers[kind] ?? 0) + 1
      // The first echo after the answer to the crash comes from the thread that took its place.
      const answeredMs = performance.now()
      while (crashing.totals.lastEchoMs < answeredMs && performance.now() < answeredMs + recoveryTimeoutMs) await delay(2)
      recoveriesMs.push(crashing.totals.lastEchoMs < answeredMs ? Infinity : crashing.totals.lastEchoMs - crashedMs)
      await delay(1500)
    }
    await crashing.stop()
    const { result } = await healthy
    const failed = failuresIn(result.statuses) + result.connectionErrors
    const { totals } = crashing
    const settled = totals.echoed + Object.values(totals.errors).reduce((sum, count) => sum + count, 0)
    const crashes = recoveriesMs.length
    return {
      figures: { otherProvider: { requests: result.requests, failed, p99Ms: toMs(result.latency, 99), statuses: result.statuses }, crashingProvider: totals, crashAnswers, recoveriesMs },
      checks: [
        { name: `worker: failed requests of the other provider, ${crashes} crashes`, wanted: '0', measured: `${failed} of ${result.requests}`, pass: failed === 0 && result.requests > 0 },
        { name: 'worker: own requests with exactly one answer', wanted: 'all', measured: `${settled} of ${totals.sent}`, pass: settled === totals.sent && totals.echoed > 0 },
        { name: 'worker: the request that ends the thread', wanted: 'worker_lost', measured: JSON.stringify(crashAnswers), pass: crashAnswers['worker_lost'] === crashes },
        { name: 'worker: slowest return of the provider', wanted: '< 1000 ms', measured: `${Math.max(...recoveriesMs).toFixed(0)} ms`, pass: Math.max(...recoveriesMs) < 1000 }
      ]
    }
  } finally {
    await gateway?.stop()
    await mock.stop()
  }
}

/**
 * The front process is ended from outside, as soon as it serves and again under load in another gateway; its supervisor has to bring
 * it back. Every round has new gateways, because a supervisor rightly waits longer after crashes that follow each other closely.
 */
async function frontCrashes (rounds: number): Promise<FaultResult> {
  const mock = await startMock()
  try {
    const atStartMs: number[] = []
    const underLoadMs: number[] = []
    for (let round = 1; round <= rounds; round++) {
      progress(`front: kill ${round} of ${rounds}`)
      atStartMs.push(await withGateway(mock.port, killFront))
      underLoadMs.push(await withGateway(mock.port, killUnderLoad))
    }
    return {
      figures: { atStartMs, underLoadMs },
      checks: [toFrontCheck('as soon as it serves', atStartMs), toFrontCheck('under load', underLoadMs)]
    }
  } finally {
    await mock.stop()
  }
}

function toFrontCheck (when: string, recoveriesMs: readonly number[]): Check {
  const slowestMs = Math.max(...recoveriesMs)
  return { name: `front, killed ${when}: time until /health answers again`, wanted: `< ${frontRecoveryMsMax} ms`, measured: `median ${median(recoveriesMs).toFixed(0)}, max ${slowestMs.toFixed(0)} ms`, pass: slowestMs < frontRecoveryMsMax }
}

async function withGateway<Result> (mockPort: number, work: (gateway: Target) => Promise<Result>): Promise<Result> {
  const gateway = await startGateway({ mockPort })
  try {
    return await work(gateway)
  } finally {
    await gateway.stop()
  }
}

/** Clients whose connections break open new ones at once. */
async function killUnderLoad (gateway: Target): Promise<number> {
  const load = runLoad({ kind: 'closed-loop', request: chatRequest(gateway), connections: 32, warmupSeconds: 1, seconds: loadMs / 1_000 })
  load.catch(() => {})
  await delay(loadMs)
  const recoveryMs = await killFront(gateway)
  await load
  return recoveryMs
}

/** Milliseconds from the signal to the first answer of the process that replaces the front. */
async function killFront (gateway: Target): Promise<number> {
  const front = directChildren(gateway.pid)[0]
  if (front === undefined) throw new Error('the gateway has no child process: is it supervised?')
  const killedMs = performance.now()
  process.kill(front, 'SIGABRT')
  while (performance.now() < killedMs + recoveryTimeoutMs) {
    if (await answersOk(`http://127.0.0.1:${gateway.port}/health`, 100) && !directChildren(gateway.pid).includes(front)) return performance.now() - killedMs
    await delay(2)
  }
  return Infinity
}

async function main (): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, seconds: { type: 'string', default: '14' }, rounds: { type: 'string', default: '5' } }
  })
  const seconds = Number(values.seconds)
  const rounds = Number(values.rounds)
  if (!(seconds >= 4 && seconds <= 600 && rounds >= 1 && rounds <= 100)) throw new Error('usage: npm run bench:faults -- [--only worker|front] [--seconds n] [--rounds n]')
  const results: Record<string, FaultResult> = {}
  if (values.only !== 'front') results['worker'] = await workerCrashes(seconds)
  if (values.only !== 'worker') results['front'] = await frontCrashes(rounds)
  clearProgress()
  for (const [name, { figures }] of Object.entries(results)) {
    console.log(formatTable([name, ''], Object.entries(figures).map(([key, value]) => [key, JSON.stringify(value)])) + '\n')
  }
  printChecks(Object.values(results).flatMap(({ checks }) => checks))
  console.log(`\nwritten to ${writeResults('faults', results)}`)
}

await runMain(main)
