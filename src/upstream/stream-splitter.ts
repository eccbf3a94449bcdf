import type { StreamEvent } from '../api/framing.ts'

/** Cuts a byte stream into events, whatever the pieces in which it comes. */
export interface StreamSplitter {
  /** Bytes of an event that has no end yet. */
  readonly unfinishedBytes: number
  /** @throws GatewayError BIFROST_UPSTREAM_TOO_LARGE, BIFROST_UPSTREAM_BAD_RESPONSE */
  push (chunk: Uint8Array, onEvent: (event: StreamEvent) => void): void
}
