import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessagePort } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { ProviderThread } from '../../src/pool/provider-thread.ts'

interface Started {
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
  let port: MessagePort | null = null
  let finish = (): void => {}
  let crash = (_error: Error): void => {}
  const threads = {
    run: (task: { port: MessagePort }) => {
      port = task.port
      return new Promise<void>((resolve, reject) => {
        finish = resolve
        crash = reject
      })
    }
  } as unknown as Piscina
  const ended = new Promise<void>((resolve) => {
    // eslint-disable-next-line no-new
    new ProviderThread(0, 65_536, [], threads, {
      onReady: () => { events.push('ready') },
      onBatch: (batch) => { events.push(`batch ${Buffer.from(batch).toString()}`) },
      onEnd: (_thread, reason) => {
        events.push(reason)
        resolve()
      }
    })
  })
  return { port: port as unknown as MessagePort, events, ended, finish, crash }
}

const toBatch = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer

for (const [name, end, reason] of [['drains', 'finish', 'drained'], ['dies', 'crash', 'exit']] as const) {
  test(`what a thread has sent before its end is heard before its end, when it ${name}`, async () => {
    const thread = startThread()
    for (const text of ['one', 'two']) thread.port.postMessage(toBatch(text))
    thread[end](new Error('gone'))
    await thread.ended
    assert.deepEqual(thread.events, ['batch one', 'batch two', reason])
  })
}
