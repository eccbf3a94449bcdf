import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { LengthSplitter } from '../../src/upstream/length-splitter.ts'
import { LineSplitter } from '../../src/upstream/line-splitter.ts'
import type { StreamSplitter } from '../../src/upstream/stream-splitter.ts'

const codec = new EventStreamCodec((bytes) => Buffer.from(bytes).toString('utf8'), (text) => Buffer.from(text))

/** Amazon's own library makes the frames. */
function toFrame (payload: Uint8Array): Buffer {
  return Buffer.from(codec.encode({ headers: { ':event-type': { type: 'string', value: 'x' } }, body: payload }))
}

/** Feeds the stream in pieces through memory that is used again, as sockets do. */
function feed (splitter: StreamSplitter, stream: Buffer, cuts: readonly number[]): string[] {
  const events: string[] = []
  const memory = Buffer.alloc(stream.length)
  const ends = [...cuts, stream.length]
  let start = 0
  for (const end of ends) {
    const piece = memory.subarray(0, end - start)
    stream.copy(piece, 0, start, end)
    splitter.push(piece, ({ bytes, dataStart, dataEnd }) => { events.push(Buffer.from(bytes).toString('latin1', dataStart, dataEnd)) })
    memory.fill(0x7f)
    start = end
  }
  return events
}

const cutsOf = (length: number): fc.Arbitrary<number[]> => fc.array(fc.nat(length), { maxLength: 12 }).map((cuts) => cuts.sort((one, other) => one - other))

describe('frames that begin with their length', () => {
  test('however they are cut, the same frames come out', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 6 })
    fc.assert(fc.property(payloads.chain((list) => {
      const frames = list.map(toFrame)
      const stream = Buffer.concat(frames)
      return fc.record({ frames: fc.constant(frames), stream: fc.constant(stream), cuts: cutsOf(stream.length) })
    }), ({ frames, stream, cuts }) => {
      const splitter = new LengthSplitter(1 << 20)
      assert.deepEqual(feed(splitter, stream, cuts), frames.map((frame) => frame.toString('latin1')))
      assert.equal(splitter.unfinishedBytes, 0)
    }))
  })

  test('a frame is cut at every byte', () => {
    const stream = Buffer.concat([toFrame(Buffer.from('{"a":1}')), toFrame(Buffer.from('{"b":2}'))])
    const whole = feed(new LengthSplitter(1 << 20), stream, [])
    assert.equal(whole.length, 2)
    for (let cut = 0; cut <= stream.length; cut++) assert.deepEqual(feed(new LengthSplitter(1 << 20), stream, [cut]), whole)
  })

  test('what has no end yet is counted', () => {
    const frame = toFrame(Buffer.from('payload'))
    const splitter = new LengthSplitter(1 << 20)
    assert.deepEqual(feed(splitter, Buffer.concat([frame, frame.subarray(0, 10)]), [3]), [frame.toString('latin1')])
    assert.equal(splitter.unfinishedBytes, 10)
  })

  test('a length that no frame can have, and one over the limit, are refused as soon as they are known', () => {
    const push = (length: number) => (): void => { new LengthSplitter(1_000).push(Buffer.from([length >>> 24, length >>> 16 & 255, length >>> 8 & 255, length & 255]), () => {}) }
    assert.throws(push(15), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
    assert.throws(push(1_001), { code: 'BIFROST_UPSTREAM_TOO_LARGE' })
    assert.throws(push(0xffffffff), { code: 'BIFROST_UPSTREAM_TOO_LARGE' })
    assert.doesNotThrow(push(1_000))
  })
})

describe('lines', () => {
  test('however they are cut, the same lines come out', () => {
    const texts = fc.array(fc.string({ maxLength: 60 }).map((text) => text.replace(/[\r\n]/g, '')), { minLength: 1, maxLength: 6 })
    fc.assert(fc.property(texts.chain((lines) => {
      const stream = Buffer.from(lines.map((line, index) => line + (index % 2 === 0 ? '\n' : '\r\n')).join(''))
      return fc.record({ lines: fc.constant(lines), stream: fc.constant(stream), cuts: cutsOf(stream.length) })
    }), ({ lines, stream, cuts }) => {
      const splitter = new LineSplitter(1 << 20)
      assert.deepEqual(feed(splitter, stream, cuts), lines.map((line) => Buffer.from(line).toString('latin1')))
      assert.equal(splitter.unfinishedBytes, 0)
    }))
  })

  test('an empty line has no data', () => {
    const kinds: number[] = []
    new LineSplitter(100).push(Buffer.from('{}\n\n\r\n'), ({ dataLines }) => { kinds.push(dataLines) })
    assert.deepEqual(kinds, [1, 0, 0])
  })

  test('the limit holds for a line in one piece and in many', () => {
    for (const cuts of [[], [1, 2, 3, 4, 5]]) {
      assert.deepEqual(feed(new LineSplitter(6), Buffer.from('12345\n'), cuts), ['12345'])
      assert.throws(() => feed(new LineSplitter(6), Buffer.from('123456\n'), cuts), { code: 'BIFROST_UPSTREAM_TOO_LARGE' })
    }
  })
})
