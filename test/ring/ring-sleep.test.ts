import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRingMemory, RingReader, RingWriter } from '../../src/ring/ring.ts'
import { asleepWord, fillPayload, indexWords, pushFrame } from './frames-of-ring.ts'

function createRing (): { memory: SharedArrayBuffer, writer: RingWriter, reader: RingReader } {
  const memory = createRingMemory(1024)
  return { memory, writer: new RingWriter(memory), reader: new RingReader(memory) }
}

const frame = { kind: 1, jobId: 1, payload: fillPayload(1, 24) }

test('an awake consumer is never woken', () => {
  const { writer } = createRing()
  pushFrame(writer, frame)
  assert.equal(writer.takeAsleep(), false)
})

test('a sleeping consumer is woken once per sleep', () => {
  const { writer, reader } = createRing()
  assert.equal(reader.sleep(), true)
  pushFrame(writer, frame)
  assert.equal(writer.takeAsleep(), true)
  assert.equal(writer.takeAsleep(), false)
  assert.equal(reader.drain(() => {}), 1)
  assert.equal(reader.sleep(), true)
  assert.equal(writer.takeAsleep(), true)
})

test('a consumer with a frame in the ring does not go to sleep', () => {
  const { memory, writer, reader } = createRing()
  pushFrame(writer, frame)
  assert.equal(reader.sleep(), false)
  assert.equal(indexWords(memory)[asleepWord], 0)
  assert.equal(writer.takeAsleep(), false)
})

test('a frame published between announcing sleep and looking again keeps the consumer awake', (t) => {
  const { memory, writer, reader } = createRing()
  const store = Atomics.store
  const announced = t.mock.method(Atomics, 'store', (words: Int32Array, index: number, value: number) => {
    const result = store(words, index, value)
    if (index === asleepWord && value === 1) pushFrame(writer, frame)
    return result
  })
  assert.equal(reader.sleep(), false)
  announced.mock.restore()
  assert.equal(indexWords(memory)[asleepWord], 0)
  assert.equal(reader.drain(() => {}), 1)
})

test('a producer that publishes and looks between the two steps of falling asleep loses no frame', (t) => {
  // The producer takes the flag, so its wake-up is on the way, and the consumer stays awake as well: one wake-up too many, none too few.
  const { writer, reader } = createRing()
  const store = Atomics.store
  let woken = false
  const announced = t.mock.method(Atomics, 'store', (words: Int32Array, index: number, value: number) => {
    const result = store(words, index, value)
    if (index === asleepWord && value === 1) {
      pushFrame(writer, frame)
      woken = writer.takeAsleep()
    }
    return result
  })
  const slept = reader.sleep()
  announced.mock.restore()
  assert.deepEqual({ woken, slept }, { woken: true, slept: false })
  assert.equal(reader.drain(() => {}), 1)
  assert.equal(reader.sleep(), true)
})

test('a consumer that was woken before its frame looks for it until it comes', (t) => {
  const { writer, reader } = createRing()
  let looks = 0
  t.mock.method(performance, 'now', () => {
    if (++looks === 5) pushFrame(writer, frame)
    return 1_000
  })
  reader.lookFor(0.03)
  assert.equal(looks, 5)
  assert.equal(reader.drain(() => {}), 1)
})

test('a consumer that looks for a frame that does not come stops when its time is over', (t) => {
  const { reader } = createRing()
  let nowMs = 1_000
  t.mock.method(performance, 'now', () => (nowMs += 0.01))
  reader.lookFor(0.1)
  assert.ok(nowMs > 1_000.1 && nowMs < 1_000.15, `stopped at ${nowMs}`)
  assert.equal(reader.sleep(), true)
})
