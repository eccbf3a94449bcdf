import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countByProvider, noRecordings, readRecordings } from '../providers/recordings.ts'
import { assertSameEvents, cutAt, jsonOfEvents, parseWithOracle, split } from './sse-oracle.ts'

/** A stream longer than this is cut at every byte of its beginning and end, and in between at random. */
const everyCutBytesMax = 24 * 1024
const randomCuts = 200

const recordings = readRecordings('stream')
// The same conversation is often recorded by several tests; the shortest of a provider and its kind say the same.
const skip = recordings.length === 0 ? noRecordings : false

/** Repeatable numbers from 0 to below `max`. */
function createRandom (seed: number): (max: number) => number {
  let state = seed
  return (max) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 2 ** 32 * max)
  }
}

/** Counts what a splitter gives without comparing each event: fast enough for a cut at every byte. */
function fingerprint (pieces: readonly Buffer[]): string {
  let print = ''
  const { events, unfinishedBytes } = split(pieces)
  for (const { bytes, dataLines, firstData, name } of events) print += `${bytes.length} ${dataLines} ${firstData.length} ${name}\n`
  return `${print}${unfinishedBytes} ${Buffer.concat(events.map(({ bytes }) => bytes)).toString('latin1')}`
}

test('recorded streams give the events of the reference parser, whole and byte by byte', { skip }, (t) => {
  for (const { name, body } of recordings) {
    const expected = parseWithOracle(body)
    assert.ok(expected.length > 1, name)
    assertSameEvents(body, [body], expected, name)
    assertSameEvents(body, [...body.keys()].map((index) => body.subarray(index, index + 1)), expected, name)
    const values = jsonOfEvents(body)
    for (const [index, { data }] of expected.entries()) {
      if (data !== '[DONE]') assert.deepEqual(values[index], JSON.parse(data), name)
    }
  }
  t.diagnostic(countByProvider(recordings))
})

test('recorded streams give the same events when cut in two at every byte', { skip }, (t) => {
  const short = recordings.filter(({ body }) => body.length <= everyCutBytesMax)
  let cuts = 0
  for (const { name, body } of short) {
    const whole = fingerprint([body])
    for (let at = 1; at < body.length; at++) {
      if (fingerprint([body.subarray(0, at), body.subarray(at)]) !== whole) assert.fail(`${name} cut at ${at}`)
      cuts++
    }
  }
  t.diagnostic(`${cuts} cuts in ${countByProvider(short)}`)
})

test('recorded streams give the same events in random cuts', { skip }, (t) => {
  const seed = Number(process.env.SSE_SEED ?? Date.now() % 2 ** 31)
  const random = createRandom(seed)
  for (const { name, body } of recordings) {
    const expected = parseWithOracle(body)
    for (let round = 0; round < randomCuts && round * body.length < 20_000_000; round++) {
      const positions = Array.from({ length: 1 + random(12) }, () => random(body.length + 1))
      assertSameEvents(body, cutAt(body, positions), expected, `${name}, seed ${seed}, cuts ${positions.join(' ')}`)
    }
  }
  t.diagnostic(`seed ${seed}, ${countByProvider(recordings)}`)
})
