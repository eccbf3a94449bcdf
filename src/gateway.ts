import type { Client, GatewayRequest } from './api/client.ts'
import type { Generation } from './reload/generation.ts'
import { RequestRun } from './request-run.ts'
import type { GatewayContext } from './request-run.ts'

/** Gives every request to a run of its own. */
export class Gateway {
  /** What new requests begin with. */
  generation: Generation
  private readonly context: GatewayContext

  constructor (generation: Generation, context: GatewayContext) {
    this.generation = generation
    this.context = context
  }

  handle (request: GatewayRequest, client: Client): RequestRun {
    return new RequestRun(this.generation, this.context, request, client)
  }
}
