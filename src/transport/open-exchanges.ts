import type { Exchange } from './exchange.ts'

/**
 * The exchanges that are not over: an array in which each knows its place, so that leaving costs the
 * same whatever the number. A `Set` would be rehashed all the time under this traffic, and each table
 * that it leaves behind in old space keeps the exchanges of its time alive until a full collection.
 */
export class OpenExchanges {
  private readonly list: Exchange[] = []

  get size (): number {
    return this.list.length
  }

  add (exchange: Exchange): void {
    exchange.place = this.list.length
    this.list.push(exchange)
  }

  delete (exchange: Exchange): void {
    const last = this.list.pop() as Exchange
    if (last === exchange) return
    this.list[exchange.place] = last
    last.place = exchange.place
  }

  /** The callback may end exchanges; from the last to the first, so that none is passed over. */
  forEach (callback: (exchange: Exchange) => void): void {
    for (let place = this.list.length - 1; place >= 0; place--) {
      const exchange = this.list[place]
      if (exchange !== undefined) callback(exchange)
    }
  }
}
