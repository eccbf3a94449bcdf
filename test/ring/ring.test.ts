import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRingMemory, RingReader, RingWriter } from '../../src/ring/ring.ts'
import { drainAll, fillPayload, indexWords, pushFrame, setIndices } from './frames-of-ring.ts'
import type { SentFrame } from './frames-of-ring.ts'

/** Thrown by a handler to stop a drain: the frame that it was called for stays unread. */
class Stop extends Error {}

interface Step { push: number } // -n: read n frames, otherwise the share of the largest payload

/** What the layout comment of ring.ts promises, told a second time with plain numbers. */
class RingModel {
  readonly waiting: SentFrame[] = []
  /** Of the waiting frames, with the skip in front of each. */
  private readonly sizes: { skip: number, bytes: number }[] = []
  private position: number
  private used = 0
  private readonly capacity: number

  constructor (capacity: number, start: number) {
    this.capacity = capacity
    this.position = start % capacity
  }

  /** @returns false when the frame has no room */
  push (frame: SentFrame): boolean {
    const bytes = Math.ceil((16 + frame.payload.length) / 8) * 8
    const rest = this.capacity - this.position
    const skip = bytes > rest ? rest : 0
    const taken = skip + bytes
    if (this.used + taken > this.capacity) return false
    this.position = (this.position + taken) % this.capacity
    this.used += taken
    this.sizes.push({ skip, bytes })
    this.waiting.push(frame)
    return true
  }

  pop (count: number): SentFrame[] {
    for (const { skip, bytes } of this.sizes.splice(0, count)) this.used -= skip + bytes
    // The reader has looked at the next frame and come past the skip in front of it.
    const [next] = this.sizes
    if (next !== undefined) {
      this.used -= next.skip
      next.skip = 0
    }
    return this.waiting.splice(0, count)
  }

  get usedBytes (): number {
    return this.used
  }
}

/** Reads at most `count` frames and leaves the others where they are. */
function popFrames (reader: RingReader, count: number): SentFrame[] {
  const frames: SentFrame[] = []
  try {
    reader.drain((kind, jobId, data, offset, bytes) => {
      if (frames.length === count) throw new Stop()
      frames.push({ kind, jobId, payload: Buffer.from(data.subarray(offset, offset + bytes)) })
    })
  } catch (error) {
    if (!(error instanceof Stop)) throw error
  }
  return frames
}

const steps = fc.array(fc.oneof(
  { weight: 3, arbitrary: fc.record({ push: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ push: fc.constant(1) }) },
  { weight: 2, arbitrary: fc.record({ push: fc.integer({ min: -9, max: -1 }) }) }
), { minLength: 1, maxLength: 120 })

test('the ring gives back what a plain array gives back, for every mix of sizes, reads and start indices', () => {
  fc.assert(fc.property(
    fc.constantFrom(1024, 2048, 4096),
    fc.oneof(fc.nat(4096 / 8).map((n) => n * 8), fc.nat(4096 / 8).map((n) => 2 ** 32 - 8 - n * 8)),
    steps,
    (capacity, start, list: Step[]) => {
      const memory = createRingMemory(capacity)
      setIndices(memory, start)
      const writer = new RingWriter(memory)
      const reader = new RingReader(memory)
      const model = new RingModel(capacity, start)
      let jobId = 0
      for (const { push } of list) {
        if (push >= 0) {
          jobId++
          const frame = { kind: 1 + jobId % 4, jobId: (jobId * 0x9e3779b1) >>> 0, payload: fillPayload(jobId, Math.floor(push * writer.payloadBytesMax)) }
          assert.equal(pushFrame(writer, frame), model.push(frame))
        } else {
          const expected = model.waiting.length
          const got = popFrames(reader, -push)
          assert.equal(got.length, Math.min(-push, expected))
          assert.deepEqual(got, model.pop(-push))
        }
        assert.equal(writer.usedBytes(), model.usedBytes)
        if (model.waiting.length === 0) assert.equal(writer.usedBytes(), 0)
      }
      assert.deepEqual(drainAll(reader), model.pop(list.length))
      assert.equal(reader.usedBytes(), 0)
    }
  ), { numRuns: 800, examples: [[1024, 4294964168, [0, 0, 0, 1, -3, 1, 1, 1].map((push) => ({ push }))]] })
})

test('every payload size from 0 to the largest goes through, and one byte more is refused', () => {
  const memory = createRingMemory(1024)
  const writer = new RingWriter(memory)
  const reader = new RingReader(memory)
  assert.equal(writer.payloadBytesMax, 240)
  for (let bytes = 0; bytes <= 240; bytes++) {
    const frame = { kind: 1, jobId: bytes, payload: fillPayload(bytes, bytes) }
    assert.equal(pushFrame(writer, frame), true)
    assert.deepEqual(drainAll(reader), [frame])
  }
  assert.throws(() => writer.reserve(241), { name: 'RangeError', message: 'frame of 241 bytes is over the limit of 240' })
})

test('a reserved frame is invisible until it is published', () => {
  const memory = createRingMemory(1024)
  const writer = new RingWriter(memory)
  const reader = new RingReader(memory)
  assert.equal(writer.reserve(8), 16)
  assert.equal(reader.drain(() => assert.fail('nothing is published')), 0)
  assert.equal(writer.usedBytes(), 0)
  writer.publish(1, 7)
  assert.equal(writer.usedBytes(), 24)
  assert.equal(reader.drain(() => {}), 1)
})

test('a full ring takes exactly its capacity and says no after that', () => {
  const memory = createRingMemory(1024)
  const writer = new RingWriter(memory)
  for (let index = 0; index < 4; index++) assert.equal(pushFrame(writer, { kind: 1, jobId: index, payload: fillPayload(index, 240) }), true)
  assert.equal(writer.usedBytes(), 1024)
  assert.equal(writer.reserve(0), -1)
  assert.deepEqual(drainAll(new RingReader(memory)).map(({ jobId }) => jobId), [0, 1, 2, 3])
})

test('the indices wrap at 2^32 and at the sign bit without losing a frame', () => {
  for (const start of [2 ** 32 - 512, 2 ** 32 - 8, 2 ** 31 - 8, 2 ** 31]) {
    const memory = createRingMemory(1024)
    setIndices(memory, start)
    const writer = new RingWriter(memory)
    const reader = new RingReader(memory)
    for (let round = 0; round < 64; round++) {
      const frames = [24, 240, 1].map((bytes, index) => ({ kind: 1, jobId: round * 3 + index, payload: fillPayload(round, bytes) }))
      for (const frame of frames) assert.equal(pushFrame(writer, frame), true)
      assert.deepEqual(drainAll(reader), frames)
      assert.equal(writer.usedBytes(), 0)
    }
    assert.notEqual((indexWords(memory)[0] as number) >>> 0, start)
  }
})

test('the size of a ring must be a power of two of at least 1024 bytes', () => {
  for (const bytes of [0, 512, 1000, 1025, 3072]) {
    assert.throws(() => createRingMemory(bytes), { name: 'RangeError', message: `ring capacity must be a power of two of at least 1024 bytes, not ${bytes}` })
  }
  assert.equal(new RingWriter(createRingMemory(8192)).capacityBytes, 8192)
})

test('heartbeat and loop delay reach the producer', () => {
  const memory = createRingMemory(1024)
  const writer = new RingWriter(memory)
  const reader = new RingReader(memory)
  reader.beat()
  reader.beat()
  reader.reportLoopDelay(1_500, 20_000, 3_000_000)
  assert.equal(writer.heartbeat(), 2)
  assert.deepEqual(writer.loopDelay(), { p50: 0.0015, p99: 0.02, max: 3 })
})
