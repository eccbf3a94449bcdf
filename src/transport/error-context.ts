import type { AnswerIdentity } from '../api/client.ts'
import type { Operation } from '../api/operations.ts'

/** What the transport knows of a request that fails. */
export interface ErrorContext {
  /** Who was asked; null when nobody was. */
  identity: AnswerIdentity | null
  requestId: string
  /** The attempt trail as JSON text, or empty. */
  trail: string
  /** Null as long as the path is not known. */
  operation: Operation | null
  /** Of the answer's body so far. */
  sentBytes: number
  /** Seconds since 1970. */
  nowSeconds: number
}
