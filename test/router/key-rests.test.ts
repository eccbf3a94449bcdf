import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyRests, refusedKeyRestMs } from '../../src/router/key-rests.ts'

test('a key that was refused is avoided for 30 seconds', () => {
  assert.equal(refusedKeyRestMs, 30_000)
})

test('a key rests until its time and not longer', () => {
  const rests = new KeyRests()
  assert.equal(rests.mayAnyRest(0), false)
  rests.rest('a', 1_000, true, 0)
  rests.rest('b', 2_000, false, 0)
  const seen = (nowMs: number): unknown => ['a', 'b', 'c'].map((id) => [rests.restsUntilMs(id, true, nowMs), rests.restsUntilMs(id, false, nowMs)])
  assert.deepEqual(seen(999), [[1_000, 1_000], [0, 2_000], [0, 0]])
  assert.deepEqual(seen(1_000), [[0, 0], [0, 2_000], [0, 0]])
  assert.deepEqual(seen(2_000), [[0, 0], [0, 0], [0, 0]])
  assert.deepEqual([rests.mayAnyRest(1_999), rests.mayAnyRest(2_000)], [true, false])
})

test('a shorter firm rest does not cut a longer one short', () => {
  const rests = new KeyRests()
  rests.rest('a', 5_000, true, 0)
  rests.rest('a', 1_000, true, 100)
  assert.equal(rests.restsUntilMs('a', true, 4_999), 5_000)
})

test('what the gateway itself avoids does not soften what the provider asked for', () => {
  const rests = new KeyRests()
  rests.rest('a', 5_000, true, 0)
  rests.rest('a', 30_000, false, 100)
  assert.equal(rests.restsUntilMs('a', true, 4_999), 5_000)
  assert.equal(rests.restsUntilMs('a', true, 5_000), 0)
  assert.equal(rests.restsUntilMs('a', false, 5_000), 30_000)
})

test('a key is never back before the provider said, whatever else is noted of it', () => {
  const notes = fc.array(fc.record({ id: fc.constantFrom('a', 'b'), passMs: fc.nat(50), forMs: fc.nat(200), isFirm: fc.boolean() }), { maxLength: 30 })
  fc.assert(fc.property(notes, (list) => {
    const rests = new KeyRests()
    const firm = new Map<string, number>()
    let nowMs = 0
    for (const { id, passMs, forMs, isFirm } of list) {
      nowMs += passMs
      rests.rest(id, nowMs + forMs, isFirm, nowMs)
      if (isFirm) firm.set(id, Math.max(firm.get(id) ?? 0, nowMs + forMs))
      for (const [key, untilMs] of firm) {
        assert.equal(rests.restsUntilMs(key, true, nowMs), untilMs > nowMs ? untilMs : 0)
        assert.ok(rests.restsUntilMs(key, false, nowMs) >= rests.restsUntilMs(key, true, nowMs))
        assert.equal(untilMs > nowMs ? rests.mayAnyRest(nowMs) : true, true)
      }
    }
  }), { numRuns: 500 })
})

test('ten thousand keys are remembered; those whose rest is over make room first', () => {
  const rests = new KeyRests()
  const { byId } = rests as unknown as { byId: Map<string, unknown> }
  rests.rest('long', 1_000_000, true, 0)
  for (let index = 0; index < 9_999; index++) rests.rest(`short-${index}`, 10, true, 0)
  rests.rest('next', 1_000_000, true, 20)
  assert.deepEqual([...byId.keys()], ['long', 'next'])
  for (let index = 0; index < 25_000; index++) {
    rests.rest(`long-${index}`, 1_000_000, true, 20)
    assert.ok(byId.size <= 10_000)
  }
})
