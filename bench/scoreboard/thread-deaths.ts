import { readdirSync } from 'node:fs'
import { eventually, pause } from '../../test/helpers/wait.ts'
import { directChildren } from '../lib/process-tree.ts'
import type { Target } from '../lib/targets.ts'
import { seeRequest } from './steady-requests.ts'

const latencyMs = 50
export const threads = 4
/** Between two looks at the threads. */
const lookMs = 2
const turnsMax = 5
/** A thread in a loop is ended after some 2.5 s. */
const deathMsMax = 4_000
const recoveryMsMax = 10_000
/** Longer than a stream, so that the load is there again, and every thread has served: one that dies before it has is not replaced at once. */
const settleMs = 400
/** The time of the request is over soon after the latency. What is left then is too little to try it on the next thread, which it would end too. */
const onceOnly = { 'x-bf-request-timeout': String((latencyMs + 9) / 1_000) }

/** Its streams take 300 ms. */
export const mockProvider = { mock: { latency_ms: latencyMs, thread_faults: true, tokens: 10, tokens_per_second: 50 }, threads, max_heap_mb: 32 }

export interface ThreadDeath {
  /** Requests that the thread had in hand at the last look. */
  inHand: number
  /** From the moment when the fault was due. */
  untilDeadMs: number
  /** From the death until all threads are ready. */
  untilFullMs: number
}

interface ReadyThread { index: number, in_flight: number }

async function readyThreads (gateway: Target): Promise<ReadyThread[]> {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/api/health/providers`)
  const { providers } = await response.json() as { providers: { name: string, threads: (ReadyThread & { ready: boolean })[] }[] }
  return providers.find(({ name }) => name === 'mock')?.threads.filter(({ ready }) => ready) ?? []
}

async function untilFull (gateway: Target): Promise<void> {
  await eventually(async () => (await readyThreads(gateway)).length === threads, 'all threads are ready', recoveryMsMax)
}

/** The kernel may know before the gateway does: whichever shows it first counts. @returns null when no thread has ended by then */
async function untilDead (gateway: Target, deadlineMs: number): Promise<{ diedMs: number, inHand: number } | null> {
  const tasks = (): string[] => readdirSync(`/proc/${directChildren(gateway.pid)[0]}/task`)
  const tasksBefore = tasks()
  let before = await readyThreads(gateway)
  let diedMs = Infinity
  while (performance.now() < deadlineMs) {
    const lookedMs = performance.now()
    const tasksNow = new Set(tasks())
    if (tasksBefore.some((task) => !tasksNow.has(task))) diedMs = Math.min(diedMs, lookedMs)
    const now = await readyThreads(gateway)
    const dead = before.find(({ index }) => !now.some((thread) => thread.index === index))
    if (dead !== undefined) return { diedMs: Math.min(diedMs, lookedMs), inHand: dead.in_flight }
    before = now
    await pause(lookMs)
  }
  return null
}

/** Ends one thread by a request for this model, under the load of the caller, and waits until the provider is whole again. */
export async function endThread (gateway: Target, model: string): Promise<ThreadDeath> {
  await untilFull(gateway)
  await pause(settleMs)
  // A request whose time runs out before its turn ends no thread: then the next one does.
  for (let turn = 0; turn < turnsMax; turn++) {
    const dueMs = performance.now() + latencyMs
    const [death] = await Promise.all([untilDead(gateway, dueMs + deathMsMax), seeRequest(gateway.port, `mock/${model}`, false, onceOnly)])
    if (death === null) continue
    await untilFull(gateway)
    return { inHand: death.inHand, untilDeadMs: death.diedMs - dueMs, untilFullMs: performance.now() - death.diedMs }
  }
  throw new Error(`${model} ended no thread`)
}
