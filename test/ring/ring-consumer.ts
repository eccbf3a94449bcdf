import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { RingReader } from '../../src/ring/ring.ts'
import { checksumOf, nextRandom } from './checksum.ts'

/** The consumer of ring-threads.test.ts: sleeps and wakes as `src/attempts/thread-task.ts` does. */
export interface ConsumerReport {
  frames: number
  outOfOrder: number
  damaged: number
  sleeps: number
  pauses: number
}

const { memory, port, framesMax, seed } = workerData as { memory: SharedArrayBuffer, port: MessagePort, framesMax: number, seed: number }
const ring = new RingReader(memory)
const report: ConsumerReport = { frames: 0, outOfOrder: 0, damaged: 0, sleeps: 0, pauses: 0 }
let random = seed ^ 0x5bd1e995

function handle (kind: number, jobId: number, data: Buffer, offset: number, bytes: number): void {
  if (jobId !== report.frames || kind !== 1 + jobId % 4) report.outOfOrder++
  if (data.readUInt32LE(offset) !== checksumOf(data, offset + 4, offset + bytes, jobId)) report.damaged++
  report.frames++
  random = nextRandom(random)
  if (random % 25_000 !== 0) return
  // A busy loop with the frame still in the ring, so that the producer runs into it.
  report.pauses++
  const until = performance.now() + (random >>> 8) % 3
  while (performance.now() < until);
}

function drainRing (): void {
  do ring.drain(handle)
  while (!ring.sleep())
  report.sleeps++
  if (report.frames < framesMax) return
  parentPort?.postMessage(report)
  port.close()
}

port.on('message', drainRing)
drainRing()
