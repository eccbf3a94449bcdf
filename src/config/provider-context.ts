import type { MediaFetchSettings } from '../api/settings.ts'
import type { ProblemList } from './config-error.ts'
import type { Environment } from './environment.ts'
import type { EnvReferences } from './substitute-env.ts'

/** What resolving one provider needs besides its block of the file. */
export interface ProviderContext {
  readonly name: string
  /** All configured providers. */
  readonly providerNames: readonly string[]
  /** `providers.<name>` */
  readonly path: string
  readonly version: 1 | 2
  /** What only the original can do and this provider needs; null when this version serves it. */
  readonly unsupported: string | null
  /** The same for all providers; null when it is off. */
  readonly mediaFetch: MediaFetchSettings | null
  readonly environment: Environment
  readonly references: EnvReferences
  readonly problems: ProblemList
  readonly warnings: string[]
  /** The value at a path as a message may show it. */
  readonly show: (path: string, value: unknown) => string
}
