import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PoolThread, ThreadEvents } from '../../src/pool/provider-thread.ts'
import { ThreadSet } from '../../src/pool/thread-set.ts'

test('whoever asks a set of threads to drain hears when it has, also when others asked before', async () => {
  const started: { thread: PoolThread, events: ThreadEvents }[] = []
  let destroyed = 0
  const set = new ThreadSet({
    start: (index, _revisions, events) => {
      const thread = { index, ready: true, inFlight: 0, hasServed: true, drain: () => {} } as unknown as PoolThread
      started.push({ thread, events })
      return thread
    },
    destroy: async () => { destroyed++ }
  }, 1, { setTimer: () => () => {}, revisions: () => [], onReady: () => {}, onBatch: () => {}, onLost: () => {} })
  const drains = [set.drain(), set.drain()]
  const [{ thread, events }] = started as [typeof started[0]]
  events.onEnd(thread, 'drained', null)
  await Promise.all(drains)
  assert.equal(destroyed, 1)
})
