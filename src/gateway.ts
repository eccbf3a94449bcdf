import type { Client, GatewayRequest } from './api/client.ts'
import type { Generation } from './reload/generation.ts'
import type { RequestHandle } from './request-record.ts'
import { RequestRun } from './request-run.ts'
import { createFlights } from './single-flight/flights.ts'
import type { FlightContext, Flights } from './single-flight/flights.ts'

/** Gives every request to a run of its own, or to one that it shares with others. */
export class Gateway {
  private readonly context: FlightContext
  private current: Generation
  /** Of the current generation; null when no provider of it shares requests. */
  private flights: Flights | null

  constructor (generation: Generation, context: FlightContext) {
    this.context = context
    this.current = generation
    this.flights = createFlights(generation, context)
  }

  /** What new requests begin with. */
  get generation (): Generation { return this.current }

  set generation (generation: Generation) {
    this.current = generation
    // Nobody joins a flight of another generation.
    this.flights = createFlights(generation, this.context)
  }

  handle (request: GatewayRequest, client: Client): RequestHandle {
    const member = this.flights === null ? null : this.flights.admit(request, client)
    return member ?? new RequestRun(this.current, this.context, request, client)
  }
}
