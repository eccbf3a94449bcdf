import type { Operation } from '../api/operations.ts'
import type { KeyPin } from './pick-key.ts'

/** What the plan needs to know of a request. */
export interface PlanRequest {
  model: string
  operation: Operation
  pin: KeyPin | null
  /** The client's own key is used for the model that the request names, and for no fallback. */
  isDirect: boolean
  /** `fallbacks` of the body as model names; null when it brings none. */
  fallbacks: readonly string[] | null
  /** Nobody but its first target may serve it: its body is in that provider's own words, or it is about what that one keeps. */
  isBound: boolean
  /** On the clock of `nowMs`: no attempt starts when it is over. */
  deadlineMs: number
}
