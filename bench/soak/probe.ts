// Preload of the gateway under test (`NODE_OPTIONS=--import`): in its front process, whoever connects to the Unix socket
// gets figures taken after a collection. The gateway itself knows nothing of it.
import { readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

export interface Figures {
  pid: number
  /** Of the front thread, after a collection, in bytes. */
  heapBytes: number
  arrayBufferBytes: number
  /** Of the whole process, worker threads included, in bytes. */
  rssBytes: number
  /** Timers, sockets and other handles of the front thread's event loop. */
  handles: number
  fileDescriptors: number
  threads: number
}

const collectionsTotal = 3

function listen (socketPath: string): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // A front that took the place of one that died.
  rmSync(socketPath, { force: true })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    void measure(collect).then((figures) => { socket.end(JSON.stringify(figures)) })
  })
  server.listen(socketPath)
  server.unref()
}

/** Figures of the moment, the connection that asks included. */
async function measure (collect: () => void): Promise<Figures> {
  for (let round = 0; round < collectionsTotal; round++) {
    collect()
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  const memory = process.memoryUsage()
  return {
    pid: process.pid,
    heapBytes: memory.heapUsed,
    arrayBufferBytes: memory.arrayBuffers,
    rssBytes: memory.rss,
    handles: process.getActiveResourcesInfo().length,
    fileDescriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length
  }
}

const socketPath = process.env['BIFROST_SOAK_SOCKET']
if (isMainThread && socketPath !== undefined && process.argv[1]?.endsWith('front.js') === true) listen(socketPath)
