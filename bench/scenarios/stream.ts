import { withTarget } from '../lib/scenario.ts'
import type { Scenario } from '../lib/scenario.ts'
import { measureStreams } from '../streams.ts'

/** Concurrent SSE streams at the pace of a model: is every frame there, how late, what does one cost. */
export const stream: Scenario = {
  name: 'stream',
  async run (context) {
    const frames = context.quick ? 32 : 64
    const intervalMs = 20
    const streams = context.quick ? 64 : 256
    return await withTarget(context, { mock: { frames, frameIntervalMs: intervalMs } }, async (target) => {
      const figures = await measureStreams(target, { streams, frames, intervalMs, rounds: context.quick ? 1 : 3 }, (text) => { context.onProgress(`stream: ${text}`) })
      const wrong = figures.framesWrong + figures.streamsBroken
      return {
        rows: [{
          scenario: `stream, ${streams} x ${frames} frames, ${intervalMs} ms`,
          rps: figures.framesPerSecond,
          p50Ms: figures.latenessP50Ms,
          p99Ms: figures.latenessP99Ms,
          errors: wrong,
          cpuUsPerRequest: figures.cpuUsPerFrame,
          rssMb: figures.rssMb,
          note: `per frame; max late ${figures.latenessMaxIntervals.toFixed(1)} intervals`
        }],
        checks: [{ name: 'stream: frames lost or streams broken', wanted: '0', measured: String(wrong), pass: wrong === 0 }]
      }
    })
  }
}
