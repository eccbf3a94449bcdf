import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRingMemory, RingCorruptError, RingReader, RingWriter } from '../../src/ring/ring.ts'
import { drainAll, fillPayload, indexWords, pushFrame, setIndices } from './frames-of-ring.ts'
import type { SentFrame } from './frames-of-ring.ts'

const capacity = 1024
const firstDataWord = 80

/** A writer of the same layout whose space rule can be broken on purpose. */
class LooseWriter {
  private readonly memory: SharedArrayBuffer
  private readonly fits: (payloadBytes: number, frameBytes: number, skipped: number, free: number) => boolean

  constructor (memory: SharedArrayBuffer, fits: LooseWriter['fits']) {
    this.memory = memory
    this.fits = fits
  }

  push (frame: SentFrame): boolean {
    const header = indexWords(this.memory)
    const words = new Uint32Array(this.memory, firstDataWord * 4)
    const writeIndex = (header[0] as number) >>> 0
    const position = writeIndex % capacity
    const frameBytes = Math.ceil((16 + frame.payload.length) / 8) * 8
    const skipped = frameBytes > capacity - position ? capacity - position : 0
    if (!this.fits(frame.payload.length, frameBytes, skipped, capacity - (writeIndex - (header[16] as number)))) return false
    if (skipped > 0) words[position / 4] = 0xffffffff
    const at = skipped > 0 ? 0 : position
    words.set([16 + frame.payload.length, frame.kind, frame.jobId, 0], at / 4)
    new Uint8Array(this.memory, firstDataWord * 4).set(frame.payload, at + 16)
    header[0] = writeIndex + skipped + frameBytes
    return true
  }
}

type Push = (frame: SentFrame) => boolean

/**
 * Read 208 bytes, write three frames of 216 up to byte 856. 376 bytes are free, but 168 of them are
 * the rest that a frame must skip: one more frame of 216 would end 8 bytes inside the first unread one.
 */
const wrapScenario = { readFirst: [192], waiting: [200, 200, 200], oneMore: 200 }
/** 232 bytes are free in one piece: a payload of 232 fits, its header does not. */
const headerScenario = { readFirst: [240, 240], waiting: [240, 240, 240, 8], oneMore: 232 }

/** @returns whether the last frame was taken, and whether the reader saw exactly the frames that were */
function play (scenario: typeof wrapScenario, createPush: (memory: SharedArrayBuffer) => Push): { taken: boolean, intact: boolean } {
  const memory = createRingMemory(capacity)
  const push = createPush(memory)
  const reader = new RingReader(memory)
  const toFrame = (bytes: number, index: number): SentFrame => ({ kind: 1, jobId: 100 + index, payload: fillPayload(index + bytes, bytes) })
  for (const frame of scenario.readFirst.map(toFrame)) assert.equal(push(frame), true)
  drainAll(reader)
  const expected = scenario.waiting.map(toFrame)
  for (const frame of expected) assert.equal(push(frame), true)
  const last = toFrame(scenario.oneMore, 9)
  const taken = push(last)
  if (taken) expected.push(last)
  try {
    assert.deepEqual(drainAll(reader), expected)
    return { taken, intact: true }
  } catch {
    return { taken, intact: false }
  }
}

const realWriter = (memory: SharedArrayBuffer): Push => {
  const writer = new RingWriter(memory)
  return (frame) => pushFrame(writer, frame)
}
const looseWriter = (fits: LooseWriter['fits']) => (memory: SharedArrayBuffer): Push => {
  const writer = new LooseWriter(memory, fits)
  return (frame) => writer.push(frame)
}
const withoutSkip: LooseWriter['fits'] = (_payload, frame, _skipped, free) => frame <= free
const withoutHeader: LooseWriter['fits'] = (payload, _frame, skipped, free) => skipped + payload <= free
const complete: LooseWriter['fits'] = (_payload, frame, skipped, free) => skipped + frame <= free

test('a frame that only fits without the skipped rest is refused, and the unread frames stay whole', () => {
  assert.deepEqual(play(wrapScenario, realWriter), { taken: false, intact: true })
})

test('a frame that only fits without its header is refused, and the unread frames stay whole', () => {
  assert.deepEqual(play(headerScenario, realWriter), { taken: false, intact: true })
})

test('the two cases above catch the wrong space rules, and pass the right one', () => {
  assert.deepEqual(play(wrapScenario, looseWriter(complete)), { taken: false, intact: true })
  assert.deepEqual(play(headerScenario, looseWriter(complete)), { taken: false, intact: true })
  assert.deepEqual(play(wrapScenario, looseWriter(withoutSkip)), { taken: true, intact: false })
  assert.deepEqual(play(headerScenario, looseWriter(withoutHeader)), { taken: true, intact: false })
})

test('a frame that fits to the last byte behind the skipped rest is taken', () => {
  assert.deepEqual(play({ readFirst: [200], waiting: [200, 200, 200], oneMore: 200 }, realWriter), { taken: true, intact: true })
})

/** Two frames of 24 payload bytes at `start`, the first with its length word overwritten: a wrong one is never handed out. */
function drainWithLength (start: number, length: number): void {
  const memory = createRingMemory(capacity)
  setIndices(memory, start)
  const writer = new RingWriter(memory)
  for (const jobId of [1, 2]) pushFrame(writer, { kind: 1, jobId, payload: fillPayload(jobId, 24) })
  new Uint32Array(memory)[firstDataWord + (start % capacity) / 4] = length
  new RingReader(memory).drain(() => {
    if (length !== 40) assert.fail(`a frame of length ${length} was handed out`)
  })
}

test('a length that no frame can have is fatal', () => {
  drainWithLength(0, 40)
  for (const length of [0, 1, 15, 1025, 0x7fffffff, 0xfffffffe]) {
    assert.throws(() => { drainWithLength(0, length) }, RingCorruptError, `length ${length}`)
  }
  assert.throws(() => { drainWithLength(512, 513) }, RingCorruptError, 'a frame never wraps')
})

test('a length that reaches past the published bytes is fatal', () => {
  for (const length of [41 + 40, 96, 512, 1024]) {
    assert.throws(() => { drainWithLength(0, length) }, RingCorruptError, `length ${length}`)
  }
  assert.throws(() => { drainWithLength(0, 0xffffffff) }, RingCorruptError, 'a skip mark with nothing behind it')
})

test('indices further apart than the ring is long are fatal', () => {
  const memory = createRingMemory(capacity)
  pushFrame(new RingWriter(memory), { kind: 1, jobId: 1, payload: fillPayload(1, 24) })
  indexWords(memory)[0] = 2048
  assert.throws(() => new RingReader(memory).drain(() => {}), RingCorruptError)
  indexWords(memory)[0] = -8
  assert.throws(() => new RingReader(memory).drain(() => {}), RingCorruptError)
})
