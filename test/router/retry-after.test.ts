import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toRetryAfterMs, toUsedUpMs } from '../../src/router/retry-after.ts'

/** 2026-01-02T03:04:05Z */
const now = 1_767_323_045_000

const cases: [string, string[], number | null][] = [
  ['no headers', [], null],
  ['nothing about pauses', ['content-type: application/json', 'x-request-id: 5'], null],
  ['seconds', ['retry-after: 3'], 3_000],
  ['a fraction of a second, rounded up', ['retry-after: 0.0015'], 2],
  ['zero', ['retry-after: 0'], 0],
  ['milliseconds', ['retry-after-ms: 1500'], 1_500],
  ['milliseconds before seconds', ['retry-after: 20', 'retry-after-ms: 250'], 250],
  ['milliseconds that are none', ['retry-after-ms: soon', 'retry-after: 2'], 2_000],
  ['a date', ['retry-after: Fri, 02 Jan 2026 03:04:15 GMT'], 10_000],
  ['a date that is over', ['retry-after: Fri, 02 Jan 2026 03:04:00 GMT'], 0],
  ['more than a day', ['retry-after: 1000000'], 86_400_000],
  ['a number too large for one', [`retry-after: ${'9'.repeat(400)}`], 86_400_000],
  ['no blank after the colon', ['retry-after:4'], 4_000],
  ['words', ['retry-after: later'], null],
  ['empty', ['retry-after: '], null],
  ['a line without a colon', ['retry-after', 'retry-after: 1'], 1_000],
  ['a limit with something left', ['x-ratelimit-remaining-requests: 1', 'x-ratelimit-reset-requests: 6m0s'], null],
  ['a limit that says nothing about what is left', ['x-ratelimit-reset-requests: 6m0s'], null],
  ['requests used up', ['x-ratelimit-remaining-requests: 0', 'x-ratelimit-reset-requests: 6m0s', 'x-ratelimit-remaining-tokens: 5', 'x-ratelimit-reset-tokens: 1h'], 360_000],
  ['both used up: the longer one', ['x-ratelimit-remaining-requests: 0', 'x-ratelimit-reset-requests: 12ms', 'x-ratelimit-remaining-tokens: 0', 'x-ratelimit-reset-tokens: 7.66s'], 7_660],
  ['the shorter one comes last', ['x-ratelimit-remaining-tokens: 0', 'x-ratelimit-reset-tokens: 7.66s', 'x-ratelimit-remaining-requests: 0', 'x-ratelimit-reset-requests: 12ms'], 7_660],
  ['retry-after before the reset', ['x-ratelimit-remaining-requests: 0', 'x-ratelimit-reset-requests: 6m0s', 'retry-after: 1'], 1_000],
  ['a duration with everything', ['x-ratelimit-remaining-requests: 0', 'x-ratelimit-reset-requests: 0d1h2m3s4ms'], 3_723_004],
  ['one limit for all', ['x-ratelimit-remaining: 0', 'x-ratelimit-reset: 30'], 30_000],
  ['seconds since 1970', ['x-ratelimit-remaining: 0', 'x-ratelimit-reset: 1767323065'], 20_000],
  ['milliseconds since 1970, as OpenRouter has it', ['x-ratelimit-remaining: 0', 'x-ratelimit-reset: 1767323065000'], 20_000],
  ['milliseconds since 1970 that are over', ['x-ratelimit-remaining: 0', 'x-ratelimit-reset: 1767323000000'], 0],
  ['a date and time', ['x-ratelimit-remaining: 0', 'x-ratelimit-reset: 2026-01-02T03:04:06Z'], 1_000],
  ['a reset that is none', ['x-ratelimit-remaining: 0', 'x-ratelimit-reset: soon'], null]
]

test('the pause that a provider asks for is read in all its spellings', () => {
  for (const [what, lines, expected] of cases) assert.equal(toRetryAfterMs(lines.join('\r\n'), now), expected, what)
})

test('whatever the headers, a pause is a whole number of milliseconds up to a day, or none', () => {
  const name = fc.constantFrom('retry-after', 'retry-after-ms', 'x-ratelimit-reset', 'x-ratelimit-remaining', 'x-ratelimit-reset-tokens', 'x-ratelimit-remaining-tokens', 'date')
  const value = fc.oneof(fc.constantFrom('0', '-1', '1e999', 'NaN', '99999999999999999999', '1d', 'ms', '.', '1.5.5'), fc.string({ maxLength: 20 }), fc.nat().map(String), fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()))
  fc.assert(fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), fc.integer({ min: 0, max: 4e12 }), (lines, nowEpochMs) => {
    const pauseMs = toRetryAfterMs(lines.map((line) => line.join(': ')).join('\r\n'), nowEpochMs)
    assert.ok(pauseMs === null || (Number.isInteger(pauseMs) && pauseMs >= 0 && pauseMs <= 86_400_000), String(pauseMs))
  }), { numRuns: 3000 })
})

test('a good answer says that a limit is used up by what remains of requests or tokens, and until when', () => {
  const used: [string[], number | null][] = [
    [[], null],
    [['x-ratelimit-remaining-requests: 1', 'x-ratelimit-reset-requests: 6m0s'], null],
    [['x-ratelimit-remaining-requests: 0', 'x-ratelimit-reset-requests: 6m0s'], 360_000],
    [['x-ratelimit-limit-tokens: 100', 'x-ratelimit-remaining-tokens: 0', 'x-ratelimit-reset-tokens: 250ms'], 250],
    [['x-ratelimit-remaining-requests: 0', 'x-ratelimit-remaining-tokens: 0', 'x-ratelimit-reset-tokens: 2s', 'x-ratelimit-reset-requests: 1s'], 2_000],
    [['x-ratelimit-remaining-requests: 0'], null],
    [['x-ratelimit-remaining-requests: 0.5', 'x-ratelimit-reset-requests: 1s'], null],
    // How long to wait after a refusal is not said by an answer that was none.
    [['retry-after: 5', 'x-ratelimit-remaining-requests: 10'], null],
    [['retry-after: 5', 'x-ratelimit-remaining-requests: 0', 'x-ratelimit-reset-requests: 1s'], 1_000]
  ]
  for (const [lines, expected] of used) assert.equal(toUsedUpMs(lines.join('\r\n'), now), expected, lines.join(' | '))
})
