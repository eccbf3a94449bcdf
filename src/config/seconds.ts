/** A timer of 0 ms would mean "none" to some libraries, so the shortest is 1 ms. */
export function secondsToMs (seconds: number): number {
  return Math.max(1, Math.round(seconds * 1000))
}
