import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'
import { countByProvider, noRecordings, readRecordings } from '../providers/recordings.ts'
import { assertSameEvents, cutAt, jsonOfEvents, parseWithOracle } from './sse-oracle.ts'

/** Of a longer stream, the beginning is cut at every byte and all of it at random. */
const everyCutBytesMax = 8 * 1024
const randomCuts = 200

const recordings = readRecordings('stream')
const skip = recordings.length === 0 ? noRecordings : false

/** Repeatable numbers from 0 to below `max`. */
function createRandom (seed: number): (max: number) => number {
  let state = seed
  return (max) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 2 ** 32 * max)
  }
}

/** Where events and their data stand in a stream, as numbers: cheap to compare at every cut. */
function placesOf (pieces: readonly Buffer[], places: Int32Array): number {
  const splitter = new SseSplitter(1 << 20)
  let count = 0
  let at = 0
  for (const piece of pieces) {
    splitter.push(piece, (event) => {
      const shift = at - event.start
      at += event.end - event.start
      if (event.dataLines === 0) return
      places[count++] = event.dataLines
      places[count++] = event.dataStart + shift
      places[count++] = event.dataEnd + shift
      places[count++] = event.nameStart === event.nameEnd ? 0 : event.nameStart + shift
      places[count++] = event.nameStart === event.nameEnd ? 0 : event.nameEnd + shift
    })
  }
  places[count++] = at + splitter.unfinishedBytes
  return count
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
  let cuts = 0
  for (const { name, body } of recordings) {
    const stream = body.subarray(0, everyCutBytesMax)
    const whole = new Int32Array(stream.length)
    const places = new Int32Array(stream.length)
    const count = placesOf([stream], whole)
    for (let at = 1; at < stream.length; at++) {
      const same = placesOf([stream.subarray(0, at), stream.subarray(at)], places) === count
      for (let index = 0; index < count; index++) if (!same || places[index] !== whole[index]) assert.fail(`${name} cut at ${at}`)
      cuts++
    }
  }
  t.diagnostic(`${cuts} cuts in ${countByProvider(recordings)}`)
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
