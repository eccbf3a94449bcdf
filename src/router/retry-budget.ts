/** Retries that are always allowed, so that a provider with little traffic can retry at all. */
const floorRetries = 10
/** The floor grows back in this time, in milliseconds. */
const floorWindowMs = 10_000
/** What quiet times can save up, in retries. */
const savedRetriesMax = 500

/**
 * Keeps retries from feeding an outage: a token per retry, a share of a token per request. States: from empty (no retry)
 * to full; it fills with every request and slowly by itself up to the floor.
 */
export class RetryBudget {
  private tokens = floorRetries
  private filledAtMs = 0

  /** @param share retries per request, 0 to 1 */
  onRequest (share: number): void {
    this.tokens = Math.min(savedRetriesMax, this.tokens + share)
  }

  /** @returns whether a retry may be made now; it is paid for then */
  tryTake (share: number, nowMs: number): boolean {
    // A share of 0 means no retries, not even the floor.
    if (share === 0) return false
    if (this.tokens < floorRetries) this.tokens = Math.min(floorRetries, this.tokens + (nowMs - this.filledAtMs) * floorRetries / floorWindowMs)
    this.filledAtMs = nowMs
    if (this.tokens < 1) return false
    this.tokens--
    return true
  }
}
