import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobHead } from '../../src/api/job.ts'
import type { Job, JobListener } from '../../src/pool/job.ts'
import { ProviderPool } from '../../src/pool/provider-pool.ts'
import type { PoolThread, ThreadEvents } from '../../src/pool/provider-thread.ts'
import { createProvider } from '../router/settings.ts'

const head: JobHead = { keyIndex: 0, dialect: 'openai', operation: 'chat_completion', stream: false, usageInjected: false, base64Embeddings: false, sendBackRawRequest: false, sendBackRawResponse: false, freshConnection: false, passExtraParams: false, jsonArray: false, directKey: '', relay: false, passthrough: false, method: 'POST', resource: '', contentType: '', model: 'm', extraFields: '', forwardedHeaders: '' }

interface FakeThread extends PoolThread {
  ready: boolean
  jobs: Job[]
  events: ThreadEvents
}

/** A pool whose threads are objects that take jobs and do nothing. */
function createPool (threads: number, concurrency: number): { pool: ProviderPool, started: FakeThread[], timers: { run: () => void, waitMs: number, isOff: boolean }[] } {
  const started: FakeThread[] = []
  const timers: { run: () => void, waitMs: number, isOff: boolean }[] = []
  const pool = new ProviderPool({
    settings: createProvider('p', { threads, concurrency }),
    dropExcess: true,
    initialPoolSize: 0,
    nowMs: () => 0,
    onQueueWait: () => {},
    onThreadEnd: () => {},
    createThreads: () => ({
      start: (index, _revisions, events) => {
        const thread: FakeThread = {
          index,
          events,
          ready: false,
          hasServed: true,
          inFlight: 0,
          ringUsedBytes: 0,
          ringCapacityBytes: 0,
          jobs: [],
          expectJob: () => {},
          loopDelay: () => ({ p50: 0, p99: 0, max: 0 }),
          send: (job) => {
            thread.jobs.push(job)
            thread.inFlight++
            return true
          },
          cancel: () => {},
          credit: () => {},
          drain: () => {},
          lookAtHeartbeat: () => {},
          addRevision: () => {},
          forgetRevision: () => {}
        }
        started.push(thread)
        return thread
      },
      destroy: async () => {}
    }),
    setTimer: (run, waitMs) => {
      const timer = { run, waitMs, isOff: false }
      timers.push(timer)
      return () => { timer.isOff = true }
    }
  })
  return { pool, started, timers }
}

function createListener (heard: string[], name: string): JobListener {
  return {
    onDispatched: () => { heard.push(`${name} dispatched`) },
    onReply: () => { heard.push(`${name} reply`) },
    onHead: () => {},
    onChunk: () => {},
    onEnd: () => { heard.push(`${name} end`) },
    onFailed: (error) => { heard.push(`${name} ${error.code}`) }
  }
}

test('when a thread ends, those who wait take the free places on the threads that are left, at once', () => {
  const { pool, started } = createPool(2, 1)
  const heard: string[] = []
  for (const name of ['first', 'second']) pool.submit(createListener(heard, name), pool.settings, head, [], 0, { priority: 'normal', deadlineMs: Infinity })
  for (const thread of started) {
    thread.ready = true
    thread.events.onReady()
  }
  assert.deepEqual(heard, ['first dispatched'])
  const [busy, idle] = started as [FakeThread, FakeThread]
  busy.events.onEnd(busy, 'exit', null)
  assert.deepEqual(heard, ['first dispatched', 'first BIFROST_WORKER_LOST', 'second dispatched'])
  assert.equal(idle.jobs.length, 1)
  assert.deepEqual([pool.inFlight, pool.queueDepth, pool.jobSlots.used], [1, 0, 1])
})

test('a pool that is ended leaves no heartbeat timer behind', async () => {
  const { pool, started, timers } = createPool(1, 1)
  pool.submit(createListener([], 'only'), pool.settings, head, [], 0, { priority: 'normal', deadlineMs: Infinity })
  assert.equal(started.length, 1)
  timers[0]?.run()
  assert.deepEqual(timers.map(({ waitMs }) => waitMs), [500, 500])
  await pool.destroy()
  assert.deepEqual(timers.map(({ isOff }) => isOff), [false, true])
})
