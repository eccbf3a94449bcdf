import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NextThread } from '../../src/pool/next-thread.ts'
import type { PoolThread } from '../../src/pool/provider-thread.ts'

test('the thread that had the last two jobs is woken for the next one, and no other', () => {
  const woken: string[] = []
  const toThread = (name: string): PoolThread => ({ expectJob: () => { woken.push(name) } }) as unknown as PoolThread
  const [one, other] = [toThread('one'), toThread('other')]
  const nextThread = new NextThread(2)
  const had = (thread: PoolThread): string[] => {
    nextThread.had(thread)
    woken.length = 0
    nextThread.wake()
    return [...woken]
  }
  nextThread.wake()
  assert.deepEqual(woken, [], 'nobody had a job')
  assert.deepEqual(had(one), [])
  assert.deepEqual(had(one), ['one'])
  assert.deepEqual(had(one), ['one'])
  assert.deepEqual(had(other), [])
  assert.deepEqual(had(one), [], 'jobs that alternate')
  assert.deepEqual(had(one), ['one'])
})

test('on one core no thread is woken early', () => {
  let wakes = 0
  const thread = { expectJob: () => { wakes++ } } as unknown as PoolThread
  for (const [coreCount, expected] of [[1, 0], [2, 1]] as const) {
    const nextThread = new NextThread(coreCount)
    for (let job = 1; job <= 2; job++) nextThread.had(thread)
    nextThread.wake()
    assert.equal(wakes, expected, `${coreCount} cores`)
  }
})
