import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Admission, waitingBytesMax, waitingRequestsMax } from '../../src/pool/admission.ts'
import { Job } from '../../src/pool/job.ts'

function createJob (bodyBytes = 0, rank = normal, submittedAtMs = 0): Job {
  return Object.assign(new Job(), { bodyBytes, rank, submittedAtMs })
}

/** Places in `priorities`. */
const [high, normal, low] = [0, 1, 2]

/** A gate without limits per model. */
function createGate (concurrency: number, bufferSize: number, dropExcess = true): Admission {
  return new Admission({ concurrency, bufferSize, dropExcess, adaptive: null })
}

/** Offers `count` jobs. @returns how many were taken */
function fill (admission: Admission, count: number, rank = normal): number {
  let taken = 0
  for (let index = 0; index < count; index++) if (admission.offer(createJob(0, rank))) taken++
  return taken
}

/** Takes everybody out, one at a time, in the order in which they would run. */
function drain (admission: Admission, nowMs: number): Job[] {
  const order: Job[] = []
  for (let job = admission.peek(nowMs); job !== null; job = admission.peek(nowMs)) {
    admission.admit(job)
    admission.finish(job)
    order.push(job)
  }
  return order
}

type Step = { do: 'offer', bytes: number, rank: number } | { do: 'admit' } | { do: 'leave', which: number } | { do: 'finish' } | { do: 'pass', ms: number }
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('offer' as const), bytes: fc.nat(1000), rank: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('admit' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(1000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('finish' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 100, 250, 500, 501) }) }
), { maxLength: 200 })

/** What a plain array would do. */
class Model {
  queue: Job[] = []
  running: Job[] = []
  nowMs = 0

  of (rank: number): Job[] {
    return this.queue.filter((job) => job.rank === rank)
  }

  next (): Job | null {
    const jobs = [high, normal, low].map((rank) => this.of(rank)).find((list) => list.length > 0) ?? []
    const [first] = jobs
    return first === undefined ? null : (this.nowMs - first.submittedAtMs > 500 ? jobs.at(-1) : first) as Job
  }

  /** Who has to go for a job of this rank. */
  victim (rank: number): Job | null {
    return [low, normal].filter((lower) => lower > rank).map((lower) => this.of(lower).at(-1)).find((job) => job !== undefined) ?? null
  }

  remove (job: Job): void {
    this.queue = this.queue.filter((other) => other !== job)
  }
}

test('the gate does what a plain array would do: never over its limits, high before low, old before new as long as it moves, leaving from anywhere', () => {
  const limits = fc.record({ concurrency: fc.integer({ min: 1, max: 6 }), bufferSize: fc.nat(6), dropExcess: fc.boolean() })
  fc.assert(fc.property(limits, steps, ({ concurrency, bufferSize, dropExcess }, list) => {
    const admission = createGate(concurrency, bufferSize, dropExcess)
    const model = new Model()
    for (const step of list) {
      if (step.do === 'offer') {
        const job = createJob(step.bytes, step.rank, model.nowMs)
        // Requests on their way into a free place count as running, so a drain of the queue is not waited for.
        const inside = model.running.length + model.queue.length
        const room = !dropExcess || inside + 1 <= concurrency + (step.rank === low ? bufferSize / 2 : bufferSize)
        assert.equal(admission.offer(job), room)
        const victim = room ? null : model.victim(step.rank)
        if (!room) assert.equal(admission.displace(job), victim)
        if (victim !== null) {
          model.remove(victim)
          assert.deepEqual([victim.previous, victim.next], [null, null])
        }
        if (room || victim !== null) model.queue.push(job)
      } else if (step.do === 'admit') {
        const expected = model.running.length < concurrency ? model.next() : null
        const job = admission.peek(model.nowMs)
        assert.equal(job, expected)
        if (job === null) continue
        admission.admit(job)
        model.remove(job)
        model.running.push(job)
      } else if (step.do === 'leave') {
        const job = model.queue[step.which % model.queue.length]
        if (job === undefined) continue
        model.remove(job)
        admission.leave(job)
        assert.deepEqual([job.previous, job.next], [null, null])
      } else if (step.do === 'finish') {
        const job = model.running.shift()
        if (job !== undefined) admission.finish(job)
      } else model.nowMs += step.ms
      const waiting = model.queue.length
      assert.deepEqual(
        [admission.inFlight, admission.waiting, admission.queueDepth, admission.queueBlocked],
        [model.running.length, waiting, Math.min(waiting, bufferSize), Math.max(0, waiting - bufferSize)])
      assert.ok(admission.inFlight <= concurrency)
      if (dropExcess) assert.ok(admission.inFlight + admission.waiting <= concurrency + bufferSize)
    }
    // Everybody who still waits comes out, in order.
    for (const job of model.running) admission.finish(job)
    const expected: Job[] = []
    for (let job = model.next(); job !== null; job = model.next()) {
      expected.push(job)
      model.remove(job)
    }
    assert.deepEqual(drain(admission, model.nowMs), expected)
    assert.deepEqual([admission.waiting, admission.inFlight], [0, 0])
    // The bytes are back at 0 as well: all of them may be taken again beside a small one.
    admission.offer(createJob(1))
    assert.equal(admission.offer(createJob(waitingBytesMax - 1)), dropExcess ? concurrency + bufferSize >= 2 : true)
  }), { numRuns: 1000 })
})

test('a queue is served first come first served until its oldest has waited 500 ms, and newest first after that, until its oldest is younger again', () => {
  const admission = createGate(1, 100)
  const jobs = [0, 100, 200, 300].map((atMs) => createJob(0, normal, atMs))
  for (const job of jobs) admission.offer(job)
  assert.equal(admission.peek(500), jobs[0], 'at the bound')
  assert.equal(admission.peek(500.01), jobs[3], 'past it')
  admission.leave(jobs[0] as Job)
  assert.equal(admission.peek(600), jobs[1], 'the oldest has left, the next one is younger')
  assert.equal(admission.peek(601), jobs[3])
})

test('one old request of low priority does not turn the order of the others around', () => {
  const admission = createGate(1, 100)
  const old = createJob(0, low, 0)
  const [first, second] = [createJob(0, normal, 900), createJob(0, normal, 950)]
  for (const job of [old, first, second]) admission.offer(job)
  assert.deepEqual(drain(admission, 1_000), [first, second, old])
})

test('a full queue takes high ones in the place of the newest low one, then of the newest normal one, and never of their like', () => {
  const admission = createGate(1, 6)
  const running = createJob()
  admission.offer(running)
  admission.admit(running)
  const lows = [0, 1, 2].map((atMs) => createJob(0, low, atMs))
  for (const job of lows) assert.equal(admission.offer(job), true)
  assert.equal(admission.offer(createJob(0, low)), false, 'half of the buffer is not for low ones')
  const normals = [3, 4, 5].map((atMs) => createJob(0, normal, atMs))
  for (const job of normals) assert.equal(admission.offer(job), true)
  const displaced = (rank: number): Job | null => {
    const job = createJob(0, rank, 6)
    assert.equal(admission.offer(job), false)
    return admission.displace(job)
  }
  assert.equal(displaced(low), null)
  assert.equal(displaced(normal), lows[2])
  assert.equal(displaced(high), lows[1])
  assert.equal(displaced(high), lows[0])
  assert.equal(displaced(normal), null)
  assert.equal((displaced(high) as Job).rank, normal)
  assert.equal(displaced(high), normals[2])
  assert.equal(displaced(high), normals[1])
  assert.equal(displaced(high), normals[0])
  assert.equal(displaced(high), null)
  assert.equal(admission.waiting, 6)
})

test('a request of high priority displaces nobody where its own bytes do not fit', () => {
  const admission = createGate(1, 2)
  for (let index = 0; index < 3; index++) {
    const job = createJob(1, low)
    admission.offer(job)
    if (index === 0) admission.admit(job)
  }
  admission.offer(createJob(waitingBytesMax - 1, normal))
  const huge = createJob(2, high)
  assert.equal(admission.offer(huge), false)
  assert.equal(admission.displace(huge), null)
  assert.equal(admission.waiting, 2)
})

test('limits change under way: what runs beyond a lower one is waited for, and a higher one lets more run at once', () => {
  const admission = createGate(4, 4)
  const jobs = Array.from({ length: 8 }, () => createJob())
  for (const job of jobs) admission.offer(job)
  for (let count = 0; count < 4; count++) admission.admit(admission.peek(0) as Job)
  admission.setLimits({ concurrency: 2, bufferSize: 1, dropExcess: true, adaptive: null })
  assert.equal(fill(admission, 1), 0)
  for (let count = 0; count < 2; count++) {
    admission.finish(jobs[count] as Job)
    assert.equal(admission.peek(0), null, 'still as many as may run')
  }
  admission.finish(jobs[2] as Job)
  assert.equal(admission.peek(0), jobs[4])
  admission.setLimits({ concurrency: 5, bufferSize: 9, dropExcess: true, adaptive: null })
  for (let count = 0; count < 4; count++) admission.admit(admission.peek(0) as Job)
  assert.deepEqual([admission.inFlight, admission.waiting], [5, 0])
})

test('a full buffer drops, and takes one again for each that leaves or ends', () => {
  const admission = createGate(2, 3)
  assert.equal(fill(admission, 10), 5)
  const first = admission.peek(0) as Job
  admission.admit(first)
  admission.admit(admission.peek(0) as Job)
  assert.equal(admission.peek(0), null)
  assert.equal(fill(admission, 1), 0)
  admission.finish(first)
  assert.equal(fill(admission, 2), 1)
  const next = admission.peek(0) as Job
  admission.admit(next)
  admission.finish(next)
  admission.leave(admission.peek(0) as Job)
  assert.equal(fill(admission, 5), 2)
})

test('a buffer of 0 takes as many as may run', () => {
  const admission = createGate(2, 0)
  assert.equal(fill(admission, 5), 2)
})

test('without dropping, 65,536 may wait, or as many as the buffer holds', () => {
  assert.equal(waitingRequestsMax, 65_536)
  const usual = createGate(1, 10, false)
  assert.equal(fill(usual, 70_000), 65_537)
  assert.equal(usual.queueDepth, 10)
  assert.equal(usual.queueBlocked, 65_527)
  const large = createGate(1, 80_000, false)
  assert.equal(fill(large, 90_000), 80_001)
})

test('512 MiB of bodies may wait, the first one of any size', () => {
  assert.equal(waitingBytesMax, 512 * 1024 * 1024)
  const admission = createGate(1, 100)
  const half = 256 * 1024 * 1024
  const first = createJob(half)
  assert.equal(admission.offer(first), true)
  assert.equal(admission.offer(createJob(half)), true)
  assert.equal(admission.offer(createJob(1)), false)
  assert.equal(admission.offer(createJob(0)), true)
  admission.leave(first)
  assert.equal(admission.offer(createJob(half + 1)), false)
  assert.equal(admission.offer(createJob(half)), true)
  const alone = createGate(1, 100)
  assert.equal(alone.offer(createJob(waitingBytesMax + 1)), true)
})

test('leaving costs the same from a long queue as from a short one', () => {
  const leaveNs = (length: number): number => {
    const admission = createGate(1, length)
    const jobs = Array.from({ length }, () => createJob())
    for (const job of jobs) admission.offer(job)
    // From the middle outwards, where a search would be slowest.
    const leaving = jobs.slice(length / 2, length / 2 + 400)
    const start = process.hrtime.bigint()
    for (const job of leaving) admission.leave(job)
    return Number(process.hrtime.bigint() - start) / leaving.length
  }
  const best = (length: number): number => Math.min(...Array.from({ length: 7 }, () => leaveNs(length)))
  best(1_000)
  const [short, long] = [best(1_000), best(64_000)]
  assert.ok(long < short * 16 + 500, `${short} ns from 1,000, ${long} ns from 64,000`)
})
