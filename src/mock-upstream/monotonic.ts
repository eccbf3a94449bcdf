/**
 * Microseconds of CLOCK_MONOTONIC. Every process on one Linux machine reads the same clock, so a stamp
 * taken here can be compared with one taken in the load generator.
 */
export function monotonicUs (): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + Math.floor(nanoseconds / 1000)
}
