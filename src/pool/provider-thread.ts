import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { jobFrameKinds, protocolVersion } from '../frames/kinds.ts'
import { sizeOfJobFrame, writeJobFrame } from '../frames/job-frame.ts'
import { createRingMemory, RingWriter } from '../ring/ring.ts'
import type { Job, JobCarrier } from './job.ts'
import type { Revision } from './revisions.ts'

export type ThreadEndReason = 'drained' | 'exit' | 'out_of_memory' | 'unresponsive'

export interface ThreadEvents {
  onReady (): void
  onBatch (batch: ArrayBuffer): void
  /** The last event, once. */
  onEnd (thread: PoolThread, reason: ThreadEndReason, error: unknown): void
}

/** A worker thread as its pool sees it. */
export interface PoolThread extends JobCarrier {
  readonly index: number
  readonly ready: boolean
  /** It has brought results: its death is no crash loop. */
  readonly hasServed: boolean
  readonly ringUsedBytes: number
  readonly ringCapacityBytes: number
  /** Event loop delay in seconds. */
  loopDelay (): { p50: number, p99: number, max: number }
  /** @returns false when it cannot take the job now; the job stays where it is */
  send (job: Job): boolean
  /** It may get a job at once: if it sleeps with nothing in hand, it wakes up now. */
  expectJob (): void
  /** Before the first job that was made under it. */
  addRevision (revision: Revision): void
  /** Once no job has it any more. */
  forgetRevision (number: number): void
  /** It ends once its jobs have ended. */
  drain (): void
  /** Called every 500 ms: a thread without a heartbeat is stuck in a loop and is ended. */
  lookAtHeartbeat (): void
}

/** Starts the threads of one provider and ends them. */
export interface Threads {
  /** @param revisions the settings that the thread may meet in frames */
  start (index: number, revisions: readonly Revision[], events: ThreadEvents): PoolThread
  /** Ends them now. */
  destroy (): Promise<void>
}

type FromThread =
  /** It is ready. */
  | null
  /** A wake-up before its batch. */
  | 'expect'
  /** A batch. */
  | ArrayBuffer

/** Heartbeats come every 100 ms; this many missed looks, 500 ms apart, mean the thread is stuck. */
const missedLooksMax = 4

/** How long a control frame waits before it tries again for room in the ring, in milliseconds. */
const controlRetryMs = 1

/**
 * The front's end of one worker thread: its ring, its port and what it has in hand. It lives as long as
 * the never-ending task that piscina runs on the thread.
 */
export class ProviderThread implements PoolThread {
  readonly index: number
  inFlight = 0
  ready = false
  hasServed = false
  private readonly ring: RingWriter
  private readonly port: MessagePort
  private readonly abort = new AbortController()
  private readonly events: ThreadEvents
  private readonly controls: { kind: number, jobId: number, value: number }[] = []
  private controlTimer: NodeJS.Timeout | null = null
  private doorbellScheduled = false
  private ended = false
  private unresponsive = false
  private lastHeartbeat = 0
  private missedLooks = 0

  constructor (index: number, ringBytes: number, revisions: readonly Revision[], threads: Piscina, events: ThreadEvents) {
    this.index = index
    this.events = events
    const memory = createRingMemory(ringBytes)
    this.ring = new RingWriter(memory)
    const { port1, port2 } = new MessageChannel()
    this.port = port1
    port1.on('message', this.receive)
    const task = { protocolVersion, revisions: revisions.map(({ number, settings }) => ({ number, settings })), ringMemory: memory, port: port2 }
    threads.run(task, { transferList: [port2], signal: this.abort.signal }).then(
      () => { this.end('drained', null) },
      (error: unknown) => { this.end(this.unresponsive ? 'unresponsive' : toReason(error), error) }
    )
  }

  get ringUsedBytes (): number {
    return this.ring.usedBytes()
  }

  get ringCapacityBytes (): number {
    return this.ring.capacityBytes
  }

  loopDelay (): { p50: number, p99: number, max: number } {
    return this.ring.loopDelay()
  }

  send (job: Job): boolean {
    const head = job.head as NonNullable<Job['head']>
    let size = sizeOfJobFrame(head, job.bodyBytes)
    const inPort = size.totalBytes > this.ring.payloadBytesMax
    if (inPort) size = sizeOfJobFrame(head, 0)
    const offset = this.ring.reserve(size.totalBytes)
    if (offset < 0) return false
    if (inPort) this.postBody(job)
    writeJobFrame(this.ring.data, offset, (job.revision as Revision).number, head, size, inPort ? null : job.body)
    this.ring.publish(jobFrameKinds.attempt, job.id)
    // A thread's only job has nobody to share the wake-up with.
    if (++this.inFlight === 1) this.wake()
    else this.ringDoorbell()
    return true
  }

  expectJob (): void {
    if (this.inFlight === 0 && !this.ended && this.ring.takeAsleep()) this.port.postMessage('expect')
  }

  cancel (jobId: number): void {
    this.control(jobFrameKinds.cancel, jobId, 0)
  }

  credit (jobId: number, bytes: number): void {
    this.control(jobFrameKinds.credit, jobId, bytes)
  }

  addRevision ({ number, settings }: Revision): void {
    if (!this.ended) this.port.postMessage({ kind: 'settings', number, settings })
  }

  forgetRevision (number: number): void {
    if (!this.ended) this.port.postMessage({ kind: 'forget', number })
  }

  drain (): void {
    this.control(jobFrameKinds.drain, 0, 0)
  }

  /** Ends the thread now; its jobs are lost. */
  terminate (): void {
    this.abort.abort()
  }

  lookAtHeartbeat (): void {
    if (!this.ready) return
    const heartbeat = this.ring.heartbeat()
    this.missedLooks = heartbeat === this.lastHeartbeat ? this.missedLooks + 1 : 0
    this.lastHeartbeat = heartbeat
    if (this.missedLooks < missedLooksMax) return
    this.unresponsive = true
    this.terminate()
  }

  /** A body larger than the ring takes: copied once, then handed over without another copy. */
  private postBody (job: Job): void {
    const body = new Uint8Array(job.bodyBytes)
    let at = 0
    for (const segment of job.body) {
      body.set(segment, at)
      at += segment.length
    }
    this.port.postMessage({ kind: 'body', jobId: job.id, body }, [body.buffer])
  }

  private readonly receive = (message: FromThread): void => {
    if (message === null) return this.becomeReady()
    if (message === 'expect') return
    this.hasServed = true
    this.events.onBatch(message)
  }

  private becomeReady (): void {
    if (this.ended) return
    this.ready = true
    this.events.onReady()
  }

  private control (kind: number, jobId: number, value: number): void {
    if (this.ended) return
    this.controls.push({ kind, jobId, value })
    this.flushControls()
  }

  /** Control frames keep their order; at most a cancel and a few credits per running job wait here. */
  private flushControls (): void {
    while (this.controls.length > 0) {
      const next = this.controls[0] as (typeof this.controls)[0]
      const offset = this.ring.reserve(4)
      if (offset < 0) {
        this.controlTimer ??= setTimeout(() => {
          this.controlTimer = null
          this.flushControls()
        }, controlRetryMs)
        return
      }
      this.ring.data.writeUInt32LE(next.value, offset)
      this.ring.publish(next.kind, next.jobId)
      this.controls.shift()
      this.ringDoorbell()
    }
  }

  /** One wake-up per event-loop turn at most, and only when the worker sleeps. */
  private ringDoorbell (): void {
    if (this.doorbellScheduled) return
    this.doorbellScheduled = true
    setImmediate(this.wakeTogether)
  }

  private readonly wakeTogether = (): void => {
    this.doorbellScheduled = false
    this.wake()
  }

  private wake (): void {
    if (!this.ended && this.ring.takeAsleep()) this.port.postMessage(null)
  }

  private end (reason: ThreadEndReason, error: unknown): void {
    if (this.ended) return
    this.ended = true
    this.ready = false
    if (this.controlTimer !== null) clearTimeout(this.controlTimer)
    // The end of the task came another way and may have overtaken the last results.
    for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) this.receive(next.message as FromThread)
    this.port.close()
    this.events.onEnd(this, reason, error)
  }
}

function toReason (error: unknown): ThreadEndReason {
  return (error as { code?: string } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'out_of_memory' : 'exit'
}
