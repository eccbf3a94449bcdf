import { readdirSync } from 'node:fs'

/** What a process holds. */
export interface ProcessFigures {
  /** Of the thread that asks, after a collection, in bytes. */
  heapBytes: number
  arrayBufferBytes: number
  /** Of the whole process, worker threads included, in bytes. */
  rssBytes: number
  /** Timers, sockets and other handles of the event loop. */
  handles: number
  fileDescriptors: number
  threads: number
}

/** What one collection frees may let go of more. */
const collectionsTotal = 3

/** @param collect `gc` of a process that exposes it */
export async function takeProcessFigures (collect: () => void): Promise<ProcessFigures> {
  for (let round = 0; round < collectionsTotal; round++) {
    collect()
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  const memory = process.memoryUsage()
  return {
    heapBytes: memory.heapUsed,
    arrayBufferBytes: memory.arrayBuffers,
    rssBytes: memory.rss,
    handles: process.getActiveResourcesInfo().length,
    fileDescriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length
  }
}
