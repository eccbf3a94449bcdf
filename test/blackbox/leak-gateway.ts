// The process under measurement of leak.test.ts: a gateway and nothing else. It is started with
// --expose-gc, says its port, and answers every message with figures taken after a collection.
import { readdirSync } from 'node:fs'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { Owner } from '../helpers/gateway.ts'

export interface Figures {
  /** Of the front thread, after a collection, in bytes. */
  heapBytes: number
  arrayBufferBytes: number
  /** Of the whole process, worker threads included, in bytes. */
  rssBytes: number
  /** Timers, sockets and other handles of the front thread's event loop. */
  handles: number
  fileDescriptors: number
  threads: number
  load: { exchanges: number, jobs: number }
}

const [upstreamUrl = ''] = process.argv.slice(2)
const cleanups: (() => Promise<void>)[] = []
const owner: Owner = { after: (fn) => { cleanups.push(fn) } }
const gateway = await startTestGateway(owner, {
  // A worker thread that leaks 1 KiB per request meets the end of its heap here, and its restart is counted.
  providers: { up: upstreamProvider(upstreamUrl, { concurrency: 64, bufferSize: 1000, maxHeapMb: 48 }) }
})

process.on('message', (message) => { void (message === 'measure' ? measure() : close()) })
process.send?.(gateway.port)

async function measure (): Promise<void> {
  await gateway.whenIdle()
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  const memory = process.memoryUsage()
  const figures: Figures = {
    heapBytes: memory.heapUsed,
    arrayBufferBytes: memory.arrayBuffers,
    rssBytes: memory.rss,
    handles: process.getActiveResourcesInfo().length,
    fileDescriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    load: gateway.load()
  }
  process.send?.(figures)
}

async function close (): Promise<void> {
  for (const cleanup of cleanups) await cleanup()
  process.disconnect()
}
