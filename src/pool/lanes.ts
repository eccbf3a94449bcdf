import { ConcurrencyLimit } from './concurrency-limit.ts'
import type { LimitBounds } from './concurrency-limit.ts'
import type { Job } from './job.ts'
import type { JobList } from './job-list.ts'
import { Lane } from './lane.ts'

/** Models with a lane of their own; model names come from clients. Choosing who is next looks at no more than this many lanes. */
export const lanesMax = 64

/**
 * The lanes of one provider, served in turn. Without bounds there is one, without a limit. With bounds each model has its own; when
 * all are taken, a new model gets the one that was left idle longest, and where none is idle, the shared one at index 0.
 */
export class Lanes {
  readonly all: Lane[]
  private readonly byModel = new Map<string, number>()
  private bounds: LimitBounds | null
  private uses = 0
  /** Whose turn it is. */
  private turn = 0

  constructor (bounds: LimitBounds | null) {
    this.bounds = bounds
    this.all = [new Lane('other', bounds === null ? null : new ConcurrencyLimit(bounds))]
  }

  at (index: number): Lane {
    return this.all[index] as Lane
  }

  /** @returns the index of the lane for a new job */
  enter (job: Job): number {
    if (this.bounds === null || job.head === null) return 0
    const { model } = job.head
    const index = this.byModel.get(model) ?? this.open(model, this.bounds)
    this.at(index).lastUse = ++this.uses
    return index
  }

  /** @returns the lane that the jobs of this model are in */
  of (model: string): Lane {
    return this.at(this.byModel.get(model) ?? 0)
  }

  /** @returns the job of this rank whose turn it is, null when none may start */
  next (rank: number, nowMs: number): Job | null {
    const { all, turn } = this
    if (all.length === 1) return this.at(0).next(rank, nowMs)
    for (let step = 0; step < all.length; step++) {
      const job = this.at((turn + step) % all.length).next(rank, nowMs)
      if (job !== null) return job
    }
    return null
  }

  /** A job of this lane has had its turn. */
  pass (index: number): void {
    this.turn = index + 1 < this.all.length ? index + 1 : 0
  }

  /** @returns the job of this rank that came last, null when none waits */
  newest (rank: number): Job | null {
    let newest: Job | null = null
    for (const lane of this.all) {
      const job = (lane.lists[rank] as JobList).newest
      if (job !== null && (newest === null || job.submittedAtMs >= newest.submittedAtMs)) newest = job
    }
    return newest
  }

  setBounds (bounds: LimitBounds | null): void {
    this.bounds = bounds
    for (const lane of this.all) {
      if (bounds === null) lane.limit = null
      else if (lane.limit === null) lane.limit = new ConcurrencyLimit(bounds)
      else lane.limit.setBounds(bounds)
    }
    if (bounds === null) this.closeIdle()
  }

  private open (model: string, bounds: LimitBounds): number {
    const index = this.all.length <= lanesMax ? this.all.length : this.idlest()
    if (index === 0) return 0
    if (index < this.all.length) this.byModel.delete(this.at(index).model)
    this.all[index] = new Lane(model, new ConcurrencyLimit(bounds))
    this.byModel.set(model, index)
    return index
  }

  /** @returns 0 when every lane has something to do */
  private idlest (): number {
    let idlest = 0
    for (let index = 1; index < this.all.length; index++) {
      const lane = this.at(index)
      if (lane.isIdle && (idlest === 0 || lane.lastUse < this.at(idlest).lastUse)) idlest = index
    }
    return idlest
  }

  /** Jobs know their lane by its index, so lanes only go from the end. */
  private closeIdle (): void {
    while (this.all.length > 1 && this.at(this.all.length - 1).isIdle) this.byModel.delete((this.all.pop() as Lane).model)
    this.turn = 0
  }
}
