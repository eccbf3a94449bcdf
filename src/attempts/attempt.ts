/** One try on one target, running in this thread. Every attempt ends with exactly one ending frame. */
export interface Attempt {
  /** The front has lost interest: abort the upstream and end. */
  cancel (): void
  /** The client took this many bytes of the stream. */
  credit (bytes: number): void
  /** Called every `tickMs`; checks the deadlines. */
  tick (nowMs: number): void
}

/** How often deadlines are looked at: one sweep over the jobs in hand instead of timers per request. */
export const tickMs = 50
