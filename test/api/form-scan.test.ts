import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FormScanError, isForm, scanForm } from '../../src/api/form-scan.ts'

const boundary = 'with space; and=more'
const type = 'multipart/form-data; boundary=cut'

/** Node's own encoder writes the form, so that what is expected does not come from the scanner. */
async function encode (entries: readonly [string, string | File][]): Promise<{ contentType: string, body: Buffer }> {
  const form = new FormData()
  for (const [name, value] of entries) form.append(name, value)
  const response = new Response(form)
  return { contentType: response.headers.get('content-type') as string, body: Buffer.from(await response.arrayBuffer()) }
}

const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((name) => name.isWellFormed() && !/[\r\n\\%]/.test(name))
const entries = fc.array(fc.oneof(
  fc.tuple(names, fc.string({ unit: 'grapheme', maxLength: 200 }).filter((text) => text.isWellFormed() && !/[\r\n]/.test(text))),
  fc.tuple(names, fc.uint8Array({ maxLength: 400 }), names).map(([name, bytes, fileName]): [string, File] => [name, new File([bytes], fileName, { type: 'audio/wav' })])
), { maxLength: 8 })

test('every part of a form that Node wrote is found where it stands', async () => {
  await fc.assert(fc.asyncProperty(entries, async (wanted) => {
    if (wanted.length === 0) return
    const { contentType, body } = await encode(wanted)
    const parts = scanForm(contentType, body)
    assert.equal(parts.length, wanted.length)
    for (const [index, [name, value]] of wanted.entries()) {
      const part = parts[index]
      assert.ok(part)
      const bytes = body.subarray(part.valueStart, part.valueEnd)
      assert.equal(part.name, name)
      if (typeof value === 'string') {
        assert.deepEqual([part.fileName, bytes.toString('utf8')], [null, value])
      } else {
        assert.deepEqual([part.fileName, part.contentType], [value.name, 'audio/wav'])
        assert.deepEqual(bytes, Buffer.from(await value.arrayBuffer()))
      }
      assert.equal(body.toString('latin1', part.partStart, part.partStart + 2), '--')
    }
  }), { numRuns: 500 })
})

test('a boundary in quotes, words before the first part and white space after a boundary are allowed', () => {
  const body = Buffer.from(`preamble\r\n--${boundary}  \r\nContent-Disposition: form-data; name=model\r\n\r\nm\r\n--${boundary}--\r\nepilogue`)
  const [part, ...others] = scanForm(`multipart/form-data; charset=utf-8; boundary="${boundary}"`, body)
  assert.equal(others.length, 0)
  assert.equal(part?.name, 'model')
  assert.equal(body.toString('utf8', part.valueStart, part.valueEnd), 'm')
})

test('an empty value, and one that begins like a boundary, are values', () => {
  const body = Buffer.from('--cut\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n--cut\r\ncontent-disposition: form-data; name="b"\r\n\r\n--cu\r\n--cut--\r\n')
  assert.deepEqual(scanForm(type, body).map(({ valueStart, valueEnd }) => body.toString('utf8', valueStart, valueEnd)), ['', '--cu'])
})

// [what is wrong, content type, body, words of the error]
const refused: readonly [string, string, string, RegExp][] = [
  ['no boundary', 'multipart/form-data', '--cut--', /names no boundary/],
  ['a boundary with a line end', 'multipart/form-data; boundary="a\r\nb"', '--a', /names no boundary/],
  ['another boundary', type, '--other\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--other--', /does not begin with its boundary/],
  ['no body', type, '', /does not begin with its boundary/],
  ['no last boundary', type, '--cut\r\ncontent-disposition: form-data; name="a"\r\n\r\nx', /ends before its last boundary/],
  ['no end of the headers', type, `--cut\r\ncontent-disposition: form-data; name="a"${'; x=y'.repeat(3000)}\r\n\r\nx\r\n--cut--`, /no end of its headers/],
  ['a part without a name', type, '--cut\r\ncontent-type: text/plain\r\n\r\nx\r\n--cut--', /no content-disposition/],
  ['bytes after a boundary', type, '--cutter\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--cut--', /no end of its line/],
  ['too many parts', type, `${'--cut\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n'.repeat(257)}--cut--`, /more than 256 parts/]
]
for (const [what, contentType, body, message] of refused) {
  test(`a form with ${what} is refused`, () => {
    assert.throws(() => scanForm(contentType, Buffer.from(body)), (error: unknown) => error instanceof FormScanError && message.test(error.message))
  })
}

test('whatever comes, the scan ends and finds parts inside the body, or refuses', () => {
  const pieces = fc.constantFrom('--cut', '--cut--', '\r\n', '\r\n\r\n', 'content-disposition: form-data; name="a"', 'x', '-', '\r', '\n', '"')
  fc.assert(fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
    const body = Buffer.from(parts.join(''))
    try {
      for (const { partStart, valueStart, valueEnd } of scanForm(type, body)) assert.ok(partStart >= 0 && partStart < valueStart && valueStart <= valueEnd && valueEnd <= body.length)
    } catch (error) {
      assert.ok(error instanceof FormScanError)
    }
  }), { numRuns: 5_000 })
})

test('only one content type is a form', () => {
  for (const contentType of ['multipart/form-data; boundary=x', 'Multipart/Form-Data;boundary=x', 'multipart/form-data']) assert.ok(isForm(contentType), contentType)
  for (const contentType of ['', 'application/json', 'multipart/mixed; boundary=x', 'multipart/form-database']) assert.ok(!isForm(contentType), contentType)
})
