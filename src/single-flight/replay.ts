/** What all replays of a table may hold together. */
export interface ReplayBudget {
  leftBytes: number
}

/** The first one is made when a stream begins, in bytes. */
const capacityBytesMin = 4 * 1024
/** A late reader gets the stream in pieces of this size, in bytes: a slow one then holds views of this buffer, not copies. */
const pieceBytesMax = 32 * 1024

/** A stream so far, for those who join it late. Copied: a chunk as it comes is a view of a batch that may be much larger. */
export class Replay {
  private readonly bytesMax: number
  private readonly budget: ReplayBudget
  /** Grows by doubling. Only written to past `usedBytes`, so that views of what is before stay as they are. */
  private buffer: Buffer | null = null
  private usedBytes = 0

  constructor (bytesMax: number, budget: ReplayBudget) {
    this.bytesMax = bytesMax
    this.budget = budget
  }

  /** @returns false when there is no room; then the stream is not whole any more */
  append (bytes: Uint8Array): boolean {
    const needed = this.usedBytes + bytes.length
    if (needed > this.bytesMax || bytes.length > this.budget.leftBytes) return false
    if (this.buffer === null || needed > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.bytesMax, Math.max(needed, capacityBytesMin, this.usedBytes * 2)))
      this.buffer?.copy(grown, 0, 0, this.usedBytes)
      this.buffer = grown
    }
    this.buffer.set(bytes, this.usedBytes)
    this.usedBytes = needed
    this.budget.leftBytes -= bytes.length
    return true
  }

  /** The stream so far, in order. A piece may end within an event: all of them go to a client at once, or none. */
  pieces (): Uint8Array[] {
    const pieces: Uint8Array[] = []
    for (let at = 0; at < this.usedBytes; at += pieceBytesMax) {
      pieces.push((this.buffer as Buffer).subarray(at, Math.min(at + pieceBytesMax, this.usedBytes)))
    }
    return pieces
  }

  /** Nobody will ask for it any more. */
  drop (): void {
    this.budget.leftBytes += this.usedBytes
    this.usedBytes = 0
    this.buffer = null
  }
}
