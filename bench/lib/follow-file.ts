import { closeSync, openSync, readSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const pieceBytes = 256 * 1024
const lookMs = 10

/** Reads a log as it grows; each line is given out once. */
export class FileFollower {
  private readonly fd: number
  private readonly piece = Buffer.allocUnsafe(pieceBytes)
  private rest = ''

  constructor (path: string) {
    this.fd = openSync(path, 'r')
  }

  /**
   * The next line that holds one of the texts; lines before it are passed over.
   * @throws Error when there is none in time
   */
  async until (texts: readonly string[], limitMs: number): Promise<string> {
    const deadlineMs = performance.now() + limitMs
    for (;;) {
      for (let line = this.takeLine(); line !== null; line = this.takeLine()) {
        if (texts.some((text) => (line as string).includes(text))) return line
      }
      if (this.read()) continue
      if (performance.now() > deadlineMs) throw new Error(`not in the log within ${limitMs} ms: ${texts.join(' or ')}`)
      await delay(lookMs)
    }
  }

  close (): void {
    closeSync(this.fd)
  }

  private takeLine (): string | null {
    const end = this.rest.indexOf('\n')
    if (end < 0) return null
    const line = this.rest.slice(0, end)
    this.rest = this.rest.slice(end + 1)
    return line
  }

  private read (): boolean {
    const bytes = readSync(this.fd, this.piece, 0, pieceBytes, null)
    this.rest += this.piece.toString('latin1', 0, bytes)
    return bytes > 0
  }
}
