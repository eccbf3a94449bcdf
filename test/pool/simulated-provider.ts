import type { JobHead } from '../../src/api/job.ts'
import type { AdaptiveConcurrencySettings } from '../../src/api/settings.ts'
import { Admission } from '../../src/pool/admission.ts'
import type { LimitVerdict } from '../../src/pool/concurrency-limit.ts'
import { Job } from '../../src/pool/job.ts'

export interface Behaviour {
  /** How long an answer takes that is one of so many at once, in milliseconds. */
  latencyMs: (inFlight: number) => number
  /** More than this many at once are refused; Infinity for none. */
  concurrencyMax?: number
}

export interface Simulation {
  behaviour: Behaviour
  adaptive: AdaptiveConcurrencySettings
  /** Requests that want to be answered at any moment, by time. */
  demand: (nowMs: number) => number
  durationMs: number
  random: () => number
  /** Half of the requests are streams that begin after this share of a whole answer's time; 1: there are none. */
  firstByteShare?: number
}

export interface Course {
  /** The limit at the end of every second. */
  limits: number[]
  answered: number
  refused: number
}

interface Ending { atMs: number, startedAtMs: number, job: Job, verdict: LimitVerdict, stream: boolean }

const refusalMs = 5
const tickMs = 10

export function createModelJob (model: string, submittedAtMs = 0, rank = 1): Job {
  return Object.assign(new Job(), { head: { model } as JobHead, submittedAtMs, rank })
}

/** One model of one provider in virtual time: who asks, what it takes, and what the gate's limit becomes. */
export function simulate ({ behaviour, adaptive, demand, durationMs, random, firstByteShare = 1 }: Simulation): Course {
  const admission = new Admission({ concurrency: 1_000, bufferSize: 100_000, dropExcess: true, adaptive })
  const running: Ending[] = []
  const course: Course = { limits: [], answered: 0, refused: 0 }
  for (let nowMs = 0; nowMs <= durationMs; nowMs += tickMs) {
    for (const ending of running.filter(({ atMs }) => atMs <= nowMs)) {
      running.splice(running.indexOf(ending), 1)
      admission.finish(ending.job)
      admission.observe('m', ending.stream, ending.atMs - ending.startedAtMs, ending.verdict, nowMs)
      course[ending.verdict === 'success' ? 'answered' : 'refused']++
    }
    while (admission.waiting + admission.inFlight < demand(nowMs)) admission.offer(createModelJob('m', nowMs))
    for (let job = admission.peek(nowMs); job !== null; job = admission.peek(nowMs)) {
      admission.admit(job)
      const isRefused = admission.inFlight > (behaviour.concurrencyMax ?? Infinity)
      const stream = firstByteShare < 1 && random() < 0.5
      const tookMs = isRefused ? refusalMs : behaviour.latencyMs(admission.inFlight) * (0.8 + 0.4 * random()) * (stream ? firstByteShare : 1)
      running.push({ atMs: nowMs + tookMs, startedAtMs: nowMs, job, verdict: isRefused ? 'overloaded' : 'success', stream })
    }
    if (nowMs % 1_000 === 0 && nowMs > 0) course.limits.push(admission.readLanes()[0]?.limit ?? 0)
  }
  return course
}
