import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VirtualClock } from './virtual-clock.ts'

test('events come by time, those of one time in the order in which they were made, and what was called off does not come', () => {
  fc.assert(fc.property(fc.array(fc.record({ waitMs: fc.nat(20), off: fc.boolean() }), { maxLength: 100 }), (plans) => {
    const clock = new VirtualClock()
    const startMs = clock.nowMs
    const seen: { atMs: number, index: number }[] = []
    const ends = plans.map(({ waitMs }, index) => clock.after(waitMs, () => { seen.push({ atMs: clock.nowMs, index }) }))
    for (const [index, { off }] of plans.entries()) if (off) ends[index]?.()
    const wanted = plans.map(({ waitMs, off }, index) => ({ atMs: startMs + waitMs, index, off })).filter(({ off }) => !off)
    assert.equal(clock.pending.world, wanted.length)
    while (clock.step());
    wanted.sort((one, other) => one.atMs - other.atMs || one.index - other.index)
    assert.deepEqual(seen, wanted.map(({ atMs, index }) => ({ atMs, index })))
    assert.equal(clock.pending.world, 0)
  }))
})
