import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findFramingProblem } from '../../src/transport/header-guard.ts'

const twoLengths = 'more than one Content-Length'
const noNumber = 'a Content-Length that is not a number'
const twoCodings = 'more than one Transfer-Encoding'
const otherCoding = 'a Transfer-Encoding other than chunked'
const twoHosts = 'more than one Host'
const both = 'both Content-Length and Transfer-Encoding'
const noName = 'an empty header name'

/** The grid that was measured on uWebSockets.js: what it lets through wrongly, and what must go on working. */
const cases: [string, string[], string | null][] = [
  ['no headers', [], null],
  ['a usual request', ['host', 'a', 'content-type', 'application/json', 'content-length', '230', 'authorization', 'Bearer x'], null],
  ['length 0', ['host', 'a', 'content-length', '0'], null],
  ['the longest length', ['content-length', '999999999999999'], null],
  ['leading zeros', ['content-length', '007'], null],
  ['chunked', ['host', 'a', 'transfer-encoding', 'chunked'], null],
  ['chunked in capitals', ['transfer-encoding', 'Chunked'], null],
  ['names that only begin like the guarded ones', ['content-length-x', 'a', 'x-host', 'a', 'x-host', 'b', 'transfer-encodings', 'b'], null],
  ['values that look like guarded names', ['x', 'content-length', 'y', 'transfer-encoding', 'z', 'host'], null],
  ['a header that may come twice', ['accept', 'a', 'accept', 'b', 'cookie', 'a', 'cookie', 'b'], null],

  ['differing lengths', ['content-length', '5', 'content-length', '6'], twoLengths],
  ['equal lengths', ['content-length', '5', 'host', 'a', 'content-length', '5'], twoLengths],
  ['an empty length', ['content-length', ''], noNumber],
  ['a sign', ['content-length', '+5'], noNumber],
  ['a negative length', ['content-length', '-1'], noNumber],
  ['hexadecimal', ['content-length', '0x5'], noNumber],
  ['a list', ['content-length', '5,5'], noNumber],
  ['blanks', ['content-length', ' 5'], noNumber],
  ['a line break behind it', ['content-length', '5\n'], noNumber],
  ['digits of another script', ['content-length', '٥'], noNumber],
  ['a fraction', ['content-length', '5.0'], noNumber],
  ['an exponent', ['content-length', '5e3'], noNumber],
  ['too many digits', ['content-length', '1000000000000000'], noNumber],
  ['two codings', ['transfer-encoding', 'chunked', 'transfer-encoding', 'chunked'], twoCodings],
  ['xchunked', ['transfer-encoding', 'xchunked'], otherCoding],
  ['chunked, identity', ['transfer-encoding', 'chunked, identity'], otherCoding],
  ['a leading comma', ['transfer-encoding', ',chunked'], otherCoding],
  ['gzip, chunked', ['transfer-encoding', 'gzip, chunked'], otherCoding],
  ['identity', ['transfer-encoding', 'identity'], otherCoding],
  ['an empty coding', ['transfer-encoding', ''], otherCoding],
  ['a blank behind it', ['transfer-encoding', 'chunked '], otherCoding],
  ['a vertical tab', ['transfer-encoding', '\u000bchunked'], otherCoding],
  ['length, then coding', ['content-length', '5', 'transfer-encoding', 'chunked'], both],
  ['coding, then length', ['transfer-encoding', 'chunked', 'host', 'a', 'content-length', '5'], both],
  ['two hosts', ['host', 'a', 'host', 'b'], twoHosts],
  ['the same host twice', ['host', 'a', 'accept', 'x', 'host', 'a'], twoHosts],
  ['an empty name', ['', 'x'], noName]
]

test('what frames the request in two ways, or in none, is found', () => {
  for (const [what, headers, problem] of cases) assert.equal(findFramingProblem(headers), problem, what)
})

test('no letter that lower-cases into "chunked" from outside ASCII passes', () => {
  // U+212A, the Kelvin sign, becomes "k".
  assert.equal(findFramingProblem(['transfer-encoding', 'chun\u212aed']), otherCoding)
})
