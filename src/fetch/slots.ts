/** Lets so many tasks run at once; the others wait in the order in which they came. */
export class Slots {
  private readonly max: number
  private readonly waiting = new Set<() => void>()
  private running = 0

  constructor (max: number) {
    this.max = max
  }

  /** @throws the signal's reason when it aborts before the task could begin; the task itself has to look at the signal */
  async run<T> (task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.running >= this.max) await this.turn(signal)
    else this.running++
    try {
      signal.throwIfAborted()
      return await task()
    } finally {
      this.pass()
    }
  }

  /** Resolves when a slot was handed over. */
  private turn (signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.delete(onTurn)
        reject(signal.reason)
      }
      const onTurn = (): void => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      this.waiting.add(onTurn)
    })
  }

  /** The slot goes to who has waited longest, or is free. */
  private pass (): void {
    const [next] = this.waiting
    if (next === undefined) this.running--
    else {
      this.waiting.delete(next)
      next()
    }
  }
}
