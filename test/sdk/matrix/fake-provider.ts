import type { Owner } from '../../helpers/gateway.ts'
import type { Feature } from './cells.ts'
import type { FakeServer } from './fake-server.ts'

/** A provider behind the gateway, as the vendor built it. */
export interface FakeProvider {
  /** Of the config. */
  name: string
  /** Where one name stands for several. */
  title?: string
  model: string
  embeddingModel: string
  /** What the provider itself cannot do. */
  lacks: readonly Feature[]
  start: (owner: Owner) => Promise<FakeServer>
  /** The provider's block of the config file. */
  toConfig: (server: FakeServer) => object
}

/** For `network_config`: a key that was refused for its rate rests for a moment only, so that the next cell finds it again. */
export const quick = { retry_backoff_initial: 1, retry_backoff_max: 1 }
