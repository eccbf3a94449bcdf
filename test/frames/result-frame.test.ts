import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readResultBatch, ResultBatch } from '../../src/frames/result-frame.ts'
import { collectResults } from './collect-results.ts'
import type { ResultFrame } from './collect-results.ts'
import { createUsage } from '../../src/api/usage.ts'
import type { Usage } from '../../src/api/usage.ts'

/** Plain objects, as the reader makes them. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> => fc.record(model, { noNullPrototype: true })

const u32 = fc.nat(2 ** 32 - 1)
const usages = record<Usage>({ inputTokens: u32, outputTokens: u32, cachedTokens: u32, cacheWriteTokens: u32, reasoningTokens: u32, audioInputTokens: u32, audioOutputTokens: u32, estimatedTokens: u32 })
const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 200 })
const sizes = fc.oneof({ weight: 9, arbitrary: fc.nat(300) }, { weight: 2, arbitrary: fc.nat(90_000) })
const bodies = fc.tuple(sizes, fc.nat(255)).map(([bytes, seed]) => Buffer.from(Uint8Array.from({ length: bytes }, (_, index) => (index * 31 + seed) & 0xff)))

const errorRecords = record({
  code: fc.constantFrom('BIFROST_UPSTREAM_STATUS', 'BIFROST_INTERNAL', 'BIFROST_UPSTREAM_RESET'),
  message: fc.string({ unit: 'grapheme' }),
  status: fc.nat(599),
  type: fc.string(),
  param: fc.option(fc.string()),
  upstreamCode: fc.option(fc.string({ unit: 'binary' }))
})

const frames = fc.oneof<fc.Arbitrary<ResultFrame>[]>(
  record({
    kind: fc.constant('reply' as const),
    jobId: u32,
    reply: record({ status: fc.nat(999), usage: usages, upstreamMicroseconds: u32, spliceOffset: fc.integer({ min: -1, max: 2 ** 31 }), headers: latin1, raw: fc.string({ unit: 'grapheme' }), body: bodies })
  }),
  record({ kind: fc.constant('head' as const), jobId: u32, status: fc.nat(999), headers: latin1, upstreamMicroseconds: u32 }),
  record({ kind: fc.constant('chunk' as const), jobId: u32, bytes: bodies }),
  record({ kind: fc.constant('end' as const), jobId: u32, usage: usages, upstreamMicroseconds: u32 }),
  record({ kind: fc.constant('failed' as const), jobId: u32, failure: record({ error: errorRecords, headers: fc.string(), upstreamMicroseconds: u32, usage: usages }) })
)

/** Writes a frame; a chunk in pieces of `piece` bytes, as views of a larger array. */
function write (batch: ResultBatch, frame: ResultFrame, piece: number): void {
  switch (frame.kind) {
    case 'reply': return batch.reply(frame.jobId, frame.reply)
    case 'head': return batch.head(frame.jobId, frame.status, frame.headers, frame.upstreamMicroseconds)
    case 'end': return batch.end(frame.jobId, frame.usage, frame.upstreamMicroseconds)
    case 'failed': return batch.failed(frame.jobId, frame.failure)
    case 'chunk': {
      batch.openChunk(frame.jobId)
      for (let start = 0; start < frame.bytes.length; start += piece) batch.append(frame.bytes, start, Math.min(start + piece, frame.bytes.length))
      assert.equal(batch.closeChunk(), frame.bytes.length)
    }
  }
}

/** An empty chunk leaves nothing behind. */
const arrives = (frame: ResultFrame): boolean => frame.kind !== 'chunk' || frame.bytes.length > 0

test('a batch reads back as it was written, for every mix of frames and sizes', () => {
  // Batches in a row from one object: what `take` handed out must not be touched by what comes next.
  fc.assert(fc.property(fc.array(fc.array(frames, { maxLength: 12 }), { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 5000 }), (batches, piece) => {
    const batch = new ResultBatch(1024)
    const taken = batches.map((list) => {
      for (const frame of list) write(batch, frame, piece)
      assert.equal(batch.isEmpty, list.filter(arrives).length === 0)
      const memory = batch.take()
      assert.equal(batch.isEmpty, true)
      return memory
    })
    assert.deepEqual(taken.map(collectResults), batches.map((list) => list.filter(arrives)))
  }), { numRuns: 300 })
})

test('a chunk grows past 64 KiB while it is open, between other frames', () => {
  const batch = new ResultBatch()
  const piece = Buffer.from(Uint8Array.from({ length: 1000 }, (_, index) => index & 0xff))
  batch.end(1, createUsage(1, 2), 3)
  batch.openChunk(2)
  for (let count = 0; count < 300; count++) {
    batch.append(piece, 0, 1000)
    batch.appendAscii('|')
    batch.append(piece, 10, 20)
  }
  assert.equal(batch.closeChunk(), 300 * 1011)
  batch.head(3, 200, 'a: b', 4)
  const expected = Buffer.concat(Array.from({ length: 300 }, () => [piece, Buffer.from('|'), piece.subarray(10, 20)]).flat())
  assert.deepEqual(collectResults(batch.take()), [
    { kind: 'end', jobId: 1, usage: createUsage(1, 2), upstreamMicroseconds: 3 },
    { kind: 'chunk', jobId: 2, bytes: expected },
    { kind: 'head', jobId: 3, status: 200, headers: 'a: b', upstreamMicroseconds: 4 }
  ])
})

test('a body of 5 MB goes through and the batch shrinks back after it', () => {
  const batch = new ResultBatch(1024)
  const body = Buffer.alloc(5_000_000, 'x')
  const reply = { status: 200, usage: createUsage(), upstreamMicroseconds: 0, spliceOffset: -1, headers: '', raw: '', body }
  batch.reply(1, reply)
  assert.deepEqual(collectResults(batch.take()), [{ kind: 'reply', jobId: 1, reply }])
  batch.end(2, createUsage(1, 1), 1)
  assert.equal(batch.take().byteLength, 12 + 8 * 4 + 4)
})

test('an empty chunk leaves nothing behind, also between two frames', () => {
  const batch = new ResultBatch()
  batch.openChunk(1)
  assert.equal(batch.closeChunk(), 0)
  assert.equal(batch.isEmpty, true)
  assert.equal(batch.take().byteLength, 0)
  const end = { kind: 'end' as const, jobId: 5, usage: createUsage(1, 2), upstreamMicroseconds: 3 }
  write(batch, end, 1)
  batch.openChunk(6)
  batch.append(Buffer.from('abc'), 1, 1)
  batch.appendAscii('')
  assert.equal(batch.closeChunk(), 0)
  write(batch, end, 1)
  assert.deepEqual(collectResults(batch.take()), [end, end])
})

test('ASCII text of every code arrives byte for byte', () => {
  const text = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join('')
  const batch = new ResultBatch()
  batch.openChunk(1)
  batch.appendAscii(text)
  batch.closeChunk()
  assert.deepEqual(collectResults(batch.take()), [{ kind: 'chunk', jobId: 1, bytes: Buffer.from(text, 'ascii') }])
})

test('what was taken is a buffer of its own that can be transferred', () => {
  const batch = new ResultBatch()
  batch.end(1, createUsage(1, 2), 3)
  const first = batch.take()
  structuredClone(first, { transfer: [first] })
  batch.end(2, createUsage(1, 2), 3)
  assert.deepEqual(collectResults(batch.take()).map(({ jobId }) => jobId), [2])
})

test('an unknown kind is refused', () => {
  for (const kind of [0, 6, 0xffffffff]) {
    const memory = new ArrayBuffer(12)
    new Uint32Array(memory).set([12, kind, 1])
    assert.throws(() => { collectResults(memory) }, { name: 'RangeError', message: `unknown result frame kind ${kind}` })
  }
})

test('a chunk is a view of the batch, not a copy', () => {
  const batch = new ResultBatch()
  batch.openChunk(1)
  batch.appendAscii('data: x\n\n')
  batch.closeChunk()
  const memory = batch.take()
  let seen: ArrayBufferLike | null = null
  const fail = (): never => assert.fail('only a chunk was written')
  readResultBatch(memory, { onReply: fail, onHead: fail, onEnd: fail, onFailed: fail, onChunk: (_jobId, bytes) => { seen = bytes.buffer } })
  assert.equal(seen, memory)
})
