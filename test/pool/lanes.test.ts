import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Admission } from '../../src/pool/admission.ts'
import type { Job } from '../../src/pool/job.ts'
import { lanesMax } from '../../src/pool/lanes.ts'
import { createModelJob } from './simulated-provider.ts'

const adaptive = { concurrencyMin: 2, latencyTolerance: 2 }

function createGate (concurrency: number, bufferSize: number): Admission {
  return new Admission({ concurrency, bufferSize, dropExcess: true, adaptive })
}

/** Starts all that may start. @returns the models in this order */
function start (admission: Admission): string[] {
  const models: string[] = []
  for (let job = admission.peek(0); job !== null; job = admission.peek(0)) {
    admission.admit(job)
    models.push(modelOf(job))
  }
  return models
}

const modelOf = (job: Job): string => job.head?.model ?? ''

test('a model at its limit waits in its own lane; the others go on and take turns', () => {
  const admission = createGate(5, 100)
  for (let count = 0; count < 20; count++) admission.offer(createModelJob('a'))
  assert.deepEqual(start(admission), ['a', 'a'])
  for (const model of ['b', 'b', 'b', 'c']) admission.offer(createModelJob(model))
  assert.deepEqual(start(admission), ['b', 'c', 'b'], 'two of b and 5 in all may run')
  assert.deepEqual(admission.readLanes(), [
    { model: 'a', limit: 2, inFlight: 2, waiting: 18 }, { model: 'b', limit: 2, inFlight: 2, waiting: 1 }, { model: 'c', limit: 2, inFlight: 1, waiting: 0 }])
})

test('a lower priority of one model goes before a higher one of a model at its limit, never before another', () => {
  const admission = createGate(10, 100)
  for (let count = 0; count < 3; count++) admission.offer(createModelJob('a', 0, 0))
  for (const rank of [2, 1]) admission.offer(createModelJob('b', 0, rank))
  const order: [string, number][] = []
  for (let job = admission.peek(0); job !== null; job = admission.peek(0)) {
    admission.admit(job)
    order.push([modelOf(job), job.rank])
  }
  assert.deepEqual(order, [['a', 0], ['a', 0], ['b', 1], ['b', 2]])
})

test('a model whose requests fill the buffer does not keep another one from starting', () => {
  const admission = createGate(4, 3)
  const taken = (model: string): boolean => {
    const isTaken = admission.offer(createModelJob(model))
    start(admission)
    return isTaken
  }
  assert.deepEqual(Array.from({ length: 7 }, () => taken('a')), [true, true, true, true, true, false, false])
  assert.deepEqual(Array.from({ length: 3 }, () => taken('b')), [true, true, false])
  assert.equal(admission.inFlight, 4)
})

test('the place of one that has just ended is free for the next, before anything else has started', () => {
  const admission = createGate(4, 1)
  const jobs = Array.from({ length: 3 }, () => createModelJob('a'))
  for (const job of jobs) assert.equal(admission.offer(job), true)
  start(admission)
  assert.equal(admission.offer(createModelJob('a')), false)
  admission.finish(jobs[0] as Job)
  assert.equal(admission.offer(createModelJob('a')), true)
  assert.equal(admission.offer(createModelJob('a')), false)
})

test(`past ${lanesMax} busy models all further ones share a lane; a lane that was left idle longest goes to a new model`, () => {
  assert.equal(lanesMax, 64)
  const admission = createGate(1_000, 1_000)
  const jobs = Array.from({ length: 64 }, (_, index) => createModelJob(`m${index}`))
  for (const job of jobs) admission.offer(job)
  start(admission)
  for (const model of ['x', 'y', 'x']) admission.offer(createModelJob(model))
  assert.equal(start(admission).length, 2, 'x and y have one limit together')
  assert.deepEqual(admission.readLanes().map(({ model }) => model), ['other', ...jobs.map(modelOf)])
  for (const job of [jobs[7], jobs[3]]) admission.finish(job as Job)
  admission.offer(createModelJob('z'))
  assert.deepEqual(start(admission), ['z'])
  const models = admission.readLanes().map(({ model }) => model)
  assert.equal(models.length, 65)
  assert.ok(models.includes('z') && !models.includes('m3') && models.includes('m7'))
})

test('the limit of a model follows what is observed of it, and of no other', () => {
  const admission = createGate(100, 100)
  const running: Job[] = []
  for (let round = 0, nowMs = 0; round < 12; round++, nowMs += 50) {
    for (const model of ['a', 'b']) while (admission.offer(createModelJob(model)) && admission.readLanes().find((lane) => lane.model === model)?.waiting !== 20);
    for (let job = admission.peek(0); job !== null; job = admission.peek(0)) {
      admission.admit(job)
      running.push(job)
    }
    for (const job of running.splice(0)) {
      admission.finish(job)
      if (modelOf(job) === 'a') admission.observe('a', false, 50, 'success', nowMs)
    }
  }
  const [a, b] = admission.readLanes()
  assert.ok(a !== undefined && a.limit >= 8, `${a?.limit}`)
  assert.equal(b?.limit, 2)
})

test('switched off, every model runs up to the limit of the provider; switched on again, each has its own', () => {
  const admission = createGate(5, 100)
  for (let count = 0; count < 8; count++) admission.offer(createModelJob('a'))
  start(admission)
  assert.equal(admission.inFlight, 2)
  const limits = { concurrency: 5, bufferSize: 100, dropExcess: true }
  admission.setLimits({ ...limits, adaptive: null })
  assert.deepEqual(admission.readLanes(), [])
  assert.equal(start(admission).length, 3)
  admission.offer(createModelJob('b'))
  admission.setLimits({ ...limits, concurrency: 7, adaptive })
  admission.offer(createModelJob('c'))
  assert.deepEqual(start(admission).toSorted(), ['b', 'c'], 'a runs 5 of 2')
})

const models = ['a', 'b', 'c']
type Step = { do: 'offer' | 'end' | 'leave', pick: number, rank: number } | { do: 'observe', pick: number, latencyMs: number, isRefused: boolean } | { do: 'limits', concurrency: number, bufferSize: number, isAdaptive: boolean }
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('offer' as const), pick: fc.nat(100), rank: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), pick: fc.nat(100), rank: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), pick: fc.nat(100), rank: fc.constant(0) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('observe' as const), pick: fc.nat(2), latencyMs: fc.nat(1_000), isRefused: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limits' as const), concurrency: fc.integer({ min: 1, max: 12 }), bufferSize: fc.nat(12), isAdaptive: fc.boolean() }) }
), { maxLength: 300 })

test('whatever happens no more start than the provider and the model allow, nobody is lost or comes out twice, and all counts return to 0', () => {
  fc.assert(fc.property(steps, (list) => {
    let limits = { concurrency: 5, bufferSize: 6, isAdaptive: true }
    const admission = createGate(limits.concurrency, limits.bufferSize)
    const queued = new Set<Job>()
    const running = new Set<Job>()
    let nowMs = 0
    for (const step of list) {
      nowMs += 10
      if (step.do === 'offer') {
        const job = createModelJob(models[step.pick % models.length] as string, nowMs, step.rank)
        const before = admission.waiting
        const isTaken = admission.offer(job)
        const displaced = isTaken ? null : admission.displace(job)
        if (displaced !== null) {
          assert.ok(queued.delete(displaced) && displaced.rank > job.rank)
          assert.equal(admission.waiting, before)
        }
        if (isTaken || displaced !== null) queued.add(job)
      } else if (step.do === 'end' && running.size > 0) {
        const job = [...running][step.pick % running.size] as Job
        running.delete(job)
        admission.finish(job)
      } else if (step.do === 'leave' && queued.size > 0) {
        const job = [...queued][step.pick % queued.size] as Job
        queued.delete(job)
        admission.leave(job)
      } else if (step.do === 'observe') admission.observe(models[step.pick] as string, false, step.latencyMs, step.isRefused ? 'overloaded' : 'success', nowMs)
      else if (step.do === 'limits') {
        limits = step
        admission.setLimits({ concurrency: step.concurrency, bufferSize: step.bufferSize, dropExcess: true, adaptive: step.isAdaptive ? adaptive : null })
      }
      for (let job = admission.peek(nowMs); job !== null; job = admission.peek(nowMs)) {
        assert.ok(queued.delete(job))
        admission.admit(job)
        running.add(job)
        assert.ok(admission.inFlight <= limits.concurrency)
        const { model } = job.head as { model: string }
        const lane = admission.readLanes().find((reading) => reading.model === model)
        const ofModel = [...running].filter((other) => other.lane === job.lane).length
        if (limits.isAdaptive && lane !== undefined && job.lane > 0) assert.ok(ofModel <= lane.limit, `${ofModel} of ${lane.limit}`)
      }
      assert.deepEqual([admission.waiting, admission.inFlight], [queued.size, running.size])
      // Who waits now waits for the provider or for the model, never for nothing.
      for (const job of queued) {
        const lane = admission.readLanes().find((reading) => reading.model === job.head?.model)
        const atLimit = limits.isAdaptive && (job.lane === 0 || (lane !== undefined && lane.inFlight >= lane.limit))
        assert.ok(admission.inFlight >= limits.concurrency || atLimit)
      }
    }
    for (const job of queued) admission.leave(job)
    for (const job of running) admission.finish(job)
    assert.deepEqual([admission.waiting, admission.inFlight, admission.readLanes().filter(({ inFlight, waiting }) => inFlight + waiting > 0)], [0, 0, []])
    // With nothing left inside, exactly as many fit as one model may have at once and the buffer holds.
    const { concurrency, bufferSize } = limits
    admission.setLimits({ concurrency, bufferSize, dropExcess: true, adaptive: null })
    let taken = 0
    while (admission.offer(createModelJob('a'))) taken++
    assert.equal(taken, concurrency + bufferSize)
  }), { numRuns: 1_000 })
})
