import type { Server } from 'hyper-express'
import type { Delays } from './delays.ts'
import { monotonicUs } from './monotonic.ts'
import type { MockStatistics } from './statistics.ts'
import type { StreamFormat } from './stream-format.ts'

type Route = Parameters<Server['uws_instance']['any']>[1]
export type MockResponse = Parameters<Route>[0]
export type MockHttpRequest = Parameters<Route>[1]

/** Frames written in one go when there is no pace to keep, so that other requests get their turn. */
const framesPerTurnMax = 64

/**
 * One SSE answer. Frame n is due n + 1 intervals after the head, counted from the head, so a late timer
 * does not push the later ones back.
 *
 * waiting (a timer will call `run`) -> writing -> waiting | blocked | ended
 * blocked (the reader is slow; `onWritable` goes on) -> writing
 * ended   (all written, or `stop` after the client left)
 */
export class PacedStream {
  private index = 0
  private startedMs = 0
  private blocked = false
  private ended = false
  private readonly response: MockResponse
  private readonly format: StreamFormat
  private readonly frames: number
  private readonly intervalMs: number
  private readonly delays: Delays
  private readonly statistics: MockStatistics
  private readonly onEnd: () => void

  constructor (options: { response: MockResponse, format: StreamFormat, frames: number, intervalMs: number, delays: Delays, statistics: MockStatistics, onEnd: () => void }) {
    this.response = options.response
    this.format = options.format
    this.frames = options.frames
    this.intervalMs = options.intervalMs
    this.delays = options.delays
    this.statistics = options.statistics
    this.onEnd = options.onEnd
  }

  start (): void {
    this.startedMs = performance.now()
    this.response.onWritable(() => {
      this.blocked = false
      this.run()
      return true
    })
    this.response.cork(() => {
      this.response.writeHeader('content-type', 'text/event-stream; charset=utf-8')
      this.response.writeHeader('cache-control', 'no-cache')
      this.response.writeHeader('x-request-id', 'req_mock')
      if (this.format.head !== '') this.response.write(this.format.head)
    })
    this.wait()
  }

  /** The response must not be touched any more. */
  stop (): void {
    this.ended = true
  }

  run (): void {
    if (this.ended || this.blocked) return
    this.response.cork(() => { this.writeDue() })
    if (!this.ended && !this.blocked) this.wait()
  }

  private writeDue (): void {
    // Half a millisecond early counts as due: timers work in whole milliseconds.
    const elapsedMs = performance.now() - this.startedMs + 0.5
    const dueCount = this.intervalMs === 0
      ? Math.min(this.frames, this.index + framesPerTurnMax)
      : Math.min(this.frames, Math.floor(elapsedMs / this.intervalMs))
    while (this.index < dueCount && !this.blocked) {
      const frame = this.format.frame(this.index, monotonicUs())
      this.index += 1
      this.statistics.frames += 1
      if (!this.response.write(frame)) this.blocked = true
    }
    if (this.index < this.frames || this.blocked) return
    this.ended = true
    this.response.end(this.format.tail(this.frames))
    this.onEnd()
  }

  private wait (): void {
    const dueMs = this.startedMs + (this.index + 1) * this.intervalMs
    this.delays.after(Math.max(0, dueMs - performance.now()), this)
  }
}
