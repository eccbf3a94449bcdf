import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonScanError, scanJsonObject } from '../../src/api/json-scan.ts'

test('a scan of a view inside a larger buffer reads that view only', () => {
  const large = Buffer.from('xx{"model":"a"}  ,"model":"b"}')
  const view = new Uint8Array(large.buffer, large.byteOffset + 2, 13)
  const scan = scanJsonObject(view, ['model'])
  assert.deepEqual({ ...scan.members.get('model') }, { name: 'model', keyStart: 1, valueStart: 9, valueEnd: 12 })
  assert.deepEqual({ bodyStart: scan.bodyStart, bodyEnd: scan.bodyEnd }, { bodyStart: 1, bodyEnd: 12 })
})

test('an escaped key in a view of a larger buffer is decoded from that view', () => {
  const large = Buffer.from('"\\u0078\\u0078"{"mod\\u0065l":"a"}')
  const scan = scanJsonObject(new Uint8Array(large.buffer, large.byteOffset + 14, 18), ['model', 'xx'])
  assert.deepEqual(['model', 'xx'].map((name) => scan.members.has(name)), [true, false])
})

test('bytes that are not UTF-8 pass inside strings and nowhere else', () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 8 }), (noise) => {
    const text = noise.filter((byte) => byte >= 0x80)
    const scan = scanJsonObject(Buffer.concat([Buffer.from('{"'), text, Buffer.from('k":"'), text, Buffer.from('","model":"m"}')]), ['model'])
    assert.ok(scan.members.has('model'))
    if (text.length > 0) {
      assert.throws(() => scanJsonObject(Buffer.concat([Buffer.from('{'), text, Buffer.from('"a":1}')]), []), JsonScanError)
      assert.throws(() => scanJsonObject(Buffer.concat([Buffer.from('{"a":1'), text, Buffer.from('}')]), []), JsonScanError)
    }
  }))
})

test('random bytes never make the scan throw anything but its own error', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => {
    for (const bytes of [noise, Buffer.concat([Buffer.from('{"a":'), noise]), Buffer.concat([Buffer.from('{"'), noise])]) {
      try {
        scanJsonObject(bytes, ['a'])
      } catch (error) {
        assert.ok(error instanceof JsonScanError)
        assert.ok(error.offset >= 0 && error.offset <= bytes.length + 4)
      }
    }
  }), { numRuns: 5000 })
})

test('a deep body that was refused leaves nothing behind for the next one', () => {
  assert.throws(() => scanJsonObject(Buffer.from(`{"a":${'['.repeat(200)}`), []), JsonScanError)
  assert.throws(() => scanJsonObject(Buffer.from('{"a":[}'), []), JsonScanError)
  assert.ok(scanJsonObject(Buffer.from('{"a":{"b":[1]}}'), ['a']).members.has('a'))
})

test('the time of a scan grows with the bytes, not with their square', () => {
  const scanMs = (bytes: Buffer): number => {
    let best = Infinity
    for (let round = 0; round < 5; round++) {
      const start = performance.now()
      scanJsonObject(bytes, ['model'])
      best = Math.min(best, performance.now() - start)
    }
    return best
  }
  // Shapes that make a careless scanner look at bytes again: blanks, backslashes, escaped keys, one long key.
  const shapes = [
    (n: number) => `{"model":1${' '.repeat(n)}}`,
    (n: number) => `{"a":"${'\\\\'.repeat(n / 2)}"}`,
    (n: number) => `{${'"\\u0061":0,'.repeat(n / 11)}"model":"x"}`,
    (n: number) => `{"${'k'.repeat(n)}":1}`,
    (n: number) => `{"a":[${'1 ,'.repeat(n / 3)}1]}`
  ]
  for (const [index, shape] of shapes.entries()) {
    const [small, large] = [Buffer.from(shape(100_000)), Buffer.from(shape(800_000))]
    scanMs(small)
    const ratio = scanMs(large) / scanMs(small)
    assert.ok(ratio < 40, `shape ${index}: 8 times the bytes took ${ratio.toFixed(1)} times as long`)
  }
})
