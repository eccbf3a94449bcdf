/** Bits of a job id that name its slot; see `src/pool/job-slots.ts`. */
const slotMask = (1 << 20) - 1

/**
 * What a thread has in hand, by job id: an array over the slots, which the front reuses from low to
 * high. A `Map` under this much coming and going is rehashed all the time, and each table that it
 * leaves behind in old space keeps the entries of its time alive until a full collection.
 */
export class SlotMap<Value> {
  private readonly ids: number[] = []
  private readonly values: (Value | undefined)[] = []
  size = 0

  get (jobId: number): Value | undefined {
    const slot = jobId & slotMask
    return this.ids[slot] === jobId ? this.values[slot] : undefined
  }

  set (jobId: number, value: Value): void {
    const slot = jobId & slotMask
    // No holes: a slot far out would turn the array into a dictionary.
    while (this.ids.length <= slot) {
      this.ids.push(-1)
      this.values.push(undefined)
    }
    if (this.values[slot] === undefined) this.size++
    this.ids[slot] = jobId
    this.values[slot] = value
  }

  delete (jobId: number): void {
    if (this.get(jobId) === undefined) return
    const slot = jobId & slotMask
    this.ids[slot] = -1
    this.values[slot] = undefined
    this.size--
  }

  /** The callback may delete. */
  forEach (callback: (value: Value) => void): void {
    for (let slot = 0; slot < this.values.length; slot++) {
      const value = this.values[slot]
      if (value !== undefined) callback(value)
    }
  }
}
