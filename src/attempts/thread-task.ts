import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { MessagePort } from 'node:worker_threads'
import type { ProviderSettings } from '../api/settings.ts'
import { protocolVersion } from '../frames/kinds.ts'
import { RingReader } from '../ring/ring.ts'
import { loadAdapters } from '../translation/adapters.ts'
import { JobTable } from './job-table.ts'
import type { PortMessage } from './port-inbox.ts'

/** What a thread gets when it starts. Keys are in the settings; they cross here and, after a change, through the port, but in no frame. */
export interface ThreadTask {
  protocolVersion: number
  /** At least one, all of one kind. */
  revisions: { number: number, settings: ProviderSettings }[]
  ringMemory: SharedArrayBuffer
  port: MessagePort
}

/** Frames taken from the ring before the sockets are looked at again. */
const framesPerTurnMax = 16
/** How long a thread that was woken before its frame looks for it, in milliseconds: some times what it takes to read a request. */
const expectedFrameMs = 0.03
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
  const [first] = task.revisions as [ThreadTask['revisions'][0]]
  const jobs = new JobTable(port, await loadAdapters(first.settings.kind))
  for (const { number, settings } of task.revisions) jobs.inbox.keep({ kind: 'settings', number, settings })
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
    if (message === 'expect') {
      jobs.results.expectLone()
      ring.lookFor(expectedFrameMs)
    } else jobs.inbox.keep(message)
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
