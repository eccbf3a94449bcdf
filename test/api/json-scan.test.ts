import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonScanError, scanJsonObject } from '../../src/api/json-scan.ts'
import type { JsonScanProblem } from '../../src/api/json-scan.ts'
import { jsonObjects, parsesAsObject } from './json-texts.ts'

const names = ['model', 'stream', 'fallbacks', 'messages', '__proto__', 'a"b', 'ü']

/** The scan's verdict; a thrown error of another class fails the test. */
function verdict (text: string | Uint8Array, wanted: readonly string[] = names): JsonScanProblem | 'accepted' {
  try {
    scanJsonObject(typeof text === 'string' ? Buffer.from(text) : text, wanted)
    return 'accepted'
  } catch (error) {
    if (error instanceof JsonScanError) return error.problem
    throw error
  }
}

function assertSameAsJsonParse (text: string): void {
  // Text with half a surrogate pair is not UTF-8: compare what the bytes say. Without wanted names there are no duplicates.
  const bytes = Buffer.from(text)
  const found = verdict(bytes, [])
  assert.equal(found === 'accepted', parsesAsObject(bytes.toString()), `${found}: ${text}`)
}

test('every JSON object is accepted, and each wanted member stands where JSON.parse finds it', () => {
  fc.assert(fc.property(jsonObjects(names), ({ value, text }) => {
    const bytes = Buffer.from(text)
    const wanted = ['model', 'stream', 'fallbacks', 'messages', '__proto__', 'a"b']
    const scan = scanJsonObject(bytes, wanted)
    assert.deepEqual(wanted.filter((name) => scan.members.has(name)), wanted.filter((name) => Object.hasOwn(value, name)))
    for (const name of wanted) {
      const member = scan.members.get(name)
      if (member === undefined) continue
      const valueText = bytes.toString('utf8', member.valueStart, member.valueEnd)
      assert.deepEqual(JSON.parse(valueText), Object.getOwnPropertyDescriptor(value, name)?.value)
      assert.equal(valueText, valueText.trim())
      assert.equal(bytes[member.keyStart], 0x22)
    }
    assert.equal(bytes[scan.bodyStart - 1], 0x7b)
    assert.equal(bytes[scan.bodyEnd], 0x7d)
    assert.equal(bytes.toString('utf8', scan.bodyEnd + 1).trim(), '')
    assert.equal(scan.isEmpty, Object.keys(value).length === 0)
  }), { numRuns: 2000 })
})

test('a broken text is refused exactly when JSON.parse refuses it', () => {
  const edits = fc.array(fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(3),
    put: fc.oneof(fc.constantFrom('', ',', ':', '{', '}', '[', ']', '"', '\\', '0', '-', '.', 'e', 'null', 'tru', '\u0000', '\u001f', '\n', '\u00a0', '\ufeff', '\\u12', '01', '//', 'NaN', '\''), fc.string({ unit: 'binary', maxLength: 2 }))
  }), { minLength: 1, maxLength: 3 })
  fc.assert(fc.property(jsonObjects(names), edits, ({ text }, list) => {
    for (const { at, cut, put } of list) {
      const start = Math.floor(at * text.length)
      text = text.slice(0, start) + put + text.slice(start + cut)
    }
    assertSameAsJsonParse(text)
  }), { numRuns: 8_000 })
})

test('short texts over the alphabet of JSON get the verdict of JSON.parse', () => {
  const token = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"model"', '""', '0', '-1', '1.5e+3', '-', '1.', '.5', '1e', '00', 'true', 'false', 'null', 'nul', ' ', '\n', '"', '\\', '"\\u00e9"', '"\\u00g0"', '"\\x"')
  fc.assert(fc.property(fc.array(token, { maxLength: 9 }), (list) => {
    assertSameAsJsonParse(list.join(''))
    assertSameAsJsonParse(`{"x":${list.join('')}}`)
    assertSameAsJsonParse(`{${list.join('')}}`)
  }), { numRuns: 8_000 })
})

test('every truncation of a body is refused', () => {
  const bodies = [
    '{"model":"openai/gpt-4o","messages":[{"role":"user","content":"h\\u00e9 \\"q\\" \\\\ ü 😀"}],"stream":true,"temperature":-0.5e-3}',
    '{ "a" : { "b" : [ [ ] , { } , null , true , false , 1.25 ] } , "model" : "x" }',
    '{"stream_options":{"include_usage":true},"n":10,"stop":["\\n","\\u000a"],"x":{"":""}}',
    '{}'
  ]
  for (const body of bodies) {
    const bytes = Buffer.from(body)
    assert.equal(verdict(bytes), 'accepted')
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(verdict(bytes.subarray(0, length)), bytes.toString('utf8', 0, length).trim() === '' ? 'not-an-object' : 'syntax', `${length} bytes of ${body}`)
    }
  }
})

test('what is no object is told apart from what is no JSON', () => {
  for (const text of ['', ' ', '[]', '"x"', '1', 'null', 'x', '\ufeff{}', '<html>']) assert.equal(verdict(text), 'not-an-object', text)
  for (const text of ['{', '{"a"}', '{"a":}', '{"a":1,}', '{,}', '{"a":1}}', '{"a":1} x', '{"a":[1,]}', '{"a":1 "b":2}', '{\'a\':1}', '{"a":01}', '{"a":+1}', '{"a":\t"\t"}', '{"a":1]', '{"a":[}', '{"a":NaN}', '{"a":1}\0']) assert.equal(verdict(text), 'syntax', text)
})

test('128 levels are accepted and 129 are not', () => {
  const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
  const objects = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
  for (const text of [nested, objects]) {
    assert.equal(verdict(text(128)), 'accepted')
    assert.equal(verdict(text(129)), 'depth')
  }
  assert.equal(verdict(`{"a":${'['.repeat(5_000_000)}`), 'depth')
})

test('100,000 keys are accepted and one more is not, wherever they stand', () => {
  const flat = (keys: number): string => `{${Array.from({ length: keys }, (_, index) => `"${index}":0`).join(',')}}`
  const spread = (keys: number): string => `{"a":[${'{"b":0},'.repeat(keys - 2)}{"b":0}]}`
  for (const text of [flat, spread]) {
    assert.equal(verdict(text(100_000)), 'accepted')
    assert.equal(verdict(text(100_001)), 'keys')
  }
})

test('control characters are refused in strings, and every other character is taken', () => {
  for (let code = 0; code <= 0xff; code++) {
    const character = String.fromCharCode(code)
    if (character === '"' || character === '\\') continue
    for (const text of [`{"a":"${character}"}`, `{"${character}":0}`]) assert.equal(verdict(text, []), code < 0x20 ? 'syntax' : 'accepted', String(code))
    assert.equal(verdict(`{"a":"\\${character}"}`, []), '/bfnrt'.includes(character) ? 'accepted' : 'syntax', `\\${code}`)
  }
})

test('an escaped spelling of a wanted key is the key', () => {
  for (const key of ['"mod\\u0065l"', '"\\u006d\\u006F\\u0064\\u0065\\u006c"']) {
    const bytes = Buffer.from(`{${key}:"x"}`)
    const member = scanJsonObject(bytes, names).members.get('model')
    assert.equal(bytes.toString('utf8', member?.valueStart, member?.valueEnd), '"x"')
    assert.equal(verdict(`{"model":"a",${key}:"b"}`), 'duplicate')
  }
  assert.equal(scanJsonObject(Buffer.from('{"mod\\\\u0065l":1,"Model":2,"model ":3}'), names).members.has('model'), false)
})

test('a wanted key may come twice below the top level, an unwanted one anywhere', () => {
  assert.equal(verdict('{"model":"a","x":{"model":1,"model":2},"y":1,"y":2}'), 'accepted')
  assert.equal(verdict('{"model":"a","model":"a"}'), 'duplicate')
})

test('__proto__ and its kin change nothing but their own member', () => {
  const bytes = Buffer.from('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"model":"x"}')
  const { members } = scanJsonObject(bytes, ['model'])
  assert.deepEqual(['model', '__proto__', 'constructor', 'toString'].map((name) => members.has(name)), [true, false, false, false])
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  assert.equal(members.get('hasOwnProperty'), undefined)
})

test('an error says where it is', () => {
  const offsets: [string, number][] = [['{"a":1,}', 7], ['{"a" 1}', 5], ['{"a":tru}', 5], ['{"a":1} x', 8], ['{"a":"\u0001"}', 6], ['{"a":', 5]]
  for (const [text, offset] of offsets) {
    assert.throws(() => scanJsonObject(Buffer.from(text), []), (error) => error instanceof JsonScanError && error.offset === offset, text)
  }
})
