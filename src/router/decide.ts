import type { ErrorCode } from '../errors.ts'

/** What a request has behind it when an attempt fails. */
export interface AttemptState {
  /** Attempts made, the failed one included. */
  attempts: number
  /** Bytes of the answer have reached the client. */
  answered: boolean
}

/** Attempts of one request, at most, when threads die under it. */
const workerLostAttemptsMax = 2

/** What follows a failed attempt. Pure; retries, key rotation and fallbacks are decided here. */
export function decide (code: ErrorCode, state: AttemptState): 'try-again' | 'give-up' {
  if (code === 'BIFROST_WORKER_LOST' && !state.answered && state.attempts < workerLostAttemptsMax) return 'try-again'
  return 'give-up'
}
