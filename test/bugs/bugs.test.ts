import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plantedBugs } from './list.ts'
import { findBug, isCaught, Nursery } from './plant.ts'

/** Caught within a few seeds. */
const quickBugs = ['one-too-many-runs', 'retry-after-first-byte', 'pause-not-called-off'] as const

test('every bug can still be planted: the text that it changes stands in the build once', (t) => {
  const nursery = new Nursery()
  t.after(() => { nursery.destroy() })
  for (const bug of plantedBugs) nursery.plant(bug)()
  assert.throws(() => nursery.plant({ ...findBug('one-too-many-runs'), find: 'no such text' }), /cannot be planted: "no such text" stands 0 times in dist\/src\/pool\/admission\.js/)
  assert.equal(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length)
})

test('the simulator finds planted bugs by the rules that they break, and nothing without them', { timeout: 120_000 }, async (t) => {
  const nursery = new Nursery()
  t.after(() => { nursery.destroy() })
  const suite = { seeds: 30 }
  assert.equal((await nursery.run(suite)).exitCode, 0)
  for (const name of quickBugs) {
    const bug = { ...findBug(name), suite }
    const takeOut = nursery.plant(bug)
    const run = await nursery.run(suite)
    takeOut()
    assert.ok(isCaught(bug, run), `${name}\n${run.output}`)
    assert.match(run.output, /again: npm run sim -- --seed \d+/)
  }
})
