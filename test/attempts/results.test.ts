import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { noUsage } from '../../src/api/usage.ts'
import { GatewayError } from '../../src/errors.ts'
import { Results } from '../../src/attempts/results.ts'

/** @returns the thread's end, and what has arrived at the front's since it was last asked: `expect`, or `batch` */
function start (t: TestContext, runningJobs: () => number): { results: Results, came: () => string[] } {
  const { port1, port2 } = new MessageChannel()
  t.after(() => { port1.close() })
  return {
    results: new Results(port1, runningJobs),
    came: () => {
      const messages: string[] = []
      for (let next = receiveMessageOnPort(port2); next !== undefined; next = receiveMessageOnPort(port2)) messages.push(next.message instanceof ArrayBuffer ? 'batch' : String(next.message))
      return messages
    }
  }
}

const reply = { status: 200, usage: noUsage, upstreamMicroseconds: 1, spliceOffset: -1, headers: '', raw: '', body: Buffer.from('{}') }

test('the front is woken once before the batch of its only job', (t) => {
  let running = 1
  const { results, came } = start(t, () => running)
  for (let job = 0; job < 2; job++) {
    running = 1
    results.expectLone()
    // An answer in three pieces.
    results.foretell()
    results.foretell()
    results.foretell()
    assert.deepEqual(came(), ['expect'])
    running = 0
    results.reply(job, reply)
    assert.deepEqual(came(), ['batch'])
  }
})

test('nobody is woken early for jobs of which the front has more', (t) => {
  let running = 1
  const { results, came } = start(t, () => running)
  results.foretell()
  assert.deepEqual(came(), [], 'not announced as its only one')
  results.expectLone()
  running = 2
  results.foretell()
  assert.deepEqual(came(), [], 'joined by another one')
})

test('what was expected of a job ends with it', async (t) => {
  let running = 1
  const { results, came } = start(t, () => running)
  results.expectLone()
  running = 0
  results.failed(1, new GatewayError('BIFROST_CONNECT_TIMEOUT'), '', noUsage, 0)
  await new Promise((resolve) => { setImmediate(resolve) })
  assert.deepEqual(came(), ['batch'])
  running = 1
  results.foretell()
  assert.deepEqual(came(), [])
})
