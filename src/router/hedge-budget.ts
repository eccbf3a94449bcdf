/** What requests without a hedge can save up, in hedges: the most that start at once when everything gets slow. */
const savedHedgesMax = 10

/**
 * Keeps hedges from doubling the load of a provider that has become slow: a share of a token per request, a token per hedge. It begins
 * empty, so that over any time there are at most `share` hedges per request and `savedHedgesMax` more.
 */
export class HedgeBudget {
  private tokens = 0

  /** @param share hedges per request, 0 to 1 */
  onRequest (share: number): void {
    this.tokens = Math.min(savedHedgesMax, this.tokens + share)
  }

  get allowsOne (): boolean {
    return this.tokens >= 1
  }

  /** A hedge has started. */
  take (): void {
    this.tokens--
  }
}
