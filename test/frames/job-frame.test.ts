import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readJobFrame, sizeOfJobFrame, writeJobFrame } from '../../src/frames/job-frame.ts'
import { jobFrameKinds, protocolVersion, resultFrameKinds } from '../../src/frames/kinds.ts'
import { dialects } from '../../src/api/dialects.ts'
import type { JobHead } from '../../src/api/job.ts'
import { httpMethods } from '../../src/api/job.ts'
import { operations } from '../../src/api/operations.ts'

const plainHead: JobHead = {
  keyIndex: 0,
  dialect: 'openai',
  operation: 'chat_completion',
  stream: false,
  usageInjected: false,
  base64Embeddings: false,
  sendBackRawRequest: false,
  sendBackRawResponse: false,
  freshConnection: false,
  passExtraParams: false,
  relay: false,
  passthrough: false,
  method: 'POST',
  resource: '',
  contentType: '',
  jsonArray: false,
  model: 'gpt-4o-mini',
  extraFields: '',
  forwardedHeaders: '',
  directKey: ''
}

const heads: fc.Arbitrary<JobHead> = fc.record({
  keyIndex: fc.nat(2 ** 32 - 1),
  dialect: fc.constantFrom(...dialects),
  operation: fc.constantFrom(...operations),
  stream: fc.boolean(),
  usageInjected: fc.boolean(),
  base64Embeddings: fc.boolean(),
  sendBackRawRequest: fc.boolean(),
  sendBackRawResponse: fc.boolean(),
  freshConnection: fc.boolean(),
  passExtraParams: fc.boolean(),
  relay: fc.boolean(),
  passthrough: fc.boolean(),
  method: fc.constantFrom(...httpMethods),
  resource: fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
  contentType: fc.string({ unit: 'grapheme-ascii', maxLength: 256 }),
  jsonArray: fc.boolean(),
  model: fc.string({ unit: 'grapheme', maxLength: 256 }),
  extraFields: fc.string({ unit: 'grapheme', maxLength: 300 }),
  forwardedHeaders: fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 300 }),
  directKey: fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 300 })
}, { noNullPrototype: true })

/** Writes at `offset` into a buffer full of noise. @returns the buffer and the frame's length */
function write (head: JobHead, segments: readonly Uint8Array[] | null, offset: number): { data: Buffer, bytes: number } {
  const bodyBytes = (segments ?? []).reduce((sum, segment) => sum + segment.length, 0)
  const size = sizeOfJobFrame(head, bodyBytes)
  const data = Buffer.alloc(offset + size.totalBytes + 16, 0xa5)
  writeJobFrame(data, offset, 7, head, size, segments)
  return { data, bytes: size.totalBytes }
}

test('a job frame reads back as it was written, for every flag, text and split of the body', () => {
  fc.assert(fc.property(heads, fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 5 }), fc.nat(64), fc.nat(2 ** 32 - 1), (head, segments, offset, id) => {
    const { data, bytes } = write(head, segments, offset)
    assert.deepEqual(readJobFrame(id, data, offset), { ...head, id, revision: 7, bodyInPort: false, body: Buffer.concat(segments) })
    // Nothing around the frame was touched.
    assert.ok(data.subarray(0, offset).every((byte) => byte === 0xa5) && data.subarray(offset + bytes).every((byte) => byte === 0xa5))
  }), { numRuns: 500 })
})

test('a body that travels through the port leaves an empty one in the frame', () => {
  fc.assert(fc.property(heads, (head) => {
    const { data } = write(head, null, 16)
    assert.deepEqual(readJobFrame(9, data, 16), { ...head, id: 9, revision: 7, bodyInPort: true, body: Buffer.alloc(0) })
  }))
})

test('every flag stands for itself', () => {
  const flags = ['stream', 'usageInjected', 'base64Embeddings', 'sendBackRawRequest', 'sendBackRawResponse', 'freshConnection', 'passExtraParams', 'relay', 'passthrough', 'jsonArray'] as const
  for (const flag of flags) {
    const frame = readJobFrame(1, write({ ...plainHead, [flag]: true }, [], 0).data, 0)
    assert.deepEqual(flags.filter((name) => frame[name]), [flag])
    assert.equal(frame.bodyInPort, false)
  }
})

test('a frame takes 40 bytes and its parts: the layout is fixed', () => {
  const head = { ...plainHead, keyIndex: 3, operation: 'responses' as const, stream: true, sendBackRawResponse: true, model: 'é', extraFields: 'ab', forwardedHeaders: 'é: 1', method: 'DELETE' as const, relay: true, resource: '/x', contentType: 'y', directKey: 'sk' }
  const { data, bytes } = write(head, [Buffer.from('{}')], 0)
  assert.equal(bytes, 40 + 2 + 2 + 4 + 2 + 1 + 2 + 2)
  assert.equal(data.subarray(0, bytes).toString('hex'),
    '07000000' + '03000000' + '03' + '21' + '00' + '06' + '02000000' + '02000000' + '04000000' + '02000000' + '01000000' + '02000000' + '02000000' + 'c3a9' + '6162' + 'e93a2031' + '2f78' + '79' + '736b' + '7b7d')
})

test('the body is a copy: the ring may overwrite its bytes', () => {
  const { data } = write(plainHead, [Buffer.from('{"model":"x"}')], 0)
  const frame = readJobFrame(1, data, 0)
  data.fill(0)
  assert.equal(frame.body.toString(), '{"model":"x"}')
  assert.equal(frame.model, 'gpt-4o-mini')
})

test('an operation or a dialect that does not exist is refused', () => {
  const { data } = write(plainHead, [], 0)
  data[8] = 200
  assert.throws(() => readJobFrame(1, data, 0), { name: 'RangeError', message: 'unknown operation 200 in a job frame' })
  const other = write(plainHead, [], 0).data
  other[10] = 200
  assert.throws(() => readJobFrame(1, other, 0), { name: 'RangeError', message: 'unknown dialect 200 in a job frame' })
})

test('frame numbers are part of the protocol: changing one needs a new version', () => {
  assert.deepEqual({ protocolVersion, jobFrameKinds, resultFrameKinds }, {
    protocolVersion: 4,
    jobFrameKinds: { attempt: 1, cancel: 2, credit: 3, drain: 4 },
    resultFrameKinds: { reply: 1, head: 2, chunk: 3, end: 4, failed: 5 }
  })
})
