import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Job } from '../../src/pool/job.ts'
import { JobSlots } from '../../src/pool/job-slots.ts'

/** Makes a job look used: every field holds something of its request. */
function occupy (job: Job): void {
  const something = { of: 'the request before' }
  Object.assign(job, { state: 'running', listener: something, head: something, body: [Buffer.from('secret')], bodyBytes: 6, thread: something, submittedAtMs: 123.5, previous: new Job(), next: new Job() })
}

test('a slot that is used again shows nothing of the request before', () => {
  const slots = new JobSlots(1)
  const job = slots.acquire()
  const unused = { ...slots.acquire() }
  occupy(job)
  slots.release(job)
  const again = slots.acquire()
  assert.equal(again, job)
  assert.deepEqual({ ...again, id: 0 }, { ...unused, id: 0 })
})

test('a released slot holds on to nothing while it is free', () => {
  const slots = new JobSlots(1)
  const job = slots.acquire()
  occupy(job)
  slots.release(job)
  const held = Object.entries(job).filter(([, value]) => typeof value === 'object' && value !== null && !(Array.isArray(value) && value.length === 0))
  assert.deepEqual(held, [])
})

test('an id of the past finds nothing, however often its slot has been used since', () => {
  const slots = new JobSlots(1)
  const past: number[] = []
  for (let use = 0; use < 4_095; use++) {
    const job = slots.acquire()
    assert.equal(slots.find(job.id), job)
    for (const id of past.slice(-50)) assert.equal(slots.find(id), null)
    past.push(job.id)
    slots.release(job)
    assert.equal(slots.find(job.id), null)
  }
  assert.equal(new Set(past).size, 4_095)
})

test('the generation wraps after 4,096 uses and ids stay unsigned', () => {
  const slots = new JobSlots(1)
  const ids = Array.from({ length: 4_097 }, () => {
    const job = slots.acquire()
    slots.release(job)
    return job.id
  })
  assert.ok(ids.every((id) => id >= 0 && id < 2 ** 32 && Number.isInteger(id)))
  assert.equal(ids[0], ids[4_096])
})

test('an id that was never given finds nothing', () => {
  const slots = new JobSlots(2)
  for (const id of [0, 1, 5, 2 ** 20, 2 ** 32 - 1]) assert.equal(slots.find(id), null)
})

test('releasing twice throws, also when the slot is in use again', () => {
  const slots = new JobSlots(2)
  const job = slots.acquire()
  slots.release(job)
  assert.throws(() => { slots.release(job) }, { message: `job ${job.id} was released twice` })
  assert.equal(slots.usedCount, 0)
  assert.equal(slots.freeCount, 2)
})

test('slots behave like a map from id to job, for every order of taking and giving back', () => {
  const steps = fc.array(fc.oneof(fc.constant(-1), fc.nat(50)), { maxLength: 300 })
  fc.assert(fc.property(fc.nat(5), steps, (initial, list) => {
    const slots = new JobSlots(initial)
    const used = new Map<number, Job>()
    const gone: number[] = []
    for (const step of list) {
      if (step < 0 || used.size === 0) {
        const job = slots.acquire()
        assert.equal(job.state, 'queued')
        assert.ok(!used.has(job.id) && ![...used.values()].includes(job))
        used.set(job.id, job)
      } else {
        const [id, job] = [...used][step % used.size] as [number, Job]
        slots.release(job)
        used.delete(id)
        gone.push(id)
      }
      for (const [id, job] of used) assert.equal(slots.find(id), job)
      for (const id of gone) assert.equal(slots.find(id), null)
      assert.equal(slots.usedCount, used.size)
      assert.deepEqual(new Set(slots.used()), new Set(used.values()))
    }
  }), { numRuns: 200 })
})

test('slots beyond the first ones are made when needed and kept', () => {
  const slots = new JobSlots(1)
  const jobs = [slots.acquire(), slots.acquire(), slots.acquire()]
  assert.equal(slots.usedCount, 3)
  for (const job of jobs) slots.release(job)
  assert.equal(slots.freeCount, 3)
})

test('a pool holds at most as many jobs as an id has slots', () => {
  const slots = new JobSlots(0)
  ;(slots as unknown as { jobs: Job[] }).jobs.length = 1_048_575
  const last = slots.acquire()
  assert.equal(last.id % 2 ** 20, 1_048_575)
  assert.equal(slots.find(last.id), last)
  assert.throws(() => slots.acquire(), { name: 'RangeError', message: 'more than 1048576 jobs in one pool' })
})
