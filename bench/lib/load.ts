import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { AutocannonOptions, AutocannonResult } from './autocannon-load.ts'
import type { ClosedLoopOptions, ClosedLoopResult } from './closed-loop.ts'
import type { OpenLoopOptions, OpenLoopResult } from './open-loop.ts'
import type { TreeUsage } from './process-tree.ts'
import type { SteadyOptions, SteadyResult } from './steady-load.ts'
import type { StreamsOptions, StreamsResult } from './sse-streams.ts'

export type LoadOptions = AutocannonOptions | ClosedLoopOptions | OpenLoopOptions | SteadyOptions | StreamsOptions

interface LoadResults {
  autocannon: AutocannonResult
  'closed-loop': ClosedLoopResult
  'open-loop': OpenLoopResult
  steady: SteadyResult
  streams: StreamsResult
}

export type LoadMessage =
  | { type: 'measure-start' | 'measure-end' }
  | { type: 'progress', count: number }
  | { type: 'result', result: unknown }
  | { type: 'failed', message: string }

export interface Measured<R> {
  result: R
  /** What the measured process tree used between the start and the end of counting; null without one. */
  usage: { cpuUs: number, rssBytes: number } | null
}

/** Runs a load in a process of its own, so that neither the bench nor another load disturbs it. */
export async function runLoad<O extends LoadOptions> (options: O, hooks: { usage?: (() => TreeUsage) | null, onProgress?: (count: number) => void } = {}): Promise<Measured<LoadResults[O['kind']]>> {
  const child = fork(join(import.meta.dirname, 'load-child.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  let before: TreeUsage | null = null
  let after: TreeUsage | null = null
  const result = await new Promise<unknown>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => { reject(new Error(`the load process ended without a result (${signal ?? code})`)) })
    child.on('message', (message: LoadMessage) => {
      switch (message.type) {
        case 'measure-start': before = hooks.usage?.() ?? null; break
        case 'measure-end': after = hooks.usage?.() ?? null; break
        case 'progress': hooks.onProgress?.(message.count); break
        case 'result': resolve(message.result); break
        case 'failed': reject(new Error(message.message)); break
      }
    })
    child.send(options)
  })
  return { result: result as LoadResults[O['kind']], usage: difference(before, after) }
}

function difference (before: TreeUsage | null, after: TreeUsage | null): { cpuUs: number, rssBytes: number } | null {
  if (before === null || after === null) return null
  return { cpuUs: after.cpuUs - before.cpuUs, rssBytes: after.rssBytes }
}
