import type { Operation } from '../api/operations.ts'
import type { ProviderSettings } from '../api/settings.ts'

/** Where an operation is: `paths` of the settings, appended to `baseUrl`, or a whole URL of its own. */
export function toOperationUrl ({ baseUrl, paths }: ProviderSettings, operation: Operation): URL {
  const path = paths[operation]
  return new URL(/^https?:/.test(path) ? path : baseUrl + path)
}
