import { Job } from './job.ts'

/**
 * The jobs of a pool by id, as reusable slots. An id holds slot and generation, so that a frame
 * which comes late for a slot that serves another job already is recognised and dropped:
 *
 *   | generation, 12 bits | slot, 20 bits |
 */
const slotBits = 20
const slotMask = (1 << slotBits) - 1
const generationMask = (1 << (32 - slotBits)) - 1

/** Most jobs that a pool can hold, queued and running. */
const jobSlotsMax = slotMask + 1

export class JobSlots {
  private readonly jobs: Job[] = []
  private readonly free: number[] = []

  /** @param initialSize slots that exist from the start */
  constructor (initialSize: number) {
    for (let slot = 0; slot < initialSize; slot++) {
      this.jobs.push(new Job())
      this.free.push(initialSize - 1 - slot)
    }
  }

  get usedCount (): number {
    return this.jobs.length - this.free.length
  }

  get freeCount (): number {
    return this.free.length
  }

  acquire (): Job {
    let slot = this.free.pop()
    if (slot === undefined) {
      slot = this.jobs.length
      if (slot >= jobSlotsMax) throw new RangeError(`more than ${jobSlotsMax} jobs in one pool`)
      this.jobs.push(new Job())
    }
    const job = this.jobs[slot] as Job
    if (job.state !== 'free') throw new Error(`job slot ${slot} is on the free list while ${job.state}`)
    const generation = ((job.id >>> slotBits) + 1) & generationMask
    job.id = ((generation << slotBits) | slot) >>> 0
    job.state = 'queued'
    return job
  }

  /** @returns the job of this id, null when its slot has moved on */
  find (id: number): Job | null {
    const job = this.jobs[id & slotMask]
    return job !== undefined && job.id === id && job.state !== 'free' ? job : null
  }

  /** Gives the slot back. Doing so twice is a defect that would let two requests share a slot, so it throws. */
  release (job: Job): void {
    if (job.state === 'free') throw new Error(`job ${job.id} was released twice`)
    job.reset()
    this.free.push(job.id & slotMask)
  }

  * used (): Generator<Job> {
    for (const job of this.jobs) if (job.state !== 'free') yield job
  }
}
