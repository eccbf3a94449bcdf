import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Admission, waitingBytesMax, waitingRequestsMax } from '../../src/pool/admission.ts'
import { Job } from '../../src/pool/job.ts'

function createJob (bodyBytes = 0): Job {
  const job = new Job()
  job.bodyBytes = bodyBytes
  return job
}

/** Offers `count` jobs. @returns how many were taken */
function fill (admission: Admission, count: number): number {
  let taken = 0
  for (let index = 0; index < count; index++) if (admission.offer(createJob())) taken++
  return taken
}

type Step = { do: 'offer', bytes: number } | { do: 'admit' } | { do: 'leave', which: number } | { do: 'finish' }
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('offer' as const), bytes: fc.nat(1000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('admit' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(1000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('finish' as const) }) }
), { maxLength: 200 })

test('the gate does what a plain array would do: never over its limits, first come first served, leaving from anywhere', () => {
  const limits = fc.record({ concurrency: fc.integer({ min: 1, max: 6 }), bufferSize: fc.nat(6), dropExcess: fc.boolean() })
  fc.assert(fc.property(limits, steps, ({ concurrency, bufferSize, dropExcess }, list) => {
    const admission = new Admission({ concurrency, bufferSize, dropExcess })
    let queue: Job[] = []
    let running = 0
    for (const step of list) {
      if (step.do === 'offer') {
        const job = createJob(step.bytes)
        // Requests on their way into a free place count as running, so a drain of the queue is not waited for.
        const room = !dropExcess || running + queue.length < concurrency + bufferSize
        assert.equal(admission.offer(job), room)
        if (room) queue.push(job)
      } else if (step.do === 'admit') {
        const expected = running < concurrency ? queue[0] ?? null : null
        const job = admission.peek()
        assert.equal(job, expected)
        if (job === null) continue
        admission.admit(job)
        queue = queue.slice(1)
        running++
      } else if (step.do === 'leave') {
        if (queue.length === 0) continue
        const [job] = queue.splice(step.which % queue.length, 1)
        admission.leave(job as Job)
        assert.deepEqual([job?.previous, job?.next], [null, null])
      } else if (running > 0) {
        admission.finish()
        running--
      }
      assert.deepEqual(
        [admission.inFlight, admission.waiting, admission.queueDepth, admission.queueBlocked],
        [running, queue.length, Math.min(queue.length, bufferSize), Math.max(0, queue.length - bufferSize)])
      assert.ok(admission.inFlight <= concurrency)
      if (dropExcess) assert.ok(admission.inFlight + admission.waiting <= concurrency + bufferSize)
    }
    // Everybody who still waits comes out, in order.
    const rest: Job[] = []
    for (; admission.inFlight > 0;) admission.finish()
    for (let job = admission.peek(); job !== null; job = admission.peek()) {
      admission.admit(job)
      admission.finish()
      rest.push(job)
    }
    assert.deepEqual(rest, queue)
    assert.equal(admission.waiting, 0)
  }), { numRuns: 1000 })
})

test('a full buffer drops, and takes one again for each that leaves or ends', () => {
  const admission = new Admission({ concurrency: 2, bufferSize: 3, dropExcess: true })
  assert.equal(fill(admission, 10), 5)
  admission.admit(admission.peek() as Job)
  admission.admit(admission.peek() as Job)
  assert.equal(admission.peek(), null)
  assert.equal(fill(admission, 1), 0)
  admission.finish()
  assert.equal(fill(admission, 2), 1)
  admission.admit(admission.peek() as Job)
  admission.finish()
  admission.leave(admission.peek() as Job)
  assert.equal(fill(admission, 5), 2)
})

test('a buffer of 0 takes as many as may run', () => {
  const admission = new Admission({ concurrency: 2, bufferSize: 0, dropExcess: true })
  assert.equal(fill(admission, 5), 2)
})

test('without dropping, 65,536 may wait, or as many as the buffer holds', () => {
  assert.equal(waitingRequestsMax, 65_536)
  const usual = new Admission({ concurrency: 1, bufferSize: 10, dropExcess: false })
  assert.equal(fill(usual, 70_000), 65_537)
  assert.equal(usual.queueDepth, 10)
  assert.equal(usual.queueBlocked, 65_527)
  const large = new Admission({ concurrency: 1, bufferSize: 80_000, dropExcess: false })
  assert.equal(fill(large, 90_000), 80_001)
})

test('512 MiB of bodies may wait, the first one of any size', () => {
  assert.equal(waitingBytesMax, 512 * 1024 * 1024)
  const admission = new Admission({ concurrency: 1, bufferSize: 100, dropExcess: true })
  const half = 256 * 1024 * 1024
  const first = createJob(half)
  assert.equal(admission.offer(first), true)
  assert.equal(admission.offer(createJob(half)), true)
  assert.equal(admission.offer(createJob(1)), false)
  assert.equal(admission.offer(createJob(0)), true)
  admission.leave(first)
  assert.equal(admission.offer(createJob(half + 1)), false)
  assert.equal(admission.offer(createJob(half)), true)
  const alone = new Admission({ concurrency: 1, bufferSize: 100, dropExcess: true })
  assert.equal(alone.offer(createJob(waitingBytesMax + 1)), true)
})

test('leaving costs the same from a long queue as from a short one', () => {
  const leaveNs = (length: number): number => {
    const admission = new Admission({ concurrency: 1, bufferSize: length, dropExcess: true })
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
