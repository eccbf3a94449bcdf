/** Whose callback waits: the gateway's own timers and the pools' must be gone at the end. */
export type TimerOwner = 'gateway' | 'pool' | 'world'

interface Entry {
  atMs: number
  sequence: number
  run: (() => void) | null
  owner: TimerOwner
}

/** Time as a queue of events ordered by (time, sequence): it jumps from one to the next and never passes by itself. */
export class VirtualClock {
  /** Not 0, as no clock of a running process is. */
  nowMs = 1_000
  readonly pending: Record<TimerOwner, number> = { gateway: 0, pool: 0, world: 0 }
  private readonly heap: Entry[] = []
  private sequence = 0

  /** @returns what calls it off */
  after (waitMs: number, run: () => void, owner: TimerOwner = 'world'): () => void {
    const entry: Entry = { atMs: this.nowMs + Math.max(0, waitMs), sequence: this.sequence++, run, owner }
    this.pending[owner]++
    this.heap.push(entry)
    this.siftUp(this.heap.length - 1)
    return () => {
      if (entry.run === null) return
      entry.run = null
      this.pending[owner]--
    }
  }

  /** Runs the next event. @returns false when there is none */
  step (): boolean {
    for (let entry = this.pop(); entry !== null; entry = this.pop()) {
      const { run } = entry
      if (run === null) continue
      entry.run = null
      this.pending[entry.owner]--
      this.nowMs = entry.atMs
      run()
      return true
    }
    return false
  }

  private pop (): Entry | null {
    const { heap } = this
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) return null
    if (heap.length > 0) {
      heap[0] = last
      this.siftDown()
    }
    return first
  }

  private siftUp (start: number): void {
    const { heap } = this
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (isBefore(heap[parent] as Entry, heap[index] as Entry)) return
      this.swap(index, parent)
      index = parent
    }
  }

  private siftDown (): void {
    const { heap } = this
    let index = 0
    for (;;) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < heap.length && isBefore(heap[child] as Entry, heap[least] as Entry)) least = child
      }
      if (least === index) return
      this.swap(index, least)
      index = least
    }
  }

  private swap (one: number, other: number): void {
    const entry = this.heap[one] as Entry
    this.heap[one] = this.heap[other] as Entry
    this.heap[other] = entry
  }
}

function isBefore (one: Entry, other: Entry): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.sequence < other.sequence)
}
