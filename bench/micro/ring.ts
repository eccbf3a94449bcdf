import { pathToFileURL } from 'node:url'
import { measure } from '../lib/micro.ts'
import { createRingMemory, RingReader, RingWriter } from '../../src/ring/ring.ts'

/**
 * What a frame costs in the ring: reserve, copy in, publish, drain, copy out, on one thread.
 * Run: node dist/bench/micro/ring.js
 */
const ringBytes = 1 << 20
/** Frames that wait when the reader comes, as under load. */
const batchFrames = 8

function measureFrames (payloadBytes: number): number {
  const memory = createRingMemory(ringBytes)
  const writer = new RingWriter(memory)
  const reader = new RingReader(memory)
  const payload = Buffer.alloc(payloadBytes, 'x')
  const out = Buffer.alloc(payloadBytes)
  const copyOut = (_kind: number, _jobId: number, data: Buffer, offset: number, bytes: number): void => { data.copy(out, 0, offset, offset + bytes) }
  return measure(Math.round(Math.min(500_000, 2e9 / (payloadBytes + 2_000))), (index) => {
    const offset = writer.reserve(payloadBytes)
    if (offset < 0) throw new Error('the ring is full')
    writer.data.set(payload, offset)
    writer.publish(1, index)
    if (index % batchFrames === batchFrames - 1) reader.drain(copyOut)
  })
}

function figures (): Record<string, number> {
  const memory = createRingMemory(ringBytes)
  const writer = new RingWriter(memory)
  const reader = new RingReader(memory)
  return {
    'write + read, 64 B': measureFrames(64),
    'write + read, 1 KB': measureFrames(1024),
    'write + read, 16 KB': measureFrames(16 * 1024),
    'sleep + takeAsleep': measure(500_000, () => {
      reader.sleep()
      writer.takeAsleep()
    }),
    'drain of an empty ring': measure(1_000_000, () => { reader.drain(() => {}) })
  }
}

export function run (): void {
  console.table(Object.entries(figures()).map(([what, ns]) => ({ what, 'ns per operation': ns })))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) run()
