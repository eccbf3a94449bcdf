import { monitorEventLoopDelay } from 'node:perf_hooks'
import { receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { ProviderSettings } from '../api/settings.ts'
import { protocolVersion } from '../frames/kinds.ts'
import { RingReader } from '../ring/ring.ts'
import { JobTable } from './job-table.ts'

/** What a thread gets when it starts. Keys are in `settings`; they cross once, here, and in no frame. */
export interface ThreadTask {
  protocolVersion: number
  settings: ProviderSettings
  ringMemory: SharedArrayBuffer
  port: MessagePort
}

/** Front to worker beside the ring: a wake-up, or a body too large for the ring. */
export type PortMessage = { jobId: number, body: Uint8Array } | null

/** Frames taken from the ring before the sockets are looked at again. */
const framesPerTurnMax = 16
const heartbeatMs = 100
const loopDelayReportMs = 1_000
const loopDelayResolutionMs = 20

/** A thread's whole life: reads frames until it is drained. A thrown error ends the thread. */
export async function runThreadTask (task: ThreadTask): Promise<void> {
  if (task.protocolVersion !== protocolVersion) {
    throw new RangeError(`frame protocol ${task.protocolVersion} offered, ${protocolVersion} spoken`)
  }
  const { port } = task
  const ring = new RingReader(task.ringMemory)
  const bodies = new Map<number, Uint8Array>()
  const keepBody = (message: PortMessage): void => {
    if (message !== null) bodies.set(message.jobId, message.body)
  }
  const takeBody = (jobId: number): Buffer => {
    // The body was posted before the frame was published, so it is in the port's queue at the latest.
    for (let next = bodies.has(jobId) ? undefined : receiveMessageOnPort(port); next !== undefined; next = bodies.has(jobId) ? undefined : receiveMessageOnPort(port)) {
      keepBody(next.message as PortMessage)
    }
    const body = bodies.get(jobId)
    if (body === undefined) throw new RangeError(`the body of job ${jobId} is not in the port`)
    bodies.delete(jobId)
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  }
  const jobs = new JobTable(task.settings, port, takeBody)
  let moreScheduled = false
  const drainMore = (): void => {
    moreScheduled = false
    drainRing()
  }
  const drainRing = (): void => {
    if (moreScheduled) return
    do {
      if (ring.drain(jobs.handle, framesPerTurnMax) < framesPerTurnMax) continue
      // A burst of jobs must not keep the streams waiting that run already: their sockets come first.
      moreScheduled = true
      setImmediate(drainMore)
      return
    } while (!ring.sleep())
  }
  port.on('message', (message: PortMessage) => {
    keepBody(message)
    drainRing()
  })

  const loopDelay = monitorEventLoopDelay({ resolution: loopDelayResolutionMs })
  loopDelay.enable()
  const heartbeat = setInterval(() => { ring.beat() }, heartbeatMs)
  const report = setInterval(() => {
    // The monitor's own timer is part of what it reads.
    const micro = (nanoseconds: number): number => Math.max(0, Math.round(nanoseconds / 1_000 - loopDelayResolutionMs * 1_000))
    ring.reportLoopDelay(micro(loopDelay.percentile(50)), micro(loopDelay.percentile(99)), micro(loopDelay.max))
    loopDelay.reset()
  }, loopDelayReportMs)

  ring.beat()
  port.postMessage(null) // ready
  drainRing()
  await jobs.whenDrained()
  clearInterval(heartbeat)
  clearInterval(report)
  loopDelay.disable()
  await jobs.destroy()
  port.close()
}
