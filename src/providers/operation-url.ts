import type { Operation } from '../api/operations.ts'
import type { ProviderSettings } from '../api/settings.ts'

/**
 * Where an operation is: `paths` of the settings, appended to `baseUrl`, or a whole URL of its own.
 * @param resource see `JobHead`
 */
export function toOperationUrl ({ baseUrl, paths }: ProviderSettings, operation: Operation, resource = ''): URL {
  const path = paths[operation] + resource
  return new URL(/^https?:/.test(path) ? path : baseUrl + path)
}
