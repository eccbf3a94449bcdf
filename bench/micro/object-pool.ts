import { pathToFileURL } from 'node:url'
import { measure } from '../lib/micro.ts'
import { ResultBatch } from '../../src/frames/result-frame.ts'
import { Job } from '../../src/pool/job.ts'
import { JobSlots } from '../../src/pool/job-slots.ts'
import { createUsage } from '../../src/api/usage.ts'

/**
 * What the two object pools save: jobs as slots against a new job in a Map, a reused result batch
 * against a new one; with the garbage collector's part, which shows in the sum over many calls.
 * Run: node dist/bench/micro/object-pool.js
 */
const inFlight = 64

function measureSlots (): number {
  const slots = new JobSlots(inFlight)
  const ids = Array.from({ length: inFlight }, () => slots.acquire().id)
  return measure(1_000_000, (index) => {
    const old = slots.find(ids[index % inFlight] as number)
    if (old === null) throw new Error('a job is lost')
    slots.release(old)
    ids[index % inFlight] = slots.acquire().id
  })
}

function measureMap (): number {
  const jobs = new Map<number, Job>()
  let next = 0
  const add = (): number => {
    const job = new Job()
    job.id = next++
    job.state = 'queued'
    jobs.set(job.id, job)
    return job.id
  }
  const ids = Array.from({ length: inFlight }, add)
  return measure(1_000_000, (index) => {
    const id = ids[index % inFlight] as number
    if (jobs.get(id) === undefined) throw new Error('a job is lost')
    jobs.delete(id)
    ids[index % inFlight] = add()
  })
}

function measureBatch (create: () => ResultBatch): number {
  const usage = createUsage(1, 2)
  const body = Buffer.alloc(700, 'x')
  return measure(50_000, (index) => {
    const batch = create()
    batch.reply(index, { status: 200, usage, upstreamMicroseconds: 1, spliceOffset: 699, headers: '', raw: '', body })
    batch.take()
  })
}

function figures (): Record<string, number> {
  const batch = new ResultBatch()
  return {
    'JobSlots: find + release + acquire': measureSlots(),
    'new Job: Map get + delete + set': measureMap(),
    'ResultBatch reused, one reply of 700 B': measureBatch(() => batch),
    'new ResultBatch of 64 KiB per batch': measureBatch(() => new ResultBatch()),
    'new ResultBatch of 1 KiB per batch': measureBatch(() => new ResultBatch(1024))
  }
}

export function run (): void {
  console.table(Object.entries(figures()).map(([what, ns]) => ({ what, 'ns per operation': ns })))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) run()
