// `npm run bench:translation`: OpenAI's clients served by Anthropic, beside the same gateway that passes bytes through to OpenAI.
import { parseArgs } from 'node:util'
import { medianOf, roundCells, roundHeadings, runRounds, warmUp } from './lib/compare-rounds.ts'
import type { RoundsByTarget } from './lib/compare-rounds.ts'
import { clearProgress, formatTable, printChecks, progress, writeResults } from './lib/output.ts'
import type { Check } from './lib/output.ts'
import { runMain } from './lib/run-main.ts'
import { startAnthropicMock, startGateway, startMock } from './lib/targets.ts'
import type { Target } from './lib/targets.ts'
import { medianFigures, runStreamRounds, streamCells, streamHeadings } from './streams.ts'
import type { StreamFigures } from './streams.ts'
import { roundOptions, streamsMax, toRounds } from './lib/round-options.ts'
import type { Rounds } from './lib/round-options.ts'

interface Plan extends Rounds {
  /** As Anthropic names it. What a model's price looks like is part of what its requests cost the gateway. */
  model: string
}

const through = 'pass-through'
const translated = 'translated'
const rpsRatioMin = 0.6
const chunkCpuRatioMax = 3
const streamFrames = 64
const streamIntervalMs = 20
const concurrency = streamsMax

function readArguments (): Plan {
  const { values } = parseArgs({
    options: {
      ...roundOptions,
      model: { type: 'string', default: 'claude-sonnet-4-5' }
    }
  })
  return { ...toRounds(values, `usage: npm run bench:translation -- [--rounds n] [--seconds n] [--streams n, up to ${streamsMax}] [--model claude-sonnet-4-5] [--quick]`), model: values.model }
}

interface Targets {
  /** One gateway under two names: what differs is the provider that the model names. */
  gateways: Target[]
  mocks: Target[]
}

async function startTargets (model: string, started: Target[]): Promise<Targets> {
  const openAi = await startMock({ frames: streamFrames, frameIntervalMs: streamIntervalMs })
  started.push(openAi)
  const anthropic = await startAnthropicMock({ frames: streamFrames, frameIntervalMs: streamIntervalMs })
  started.push(anthropic)
  const gateway = await startGateway({
    mockPort: openAi.port,
    concurrency,
    providers: {
      anthropic: {
        keys: [{ name: 'bench', value: 'x', models: ['*'], weight: 1 }],
        network_config: { base_url: `http://127.0.0.1:${anthropic.port}` },
        concurrency_and_buffer_size: { concurrency, buffer_size: 5000 }
      }
    }
  })
  started.push(gateway)
  return {
    gateways: [{ ...gateway, name: through }, { ...gateway, name: translated, model: `anthropic/${model}` }],
    mocks: [{ ...openAi, name: 'OpenAI mock alone' }, { ...anthropic, name: 'Anthropic mock alone' }]
  }
}

function checksOf (unary: RoundsByTarget, streams: ReadonlyMap<string, StreamFigures>): Check[] {
  const rpsRatio = medianOf(unary.get(translated), 'rps') / medianOf(unary.get(through), 'rps')
  const cpuOf = (name: string): number => streams.get(name)?.cpuUsPerFrame ?? NaN
  const cpuRatio = cpuOf(translated) / cpuOf(through)
  const failed = [...unary.values()].flat().reduce((sum, round) => sum + round.failed, 0)
  const wrong = [...streams.values()].reduce((sum, figures) => sum + figures.framesWrong + figures.streamsBroken, 0)
  return [
    { name: 'RPS at 64 connections, translated / pass-through', wanted: `>= ${rpsRatioMin}`, measured: rpsRatio.toFixed(2), pass: rpsRatio >= rpsRatioMin },
    { name: 'CPU per stream chunk, translated / pass-through', wanted: `<= ${chunkCpuRatioMax}`, measured: cpuRatio.toFixed(2), pass: cpuRatio <= chunkCpuRatioMax },
    { name: 'failed requests', wanted: '0', measured: String(failed), pass: failed === 0 },
    { name: 'streams: chunks lost or streams broken', wanted: '0', measured: String(wrong), pass: wrong === 0 }
  ]
}

async function main (): Promise<void> {
  const plan = readArguments()
  const started: Target[] = []
  try {
    const { gateways, mocks } = await startTargets(plan.model, started)
    await warmUp(gateways, Math.min(4, plan.seconds), progress)
    const unary = await runRounds(gateways, { connections: 64, rounds: plan.rounds, seconds: plan.seconds }, progress)
    const streamPlan = { streams: plan.streams, frames: streamFrames, intervalMs: streamIntervalMs }
    // The first round of streams compiles what they need; it is not counted.
    await runStreamRounds(gateways, { ...streamPlan, rounds: 1 }, () => { progress('warming up streams') })
    const streamRounds = await runStreamRounds(gateways, { ...streamPlan, rounds: plan.rounds }, progress)
    // Once is enough to show that neither mock is what limits the gateway.
    const alone = await runRounds(mocks, { connections: 64, rounds: 1, seconds: Math.min(3, plan.seconds) }, progress)
    const streams = new Map([...streamRounds].map(([name, rounds]) => [name, medianFigures(rounds)]))
    clearProgress()

    console.log(`Chat completion of an OpenAI client, medians of ${plan.rounds} interleaved rounds of ${plan.seconds} s; load: our closed loop on raw sockets.\n`)
    console.log(formatTable(['64 connections', ...roundHeadings], [...roundCells(gateways, unary), ...roundCells(mocks, alone)]))
    console.log(`\n${plan.streams} streams, ${streamFrames} chunks, ${streamIntervalMs} ms apart:\n`)
    console.log(formatTable(streamHeadings, [...streams].map(([name, figures]) => streamCells(name, figures))))
    printChecks(checksOf(unary, streams))
    console.log(`\nwritten to ${writeResults('translation', { plan, unary: Object.fromEntries(unary), streams: Object.fromEntries(streamRounds), mocks: Object.fromEntries(alone) })}`)
  } finally {
    for (const target of started.reverse()) await target.stop()
  }
}

await runMain(main)
