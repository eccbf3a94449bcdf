import type { Client, GatewayRequest } from '../api/client.ts'
import { isResource } from '../api/operations.ts'
import type { ProviderSettings, SingleFlightSettings } from '../api/settings.ts'
import { GatewayError } from '../errors.ts'
import type { Generation } from '../reload/generation.ts'
import type { GatewayContext } from '../gateway-context.ts'
import { parseRoutingHeaders } from '../router/request-headers.ts'
import { qualifyModel, resolveRoute } from '../router/resolve-target.ts'
import { Flight, FlightMember } from './flight.ts'
import { bodyBytesMax, toFlightKey } from './flight-key.ts'
import { Replay } from './replay.ts'
import type { ReplayBudget } from './replay.ts'

/** Flights that can be joined at a time; past it, requests run alone. */
export const flightsMax = 4_096
/** What the replays of all flights hold together, in bytes. A stream that finds no room cannot be joined any more. */
const replayBytesMaxOverall = 256 * 1024 * 1024

export interface FlightContext extends GatewayContext {
  /** A request has joined one that is under way. */
  onFlightJoined: (provider: string) => void
}

/** What is decided about a request before it starts. */
interface Ticket {
  key: string
  provider: string
  settings: SingleFlightSettings
}

/**
 * The requests in flight of one generation that others may join, by what they ask and on whose behalf. An entry goes when its flight
 * ends, has as many members as it may have, or has sent more than can be kept for a latecomer.
 */
export class Flights {
  private readonly generation: Generation
  private readonly context: FlightContext
  private readonly byKey = new Map<string, Flight>()
  private readonly replayBudget: ReplayBudget = { leftBytes: replayBytesMaxOverall }

  constructor (generation: Generation, context: FlightContext) {
    this.generation = generation
    this.context = context
  }

  /** @returns null when the request has to run alone: its provider has single flight off, or there is any doubt about it */
  admit (request: GatewayRequest, client: Client): FlightMember | null {
    if (request.body.length > bodyBytesMax || request.passthroughTo !== null || isResource(request.operation)) return null
    const { settings } = this.generation
    try {
      const { timeoutMs, provider } = parseRoutingHeaders(request.headers, settings.client.allowDirectKeys)
      const { name, singleFlight } = this.providerOf(request, provider)
      if (singleFlight === null) return null
      const key = toFlightKey(request)
      if (key === null) return null
      const deadlineMs = request.receivedAtMs + Math.min(timeoutMs, settings.client.requestTimeoutMs)
      return new FlightMember(request, client, deadlineMs, (member) => { this.board(member, { key, provider: name, settings: singleFlight }) })
    } catch (error) {
      // Nobody to ask, or a header that is none: the request's own run says so.
      if (error instanceof GatewayError) return null
      throw error
    }
  }

  private providerOf (request: GatewayRequest, wanted: string | null): ProviderSettings {
    const { settings } = this.generation
    return resolveRoute(settings, qualifyModel(settings, request, wanted), request.operation).provider
  }

  private board (member: FlightMember, { key, provider, settings }: Ticket): void {
    const underWay = this.byKey.get(key)
    if (underWay !== undefined) {
      this.context.onFlightJoined(provider)
      return underWay.join(member)
    }
    const { generation, context } = this
    const mayBeJoined = this.byKey.size < flightsMax
    const flight = new Flight(member, {
      generation,
      context,
      replay: mayBeJoined ? new Replay(settings.replayBytesMax, this.replayBudget) : null,
      onClosed: (closed) => { if (this.byKey.get(key) === closed) this.byKey.delete(key) }
    })
    if (mayBeJoined) this.byKey.set(key, flight)
    flight.start()
  }
}

/** @returns null when no provider has single flight on, so that nothing has to be looked at per request */
export function createFlights (generation: Generation, context: FlightContext): Flights | null {
  return generation.settings.providers.some(({ singleFlight }) => singleFlight !== null) ? new Flights(generation, context) : null
}
