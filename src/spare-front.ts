import type { ChildProcess } from 'node:child_process'
import type { ServeMessage } from './front.ts'

/** A front process that has loaded everything and waits for the end of the one that serves; at most one. */
export class SpareFront {
  private readonly fork: () => ChildProcess
  private process: ChildProcess | null = null

  constructor (fork: () => ChildProcess) {
    this.fork = fork
  }

  /** Starts one where there is none. Where that fails, the gateway serves all the same; a crash then costs a whole start. */
  keep (): void {
    if (this.process !== null) return
    try {
      const forked = this.process = this.fork()
      const forget = (): void => { if (this.process === forked) this.process = null }
      forked.once('exit', forget)
      forked.once('error', (error) => {
        forget()
        tellFailure(error)
      })
    } catch (error) {
      tellFailure(error)
    }
  }

  /**
   * It is its turn.
   * @param port null: nobody has served yet
   * @returns null where there is none
   */
  take (port: number | null): ChildProcess | null {
    const taken = this.process
    if (taken === null || port === null) return null
    this.process = null
    const turn: ServeMessage = { port }
    // One that has just ended does not hear it; its exit is yet to be told, like that of any front.
    taken.send(turn, () => {})
    return taken
  }

  end (): void {
    this.process?.kill('SIGKILL')
  }
}

function tellFailure (error: unknown): void {
  process.stderr.write(`no spare front process: ${String(error)}\n`)
}
