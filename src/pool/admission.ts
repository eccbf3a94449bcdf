import { priorities } from '../api/job.ts'
import type { AdaptiveConcurrencySettings } from '../api/settings.ts'
import type { LimitBounds, LimitVerdict } from './concurrency-limit.ts'
import type { Job } from './job.ts'
import type { JobList } from './job-list.ts'
import type { Lane } from './lane.ts'
import { Lanes } from './lanes.ts'

/** How many requests may wait when full queues do not drop (`drop_excess_requests` false). */
export const waitingRequestsMax = 65_536
/** How many bytes of request bodies may wait in one provider's queue. */
export const waitingBytesMax = 512 * 1024 * 1024
/** Of a buffer that drops: requests of the lowest priority may fill it up to here. */
const lowShare = 0.5
const lowestRank = priorities.length - 1

export interface AdmissionLimits {
  concurrency: number
  bufferSize: number
  dropExcess: boolean
  /** Null when models have no limits of their own. */
  adaptive: AdaptiveConcurrencySettings | null
}

/** How a model stands with its own limit. */
export interface LaneReading {
  model: string
  limit: number
  inFlight: number
  waiting: number
}

/**
 * One provider's gate: at most `concurrency` attempts run at once over all its threads, at most
 * `bufferSize` more wait. One thread admits, so plain integers make the limits exact. Higher priorities go first; within one,
 * models take turns where they have limits of their own (`lanes.ts`), and `job-list.ts` says who is next of a model.
 */
export class Admission {
  private limits: AdmissionLimits
  private readonly lanes: Lanes
  private readonly waitingByRank = priorities.map(() => 0)
  private waitingBytes = 0
  /** Of those that wait: how many would also wait if the provider had room, since their model is at its limit. */
  private held = 0
  waiting = 0
  inFlight = 0

  constructor (limits: AdmissionLimits) {
    this.limits = limits
    this.lanes = new Lanes(toBounds(limits))
  }

  /** Requests in the configured buffer. */
  get queueDepth (): number {
    return Math.min(this.waiting, this.limits.bufferSize)
  }

  /** Requests that wait for room in the buffer. */
  get queueBlocked (): number {
    return Math.max(0, this.waiting - this.limits.bufferSize)
  }

  /** From now on. What runs or waits beyond lower limits stays and is waited for; with higher ones more may run at once. */
  setLimits (limits: AdmissionLimits): void {
    this.limits = limits
    this.lanes.setBounds(toBounds(limits))
    for (const lane of this.lanes.all) this.countHeld(lane)
  }

  /** Queues a job. @returns false when there is no room for it, and nothing has changed */
  offer (job: Job): boolean {
    job.lane = this.lanes.enter(job)
    if (!this.hasRoom(job)) return false
    this.enqueue(job)
    return true
  }

  /**
   * Queues a job that was refused in the place of another one.
   * @returns the newest job of the lowest priority below its own, which is out of the queue now; null when there is none
   */
  displace (job: Job): Job | null {
    for (let rank = lowestRank; rank > job.rank; rank--) {
      if (this.waitingByRank[rank] === 0) continue
      const displaced = this.lanes.newest(rank) as Job
      if (this.waiting > 1 && this.waitingBytes - displaced.bodyBytes + job.bodyBytes > waitingBytesMax) return null
      this.unlink(displaced)
      this.enqueue(job)
      return displaced
    }
    return null
  }

  /** @returns the job that may run next, still in the queue; null when none may */
  peek (nowMs: number): Job | null {
    if (this.waiting === 0 || this.inFlight >= this.limits.concurrency) return null
    for (let rank = 0; rank <= lowestRank; rank++) {
      const job = this.waitingByRank[rank] === 0 ? null : this.lanes.next(rank, nowMs)
      if (job !== null) return job
    }
    return null
  }

  /** Moves a queued job to running. */
  admit (job: Job): void {
    const lane = this.unlink(job)
    this.inFlight++
    lane.inFlight++
    lane.limit?.onStart(lane.inFlight)
    this.countHeld(lane)
    this.lanes.pass(job.lane)
  }

  /** Takes a job out of the queue that will not run. */
  leave (job: Job): void {
    this.unlink(job)
  }

  /** A running job has ended. */
  finish (job: Job): void {
    this.inFlight--
    const lane = this.lanes.at(job.lane)
    lane.inFlight--
    this.countHeld(lane)
  }

  /** How an attempt on a model went; its limit follows. Means nothing where models have none. */
  observe (model: string, stream: boolean, latencyMs: number, verdict: LimitVerdict, nowMs: number): void {
    const lane = this.lanes.of(model)
    lane.limit?.observe(stream, latencyMs, verdict, nowMs)
    this.countHeld(lane)
  }

  /** Of every model that has a limit of its own. */
  readLanes (): LaneReading[] {
    return this.lanes.all.filter(({ limit, lastUse }) => limit !== null && lastUse > 0)
      .map(({ model, limit, inFlight, waiting }) => ({ model, limit: limit === null ? 0 : limit.value, inFlight, waiting }))
  }

  /** Jobs that are about to start do not count as waiting: a drain of the queue is not waited for. */
  private hasRoom (job: Job): boolean {
    const { concurrency, bufferSize, dropExcess } = this.limits
    const waitingMax = !dropExcess ? Math.max(bufferSize, waitingRequestsMax) : job.rank === lowestRank ? bufferSize * lowShare : bufferSize
    const waiting = this.waiting + 1
    const lane = this.lanes.at(job.lane)
    const held = lane.limit !== null && lane.waiting >= lane.room ? this.held + 1 : this.held
    const starting = Math.max(0, Math.min(concurrency - this.inFlight, waiting - held))
    if (waiting - starting > waitingMax) return false
    return this.waiting === 0 || this.waitingBytes + job.bodyBytes <= waitingBytesMax
  }

  private enqueue (job: Job): void {
    const lane = this.lanes.at(job.lane)
    ;(lane.lists[job.rank] as JobList).push(job)
    lane.waiting++
    this.waiting++
    ;(this.waitingByRank[job.rank] as number)++
    this.waitingBytes += job.bodyBytes
    this.countHeld(lane)
  }

  private unlink (job: Job): Lane {
    const lane = this.lanes.at(job.lane)
    ;(lane.lists[job.rank] as JobList).remove(job)
    lane.waiting--
    this.waiting--
    ;(this.waitingByRank[job.rank] as number)--
    this.waitingBytes -= job.bodyBytes
    this.countHeld(lane)
    return lane
  }

  /** After every change of a lane: the sum over all lanes stays right without looking at the others. */
  private countHeld (lane: Lane): void {
    if (lane.limit === null && lane.held === 0) return
    const held = Math.max(0, lane.waiting - lane.room)
    this.held += held - lane.held
    lane.held = held
  }
}

function toBounds ({ adaptive, concurrency }: AdmissionLimits): LimitBounds | null {
  return adaptive === null ? null : { limitMin: Math.min(adaptive.concurrencyMin, concurrency), limitMax: concurrency, latencyTolerance: adaptive.latencyTolerance }
}
