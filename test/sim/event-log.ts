/** Lines that a failure shows. */
const keptLines = 50

/** What happened, in order: a hash over everything and the last lines. Two runs of one seed have the same. */
export class EventLog {
  events = 0
  private readonly lines: string[] = []
  private high = 0x811c9dc5
  private low = 0x01234567

  add (nowMs: number, line: string): void {
    const text = `${nowMs.toFixed(3)} ${line}`
    this.lines[this.events++ % keptLines] = text
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      this.high = Math.imul(this.high ^ code, 0x01000193)
      this.low = Math.imul(this.low + code, 0x85ebca6b) ^ (this.low >>> 13)
    }
  }

  get hash (): string {
    return [this.high, this.low].map((part) => (part >>> 0).toString(16).padStart(8, '0')).join('')
  }

  last (): string[] {
    const start = Math.max(0, this.events - keptLines)
    return Array.from({ length: this.events - start }, (_, index) => this.lines[(start + index) % keptLines] as string)
  }
}
