// `npm run bench:compare`: the gateway beside nginx (the floor for a hop) and Portkey's gateway.
import { parseArgs } from 'node:util'
import { addedP50Us, medianOf, roundCells, roundHeadings, runRounds, warmUp } from './lib/compare-rounds.ts'
import type { RoundsByTarget } from './lib/compare-rounds.ts'
import { clearProgress, formatTable, printChecks, progress, writeResults } from './lib/output.ts'
import { runMain } from './lib/run-main.ts'
import type { Check } from './lib/output.ts'
import { installPeers } from './lib/peers.ts'
import { startBareHop, startGateway, startMock, startNginx, startPortkey } from './lib/targets.ts'
import type { Target } from './lib/targets.ts'
import { medianFigures, runStreamRounds, streamCells, streamHeadings } from './streams.ts'
import type { StreamFigures } from './streams.ts'
import { roundOptions, streamsMax, toRounds } from './lib/round-options.ts'
import type { Rounds } from './lib/round-options.ts'

interface Plan extends Rounds {
  without: readonly string[]
  /** Beside the others: what the threads and libraries cost without the gateway. */
  bare: boolean
}

const streamFrames = 64
const streamIntervalMs = 20

function readArguments (): Plan {
  const { values } = parseArgs({
    options: {
      ...roundOptions,
      without: { type: 'string', default: '' },
      bare: { type: 'boolean', default: false }
    }
  })
  const usage = `usage: npm run bench:compare -- [--rounds n] [--seconds n] [--streams n, up to ${streamsMax}] [--without gateway,portkey] [--bare] [--quick]`
  return { ...toRounds(values, usage), without: values.without.split(','), bare: values.bare }
}

/** nginx is always there: the others are measured against it. */
async function startTargets (plan: Plan, started: Target[]): Promise<Target[]> {
  const mock = await startMock({ frames: streamFrames, frameIntervalMs: streamIntervalMs })
  started.push(mock)
  started.push(await startNginx(mock.port))
  if (!plan.without.includes('gateway')) started.push(await startGateway({ mockPort: mock.port, concurrency: 1000 }))
  if (plan.bare) started.push(await startBareHop(mock.port))
  if (!plan.without.includes('portkey')) started.push(await startPortkey(mock.port, installPeers()))
  return [...started]
}

function checksOf (many: RoundsByTarget, one: RoundsByTarget, streams: ReadonlyMap<string, StreamFigures>): Check[] {
  const checks: Check[] = []
  if (!many.has('gateway')) return checks
  const gateway = many.get('gateway')
  const nginx = many.get('nginx')
  if (many.has('portkey')) {
    const ratio = medianOf(gateway, 'rps') / medianOf(many.get('portkey'), 'rps')
    checks.push({ name: 'RPS at 64 connections / Portkey', wanted: '>= 10', measured: ratio.toFixed(1), pass: ratio >= 10 })
  }
  const cpuRatio = medianOf(gateway, 'cpuUs') / medianOf(nginx, 'cpuUs')
  checks.push({ name: 'CPU per request at 64 connections / nginx', wanted: '<= 4', measured: cpuRatio.toFixed(2), pass: cpuRatio <= 4 })
  const added = addedP50Us(one, 'gateway')
  const floor = addedP50Us(one, 'nginx')
  checks.push({ name: 'added p50 at 1 connection / nginx', wanted: '<= 4', measured: `${(added / floor).toFixed(2)} (${added.toFixed(0)} us / ${floor.toFixed(0)} us)`, pass: floor > 0 && added <= 4 * floor })
  const failed = [...many.get('gateway') ?? [], ...one.get('gateway') ?? []].reduce((sum, round) => sum + round.failed, 0)
  checks.push({ name: 'failed requests', wanted: '0', measured: String(failed), pass: failed === 0 })
  const stream = streams.get('gateway')
  const frameRatio = (stream?.cpuUsPerFrame ?? NaN) / (streams.get('nginx')?.cpuUsPerFrame ?? NaN)
  checks.push({ name: 'streams: CPU per frame / nginx', wanted: '<= 4', measured: frameRatio.toFixed(2), pass: frameRatio <= 4 })
  const wrong = (stream?.framesWrong ?? NaN) + (stream?.streamsBroken ?? NaN)
  checks.push({ name: 'streams: frames lost or streams broken', wanted: '0', measured: String(wrong), pass: wrong === 0 })
  return checks
}

async function main (): Promise<void> {
  const plan = readArguments()
  const started: Target[] = []
  try {
    const targets = await startTargets(plan, started)
    await warmUp(targets, Math.min(4, plan.seconds), progress)
    const many = await runRounds(targets, { connections: 64, rounds: plan.rounds, seconds: plan.seconds }, progress)
    const one = await runRounds(targets, { connections: 1, rounds: plan.rounds, seconds: plan.seconds }, progress)
    const streamRounds = await runStreamRounds(
      targets.filter(({ name }) => name === 'nginx' || name === 'gateway'),
      { streams: plan.streams, frames: streamFrames, intervalMs: streamIntervalMs, rounds: plan.rounds },
      progress
    )
    const streams = new Map([...streamRounds].map(([name, rounds]) => [name, medianFigures(rounds)]))
    clearProgress()

    console.log(`Chat completion, medians of ${plan.rounds} interleaved rounds of ${plan.seconds} s; load: our closed loop on raw sockets.\n`)
    console.log(formatTable(['64 connections', ...roundHeadings], roundCells(targets, many)))
    console.log('\n' + formatTable(['1 connection', ...roundHeadings], roundCells(targets, one)))
    console.log(`\n${plan.streams} streams, ${streamFrames} frames, ${streamIntervalMs} ms apart:\n`)
    console.log(formatTable(streamHeadings, [...streams].map(([name, figures]) => streamCells(name, figures))))
    printChecks(checksOf(many, one, streams))
    console.log(`\nwritten to ${writeResults('compare', { plan, many: Object.fromEntries(many), one: Object.fromEntries(one), streams: Object.fromEntries(streamRounds) })}`)
  } finally {
    for (const target of started.reverse()) await target.stop()
  }
}

await runMain(main)
