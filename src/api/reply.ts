import type { Usage } from './usage.ts'

/** A whole unary answer as a worker thread hands it to the front. */
export interface Reply {
  status: number
  usage: Usage
  upstreamMicroseconds: number
  /** Offset of the body's closing brace, where `extra_fields` goes; -1: the body is not a JSON object. */
  spliceOffset: number
  /** `name: value` lines joined by CR LF, or empty. `content-type` comes first, and only where the body is not JSON. */
  headers: string
  /** `"raw_request":…,"raw_response":…` members for `extra_fields`, or empty. */
  raw: string
  body: Uint8Array
}
