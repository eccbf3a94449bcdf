import assert from 'node:assert/strict'
import { once } from 'node:events'
import { extname } from 'node:path'
import { test } from 'node:test'
import { MessageChannel, Worker } from 'node:worker_threads'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { createRingMemory, RingWriter } from '../../src/ring/ring.ts'
import { checksumOf, nextRandom } from './checksum.ts'
import type { ConsumerReport } from './ring-consumer.ts'

const framesMax = 1_000_000
const timeout = 30_000

/** Sends frames of random sizes as fast as the ring takes them, and pauses at random. */
async function produce (writer: RingWriter, wake: () => void, seed: number): Promise<{ full: number, pauses: number }> {
  let random = seed
  let full = 0
  let pauses = 0
  for (let sequence = 0; sequence < framesMax; sequence++) {
    random = nextRandom(random)
    // Mostly small, now and then the largest that fits.
    const bytes = 4 + (random % 4096 === 0 ? writer.payloadBytesMax - 4 : (random >>> 8) % 96)
    let offset = writer.reserve(bytes)
    while (offset < 0) {
      full++
      if (writer.takeAsleep()) wake()
      await setImmediate()
      offset = writer.reserve(bytes)
    }
    const { data } = writer
    for (let index = 4; index < bytes; index++) data[offset + index] = (random >>> (index & 15)) + index
    data.writeUInt32LE(checksumOf(data, offset + 4, offset + bytes, sequence), offset)
    writer.publish(1 + sequence % 4, sequence)
    if (writer.takeAsleep()) wake()
    if ((random >>> 4) % 20_000 === 0) {
      pauses++
      await setTimeout(random % 4)
    }
  }
  return { full, pauses }
}

test('a million frames cross two real threads in order and whole', { timeout }, async (t) => {
  const seed = Number(process.env.RING_SEED ?? Date.now() % 2 ** 31)
  const memory = createRingMemory(32 * 1024)
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL(`./ring-consumer${extname(import.meta.url)}`, import.meta.url), {
    workerData: { memory, port: port2, framesMax, seed }, transferList: [port2]
  })
  t.after(async () => {
    port1.close()
    await worker.terminate()
  })
  const report = once(worker, 'message') as Promise<[ConsumerReport]>
  let wakes = 0
  const produced = await produce(new RingWriter(memory), () => {
    wakes++
    port1.postMessage(null)
  }, seed)
  const [consumed] = await report
  t.diagnostic(`seed ${seed}: ${wakes} wake-ups, ring full ${produced.full} times, ${produced.pauses} + ${consumed.pauses} pauses, asleep ${consumed.sleeps} times`)
  assert.deepEqual(
    { frames: consumed.frames, outOfOrder: consumed.outOfOrder, damaged: consumed.damaged },
    { frames: framesMax, outOfOrder: 0, damaged: 0 }, `seed ${seed}`)
  // Both ends must have met: otherwise this proves little.
  assert.ok(produced.full > 0 && consumed.sleeps > 1, `seed ${seed}`)
})
