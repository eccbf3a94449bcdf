import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countByProvider, createJob, noRecordings, readRecordings } from '../providers/recordings.ts'
import { contentOf, lastUsage } from '../providers/replay-stream.ts'
import { chunksOf, createStreamHarness } from './stream-harness.ts'

/** Streams up to this size are ended at every byte. */
const everyEndBytesMax = 4 * 1024

const recordings = readRecordings('stream')
const skip = recordings.length === 0 ? noRecordings : false

test('recorded streams in pieces of any size end well, with all their content', { skip }, async (t) => {
  for (const { name, operation, body } of recordings) {
    for (const size of [body.length, 1448, 61]) {
      const harness = createStreamHarness(createJob(operation))
      for (let at = 0; at < body.length; at += size) harness.attempt.onData(body.subarray(at, at + size))
      harness.attempt.onEnd()
      const frames = await harness.frames()
      const end = frames.at(-1)
      assert.ok(end?.kind === 'end', name)
      assert.deepEqual(end.usage, lastUsage(body), name)
      assert.equal(contentOf(chunksOf(frames)), contentOf(body), name)
    }
  }
  t.diagnostic(countByProvider(recordings))
})

test('a recorded stream that stops anywhere is truncated or complete, never complete with content missing', { skip }, async (t) => {
  const short = recordings.filter(({ body }) => body.length <= everyEndBytesMax)
  let ends = 0
  for (const { name, operation, body } of short) {
    const content = contentOf(body)
    for (let length = 1; length <= body.length; length++) {
      const harness = createStreamHarness(createJob(operation))
      harness.attempt.onData(body.subarray(0, length))
      harness.attempt.onEnd()
      const frames = await harness.frames()
      const last = frames.at(-1)
      assert.ok(last?.kind === 'end' || (last?.kind === 'failed' && last.failure.error.code === 'BIFROST_UPSTREAM_TRUNCATED'), `${name} at ${length}`)
      if (last.kind === 'end') assert.equal(contentOf(chunksOf(frames)), content, `${name} at ${length}`)
      // Whatever reached the client parses.
      else contentOf(chunksOf(frames))
      ends++
    }
  }
  t.diagnostic(`${ends} ends of ${countByProvider(short)}`)
})
