import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { JobHead, Priority } from '../../src/api/job.ts'
import type { Reply } from '../../src/api/reply.ts'
import type { AdaptiveConcurrencySettings, ProviderSettings } from '../../src/api/settings.ts'
import type { GatewayError } from '../../src/errors.ts'
import { ProviderPool } from '../../src/pool/provider-pool.ts'
import type { Job, JobListener } from '../../src/pool/job.ts'
import type { PoolThread, ThreadEvents } from '../../src/pool/provider-thread.ts'
import { createProvider } from '../router/settings.ts'

/** Hears about one job and counts its endings. */
class Listener implements JobListener {
  endings: string[] = []
  headers = ''
  onDispatched (): void {}
  onReply (): void { this.endings.push('reply') }
  onHead (): void {}
  onChunk (): void {}
  onEnd (): void { this.endings.push('end') }
  onFailed (error: GatewayError, headers: string): void {
    this.endings.push(error.code)
    this.headers = headers
  }
}

/** A pool over a thread that takes everything and answers when the test says so. */
class Harness {
  nowMs = 0
  readonly sent: Job[] = []
  readonly pool: ProviderPool
  readonly settings: ProviderSettings
  private events: ThreadEvents | null = null

  constructor (concurrency: number, bufferSize: number, adaptiveConcurrency: AdaptiveConcurrencySettings | null) {
    this.settings = createProvider('up', { concurrency, connectionsPerOrigin: concurrency, bufferSize, threads: 1, adaptiveConcurrency })
    this.pool = new ProviderPool({
      settings: this.settings,
      dropExcess: true,
      initialPoolSize: 1,
      nowMs: () => this.nowMs,
      onQueueWait: () => {},
      onThreadEnd: () => {},
      createThreads: () => ({
        start: (_index, _revisions, events) => {
          this.events = events
          return this.thread as PoolThread
        },
        destroy: () => Promise.resolve()
      })
    })
  }

  submit (priority: Priority = 'normal', deadlineMs = Infinity): Listener {
    const listener = new Listener()
    this.pool.submit(listener, this.settings, { model: 'm' } as JobHead, [], 0, { priority, deadlineMs })
    return listener
  }

  /** The oldest running job is answered, and the next one starts. */
  answer (): void {
    this.pool.onReply((this.sent.shift() as Job).id, {} as Reply)
    this.lookAtQueue()
  }

  /** As after every batch of results. */
  lookAtQueue (): void {
    this.events?.onReady()
  }

  private readonly thread = { index: 0, ready: true, inFlight: 0, hasServed: true, send: (job: Job) => { this.sent.push(job); this.thread.inFlight++; return true }, drain: () => {}, lookAtHeartbeat: () => {} }
}

function createHarness (t: TestContext, concurrency: number, bufferSize: number, adaptive: AdaptiveConcurrencySettings | null = null): Harness {
  const harness = new Harness(concurrency, bufferSize, adaptive)
  t.after(() => harness.pool.destroy())
  return harness
}

test('a job whose time is over when its turn comes is not sent and fails once, and the next one runs', (t) => {
  const harness = createHarness(t, 1, 10)
  const running = harness.submit()
  const late = harness.submit('normal', 100)
  const last = harness.submit('normal', 100.5)
  harness.nowMs = 100
  harness.answer()
  assert.deepEqual([running.endings, late.endings, last.endings], [['reply'], ['BIFROST_DEADLINE_EXCEEDED'], []])
  harness.answer()
  assert.deepEqual(last.endings, ['reply'])
  assert.deepEqual([harness.pool.inFlight, harness.pool.queueDepth, harness.pool.jobSlots.used], [0, 0, 0])
})

test('a displaced job fails once, with the time after which its client may come back, and the others are answered', (t) => {
  const harness = createHarness(t, 1, 2)
  const running = harness.submit()
  const low = harness.submit('low')
  const normal = harness.submit()
  const high = harness.submit('high')
  assert.deepEqual([low.endings, low.headers], [['BIFROST_REQUEST_DROPPED'], 'retry-after: 1'])
  assert.throws(() => harness.submit('normal'), { code: 'BIFROST_REQUEST_DROPPED', headers: 'retry-after: 1' })
  assert.throws(() => harness.submit('low'), { code: 'BIFROST_REQUEST_DROPPED' })
  for (let count = 0; count < 3; count++) harness.answer()
  assert.deepEqual([running, high, normal, low].map(({ endings }) => endings), [['reply'], ['reply'], ['reply'], ['BIFROST_REQUEST_DROPPED']])
  assert.deepEqual([harness.pool.sheds, harness.pool.droppedCount], [{ high: 0, normal: 1, low: 2 }, 3])
  assert.equal(harness.pool.jobSlots.used, 0)
})

test('a request that its displacement sends back to the same pool finds it as it is', (t) => {
  const harness = createHarness(t, 1, 2)
  harness.submit()
  const again: unknown[] = []
  const stubborn = new Listener()
  stubborn.onFailed = () => {
    try {
      harness.submit('low')
      again.push('taken')
    } catch (error) {
      again.push((error as GatewayError).code)
    }
  }
  harness.pool.submit(stubborn, harness.settings, { model: 'm' } as JobHead, [], 0, { priority: 'low', deadlineMs: Infinity })
  harness.submit('normal')
  const high = harness.submit('high')
  assert.deepEqual(again, ['BIFROST_REQUEST_DROPPED'])
  assert.equal(harness.pool.queueDepth, 2)
  harness.answer()
  harness.answer()
  assert.deepEqual(high.endings, ['reply'])
})

test('a limit that goes up with an attempt that nobody waited for lets the next ones start at once', (t) => {
  const harness = createHarness(t, 10, 10, { concurrencyMin: 1, latencyTolerance: 2 })
  const observe = (count: number): void => { for (let index = 0; index < count; index++) harness.pool.observe('m', false, 100, 'success') }
  for (let count = 0; count < 4; count++) harness.submit()
  assert.equal(harness.sent.length, 1)
  observe(10)
  harness.lookAtQueue()
  assert.equal(harness.sent.length, 2)
  harness.nowMs = 200
  observe(9)
  harness.pool.observe('m', false, 1_000, 'abandoned')
  assert.equal(harness.sent.length, 4)
})

test('a job whose request gets more time while it waits is sent', (t) => {
  const harness = createHarness(t, 1, 10)
  harness.submit()
  const terms = { priority: 'normal' as Priority, deadlineMs: 100 }
  const listener = new Listener()
  harness.pool.submit(listener, harness.settings, { model: 'm' } as JobHead, [], 0, terms)
  // As when somebody more patient joins the same request.
  terms.deadlineMs = 1_000
  harness.nowMs = 200
  harness.answer()
  harness.lookAtQueue()
  assert.deepEqual([listener.endings, harness.sent.length], [[], 1])
})
