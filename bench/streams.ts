import { parseArgs } from 'node:util'
import { rotate } from './lib/compare-rounds.ts'
import { Histogram } from './lib/histogram.ts'
import { runLoad } from './lib/load.ts'
import { formatTable, median, megabytes } from './lib/output.ts'
import { treeUsage } from './lib/process-tree.ts'
import { chatRequest } from './lib/targets.ts'
import type { Target } from './lib/targets.ts'

export interface StreamFigures {
  frames: number
  framesWrong: number
  streamsBroken: number
  framesPerSecond: number
  latenessP50Ms: number
  latenessP99Ms: number
  latenessMaxMs: number
  /** The latest frame in units of the pace of the stream. */
  latenessMaxIntervals: number
  firstFrameP50Ms: number
  cpuUsPerFrame: number
  rssMb: number
}

export interface StreamPlan {
  streams: number
  frames: number
  intervalMs: number
  rounds: number
}

/** Runs the streams `rounds` times through one target whose upstream is the mock with the same frames and pace. */
export async function measureStreams (target: Target, plan: StreamPlan, onProgress: (text: string) => void): Promise<StreamFigures> {
  const lateness = new Histogram()
  const firstFrame = new Histogram()
  const totals = { frames: 0, framesWrong: 0, streamsBroken: 0, seconds: 0, cpuUs: 0, rssBytes: 0 }
  for (let round = 1; round <= plan.rounds; round++) {
    onProgress(`${target.name}, ${plan.streams} streams, round ${round} of ${plan.rounds}`)
    const { result, usage } = await runLoad({
      kind: 'streams',
      request: chatRequest(target, { stream: true }),
      streams: plan.streams,
      frames: plan.frames,
      intervalMs: plan.intervalMs
    }, { usage: target.usage })
    lateness.add(result.lateness)
    firstFrame.add(result.firstFrame)
    totals.frames += result.frames
    totals.framesWrong += result.framesWrong
    totals.streamsBroken += result.streamsBroken
    totals.seconds += result.elapsedSeconds
    totals.cpuUs += usage?.cpuUs ?? NaN
    totals.rssBytes = usage?.rssBytes ?? NaN
  }
  return {
    frames: totals.frames,
    framesWrong: totals.framesWrong,
    streamsBroken: totals.streamsBroken,
    framesPerSecond: totals.frames / totals.seconds,
    latenessP50Ms: lateness.percentile(50) / 1000,
    latenessP99Ms: lateness.percentile(99) / 1000,
    latenessMaxMs: lateness.max / 1000,
    latenessMaxIntervals: lateness.max / 1000 / plan.intervalMs,
    firstFrameP50Ms: firstFrame.percentile(50) / 1000,
    cpuUsPerFrame: totals.cpuUs / totals.frames,
    rssMb: megabytes(totals.rssBytes)
  }
}

/** Rounds of all targets in turn, each round in another order. */
export async function runStreamRounds (targets: readonly Target[], plan: StreamPlan, onProgress: (text: string) => void): Promise<Map<string, StreamFigures[]>> {
  const figures = new Map<string, StreamFigures[]>(targets.map(({ name }) => [name, []]))
  for (let round = 0; round < plan.rounds; round++) {
    for (const target of rotate(targets, round)) {
      figures.get(target.name)?.push(await measureStreams(target, { ...plan, rounds: 1 }, () => { onProgress(`streams, round ${round + 1} of ${plan.rounds}: ${target.name}`) }))
    }
  }
  return figures
}

export function medianFigures (rounds: readonly StreamFigures[]): StreamFigures {
  const of = (field: keyof StreamFigures): number => median(rounds.map((round) => round[field]))
  const sum = (field: keyof StreamFigures): number => rounds.reduce((total, round) => total + round[field], 0)
  return {
    frames: sum('frames'),
    framesWrong: sum('framesWrong'),
    streamsBroken: sum('streamsBroken'),
    framesPerSecond: of('framesPerSecond'),
    latenessP50Ms: of('latenessP50Ms'),
    latenessP99Ms: of('latenessP99Ms'),
    latenessMaxMs: Math.max(...rounds.map((round) => round.latenessMaxMs)),
    latenessMaxIntervals: Math.max(...rounds.map((round) => round.latenessMaxIntervals)),
    firstFrameP50Ms: of('firstFrameP50Ms'),
    cpuUsPerFrame: of('cpuUsPerFrame'),
    rssMb: of('rssMb')
  }
}

export const streamHeadings = ['target', 'frames', 'wrong', 'broken', 'late p50 ms', 'p99 ms', 'max ms', 'max intervals', 'first frame ms', 'CPU us/frame']

export function streamCells (name: string, figures: StreamFigures): Array<string | number> {
  return [name, figures.frames, figures.framesWrong, figures.streamsBroken, figures.latenessP50Ms, figures.latenessP99Ms,
    figures.latenessMaxMs, figures.latenessMaxIntervals, figures.firstFrameP50Ms, figures.cpuUsPerFrame]
}

/** `node dist/bench/streams.js --port 8080 --pid 123 --model openai/gpt-4o-mini`: through something that runs already. */
async function main (): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      pid: { type: 'string' },
      model: { type: 'string', default: 'openai/gpt-4o-mini' },
      streams: { type: 'string', default: '256' },
      frames: { type: 'string', default: '64' },
      interval: { type: 'string', default: '20' },
      rounds: { type: 'string', default: '3' }
    }
  })
  if (values.port === undefined) throw new Error('--port is missing: where the gateway listens, with the mock upstream behind it')
  const pid = Number(values.pid ?? 0)
  const target: Target = {
    name: `port ${values.port}`,
    port: Number(values.port),
    pid,
    model: values.model,
    headers: {},
    usage: () => pid === 0 ? { cpuUs: NaN, rssBytes: NaN, processes: 0 } : treeUsage(pid),
    stop: async () => {}
  }
  const plan = { streams: Number(values.streams), frames: Number(values.frames), intervalMs: Number(values.interval), rounds: Number(values.rounds) }
  const figures = await measureStreams(target, plan, (text) => { console.error(text) })
  console.log(formatTable(streamHeadings, [streamCells(target.name, figures)]))
  if (figures.framesWrong + figures.streamsBroken > 0) process.exitCode = 1
}

if (process.argv[1] === import.meta.filename) await main()
