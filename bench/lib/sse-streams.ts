import { monotonicUs } from '../../src/mock-upstream/monotonic.ts'
import type { LoadEvents } from './closed-loop.ts'
import { Histogram } from './histogram.ts'
import type { HistogramData } from './histogram.ts'
import { connectSocket, toRequestBytes } from './http-socket.ts'
import type { LoadRequest } from './http-socket.ts'

export interface StreamsOptions {
  kind: 'streams'
  /** Its body asks for a stream; `headers` may set the mock's frames and pace. */
  request: LoadRequest
  streams: number
  frames: number
  intervalMs: number
}

export interface StreamsResult {
  streams: number
  /** Content frames received. */
  frames: number
  /** Frames that never came, came twice or out of order. */
  framesWrong: number
  /** Streams without `[DONE]`, or with a status other than 200. */
  streamsBroken: number
  elapsedSeconds: number
  /** Microseconds from the mock's stamp to the receipt of a frame. */
  lateness: HistogramData
  /** Microseconds from the request to the first content frame. */
  firstFrame: HistogramData
}

const streamTimeoutMarginMs = 30_000
const contentKey = Buffer.from('"content":"')
const doneLine = Buffer.from('data: [DONE]')
const eventEnd = Buffer.from('\n\n')

/** Runs all streams once, each on its own connection, their starts spread over one interval. */
export async function sseStreams (options: StreamsOptions, events: LoadEvents): Promise<StreamsResult> {
  const bytes = toRequestBytes(options.request)
  const lateness = new Histogram()
  const firstFrame = new Histogram()
  let frames = 0
  let framesWrong = 0
  let streamsBroken = 0

  const runStream = (startDelayMs: number): Promise<void> => new Promise((resolve) => {
    let status = 0
    let expected = 0
    let done = false
    let sentUs = 0
    let rest: Buffer | null = null

    const readEvent = (event: Buffer): void => {
      const at = event.indexOf(contentKey)
      if (at >= 0) readFrame(event, at + contentKey.length)
      else if (event.includes(doneLine)) done = true
    }

    const readFrame = (event: Buffer, at: number): void => {
      const stamp = /^(\d+)@(\d+);/.exec(event.toString('latin1', at, at + 40))
      if (stamp === null) return
      const nowUs = monotonicUs()
      const index = Number(stamp[1])
      if (expected === 0) firstFrame.record(nowUs - sentUs)
      if (index !== expected) framesWrong += Math.max(1, Math.abs(index - expected))
      expected = index + 1
      frames += 1
      lateness.record(nowUs - Number(stamp[2]))
    }

    const socket = connectSocket(options.request.port, {
      onConnect () {
        setTimeout(() => {
          sentUs = monotonicUs()
          socket.write(bytes)
        }, startDelayMs)
      },
      onHead (value) { status = value },
      onBody (body, start, end) {
        let data: Buffer = body.subarray(start, end)
        if (rest !== null) data = Buffer.concat([rest, data])
        let from = 0
        for (let to = data.indexOf(eventEnd); to >= 0; to = data.indexOf(eventEnd, from)) {
          readEvent(data.subarray(from, to))
          from = to + 2
        }
        rest = from < data.length ? Buffer.from(data.subarray(from)) : null
      },
      onEnd () { socket.destroy() },
      onClose () {
        clearTimeout(timeout)
        if (status !== 200 || !done) streamsBroken += 1
        framesWrong += Math.max(0, options.frames - expected)
        resolve()
      }
    })
    const timeout = setTimeout(() => { socket.destroy() }, options.frames * options.intervalMs + streamTimeoutMarginMs)
  })

  events.onMeasureStart()
  const startedUs = monotonicUs()
  const progress = setInterval(() => { events.onProgress(frames) }, 1000)
  const spreadMs = Math.max(20, options.intervalMs)
  await Promise.all(Array.from({ length: options.streams }, (_, index) => runStream(index * spreadMs / options.streams)))
  clearInterval(progress)
  events.onMeasureEnd()
  return {
    streams: options.streams,
    frames,
    framesWrong,
    streamsBroken,
    elapsedSeconds: (monotonicUs() - startedUs) / 1e6,
    lateness: lateness.toData(),
    firstFrame: firstFrame.toData()
  }
}
