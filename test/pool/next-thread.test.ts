import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NextThread } from '../../src/pool/next-thread.ts'
import type { PoolThread } from '../../src/pool/provider-thread.ts'

test('the thread that had the last two jobs is woken for the next one, and no other', () => {
  const woken: string[] = []
  const toThread = (name: string): PoolThread => ({ expectJob: () => { woken.push(name) } }) as unknown as PoolThread
  const [one, other] = [toThread('one'), toThread('other')]
  const nextThread = new NextThread()
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
