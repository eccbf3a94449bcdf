import { isObject } from './json-path.ts'
import { originalOnlyNames } from './providers.ts'

/** What the original takes as `base_provider_type` and this version does not serve. */
export const originalOnlyBaseTypes: readonly string[] = ['replicate']

/** Names of providers -> what it is that this version cannot do yet. */
export type UnsupportedProviders = ReadonlyMap<string, string>

/**
 * Empties the blocks of providers that only the original serves, in place, so that neither the schema
 * nor a variable that is not set can refuse a file because of them. They stay in the list: a request to
 * one of them gets its reason as the answer.
 */
export function emptyUnsupported (root: unknown): UnsupportedProviders {
  const unsupported = new Map<string, string>()
  if (!isObject(root) || !isObject(root['providers'])) return unsupported
  for (const [name, provider] of Object.entries(root['providers'])) {
    if (!isObject(provider)) continue
    const custom = provider['custom_provider_config']
    const baseType = isObject(custom) ? custom['base_provider_type'] : undefined
    if (typeof baseType === 'string' && originalOnlyBaseTypes.includes(baseType)) unsupported.set(name, `base_provider_type ${baseType}`)
    else if (custom === undefined && originalOnlyNames.has(name)) unsupported.set(name, `provider ${name}`)
    else continue
    root['providers'][name] = {}
  }
  return unsupported
}

/** How `unavailableReason` and the warning put it. */
export function unsupportedText (what: string): string {
  return `not supported by this version yet: ${what}`
}
