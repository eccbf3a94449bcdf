import type { RetrySettings } from '../api/settings.ts'

/** Share by which a pause varies, so that clients that failed together do not come back together. */
const jitterShare = 0.2

/**
 * The pause before a retry: doubles from `retry_backoff_initial`, varies by 20%, never longer than `retry_backoff_max`.
 * @param retry 1 for the first one
 * @param random 0 <= random < 1
 * @returns milliseconds
 */
export function toBackoffMs (settings: RetrySettings, retry: number, random: number): number {
  const base = Math.min(settings.backoffMaxMs, settings.backoffInitialMs * 2 ** (retry - 1))
  return Math.min(settings.backoffMaxMs, base * (1 - jitterShare + 2 * jitterShare * random))
}
