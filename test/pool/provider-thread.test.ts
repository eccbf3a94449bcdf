import assert from 'node:assert/strict'
import { test } from 'node:test'
import { receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { ProviderThread } from '../../src/pool/provider-thread.ts'
import { RingReader } from '../../src/ring/ring.ts'
import { asleepWord, indexWords } from '../ring/frames-of-ring.ts'

interface Started {
  thread: ProviderThread
  ringMemory: SharedArrayBuffer
  /** What the thread's side would send on. */
  port: MessagePort
  events: string[]
  ended: Promise<void>
  finish: () => void
  crash: (error: Error) => void
}

/** A thread whose side is played by the test, on the same event loop. */
function startThread (): Started {
  const events: string[] = []
  const tasks: Pick<Started, 'port' | 'ringMemory'>[] = []
  let finish = (): void => {}
  let crash = (_error: Error): void => {}
  const threads = {
    run: (task: Pick<Started, 'port' | 'ringMemory'>) => {
      tasks.push(task)
      return new Promise<void>((resolve, reject) => {
        finish = resolve
        crash = reject
      })
    }
  } as unknown as Piscina
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => { end = resolve })
  const thread = new ProviderThread(0, 65_536, [], threads, {
    onReady: () => { events.push('ready') },
    onBatch: (batch) => { events.push(`batch ${Buffer.from(batch).toString()}`) },
    onEnd: (_thread, reason) => {
      events.push(reason)
      end()
    }
  })
  const [{ port, ringMemory }] = tasks as [typeof tasks[0]]
  return { thread, port, ringMemory, events, ended, finish, crash }
}

const toBatch = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer

for (const [name, end, reason] of [['drains', 'finish', 'drained'], ['dies', 'crash', 'exit']] as const) {
  test(`what a thread has sent before its end is heard before its end, when it ${name}`, async () => {
    const thread = startThread()
    thread.port.postMessage(toBatch('one'))
    // Only a wake-up.
    thread.port.postMessage('expect')
    thread.port.postMessage(toBatch('two'))
    thread[end](new Error('gone'))
    await thread.ended
    assert.deepEqual(thread.events, ['batch one', 'batch two', reason])
  })
}

test('a thread that sleeps with nothing in hand is woken before its job, once', async () => {
  const { thread, ringMemory, port, finish, ended } = startThread()
  const reader = new RingReader(ringMemory)
  const next = (): unknown => receiveMessageOnPort(port)?.message
  thread.expectJob()
  assert.equal(next(), undefined, 'an awake thread')
  assert.equal(reader.sleep(), true)
  thread.expectJob()
  thread.expectJob()
  assert.equal(next(), 'expect')
  assert.equal(next(), undefined, 'a thread that is woken already')
  assert.equal(reader.sleep(), true)
  thread.inFlight = 1
  thread.expectJob()
  assert.equal(next(), undefined, 'a thread whose job may wake it any time')
  thread.inFlight = 0
  finish()
  await ended
  thread.expectJob()
  assert.equal(indexWords(ringMemory)[asleepWord], 1, 'a thread that is gone')
})
