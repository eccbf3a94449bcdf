import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ProviderSettings } from '../../src/api/settings.ts'
import { Revisions } from '../../src/pool/revisions.ts'
import type { Revision } from '../../src/pool/revisions.ts'

/** Revisions look at identity only. */
const settings = (name: string): ProviderSettings => ({ name }) as ProviderSettings

function create (first: ProviderSettings): { revisions: Revisions, log: string[] } {
  const log: string[] = []
  const revisions = new Revisions(first, {
    onAdded: ({ number, settings: { name } }) => { log.push(`+${number} ${name}`) },
    onForgotten: ({ number }) => { log.push(`-${number}`) }
  })
  return { revisions, log }
}

test('an older version stays until its last job has ended, the current one stays without jobs', () => {
  const [a, b] = [settings('a'), settings('b')]
  const { revisions, log } = create(a)
  const one = revisions.enter(a)
  const two = revisions.enter(a)
  assert.equal(one, two)
  revisions.turnTo(b)
  revisions.leave(one)
  assert.deepEqual(log, ['+1 a', '+2 b'])
  revisions.leave(two)
  assert.deepEqual(log, ['+1 a', '+2 b', '-1'])
  revisions.leave(revisions.enter(b))
  assert.equal(log.length, 3)
})

test('a version without jobs goes at once, and comes back under a new number for a request that still has it', () => {
  const [a, b] = [settings('a'), settings('b')]
  const { revisions, log } = create(a)
  revisions.turnTo(b)
  const again = revisions.enter(a)
  revisions.leave(again)
  assert.deepEqual(log, ['+1 a', '+2 b', '-1', '+3 a', '-3'])
})

test('turning to the same settings, or back to older ones with jobs, makes no new version', () => {
  const [a, b] = [settings('a'), settings('b')]
  const { revisions, log } = create(a)
  const job = revisions.enter(a)
  revisions.turnTo(a)
  revisions.turnTo(b)
  revisions.turnTo(a)
  revisions.leave(job)
  assert.deepEqual(log, ['+1 a', '+2 b', '-2'])
})

test('whatever happens, a version that a job has is known, and with no jobs only the current one is', () => {
  const all = Array.from({ length: 4 }, (_, index) => settings(String(index)))
  const step = fc.record({ kind: fc.constantFrom('turn', 'enter', 'leave'), which: fc.nat(3) })
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const first = all[0] as ProviderSettings
    const { revisions } = create(first)
    const jobs: Revision[] = []
    let current = first
    for (const { kind, which } of steps) {
      const chosen = all[which] as ProviderSettings
      if (kind === 'turn') revisions.turnTo(current = chosen)
      else if (kind === 'enter') jobs.push(revisions.enter(chosen))
      else if (jobs.length > 0) revisions.leave(jobs.splice(which % jobs.length, 1)[0] as Revision)
      for (const job of jobs) assert.ok(revisions.all.includes(job))
    }
    for (const job of jobs) revisions.leave(job)
    assert.deepEqual(revisions.all.map((revision) => revision.settings), [current])
  }))
})
