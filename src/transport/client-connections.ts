import type { HttpResponse } from 'uWebSockets.js'

/** A new line in the log only after the connections have been fewer than this share of the limit. */
const againShare = 0.9

export interface ConnectionLimit {
  /** Infinity: none. Asked at every new connection. */
  readonly connectionsMax: number
  /** The limit is reached; once, until there has been some room again. */
  onConnectionsFull: (connectionsMax: number) => void
}

/**
 * The open connections of clients, busy or idle. Those over the limit are closed before they are read: without a descriptor left the gateway could
 * reach no provider and start no thread, and the server's accept loop would take a whole core.
 */
export class ClientConnections {
  open = 0
  refused = 0
  private readonly limit: ConnectionLimit
  private full = false

  constructor (limit: ConnectionLimit) {
    this.limit = limit
  }

  /** For `App.filter`. @param change 1 for a connection that is new, -1 for one that is gone */
  count (response: HttpResponse, change: number): void {
    this.open += change
    if (change < 0) {
      if (this.full && this.open < this.limit.connectionsMax * againShare) this.full = false
      return
    }
    const { connectionsMax } = this.limit
    if (this.open <= connectionsMax) return
    this.refused++
    if (!this.full) this.limit.onConnectionsFull(connectionsMax)
    this.full = true
    response.close()
  }
}
