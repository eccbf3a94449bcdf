import { formatPath, isObject } from './json-path.ts'
import type { EnvReferences } from './substitute-env.ts'

/** What `defaults` holds for the providers. */
const inheritable = ['threads', 'ring_bytes', 'max_heap_mb', 'connections_per_origin'] as const

/**
 * Copies `defaults` into the providers that set nothing themselves, before the schema fills in its own
 * defaults. Returns the dotted paths that were written: what is wrong there is reported at `defaults`.
 */
export function inheritDefaults (root: unknown, references: EnvReferences): Set<string> {
  const inherited = new Set<string>()
  if (!isObject(root) || !isObject(root['providers'])) return inherited
  const defaults = isObject(root['defaults']) ? root['defaults'] : {}
  for (const [name, provider] of Object.entries(root['providers'])) {
    if (!isObject(provider)) continue
    for (const field of inheritable) {
      if (provider[field] !== undefined || defaults[field] === undefined) continue
      const path = formatPath(['providers', name, field])
      provider[field] = defaults[field]
      inherited.add(path)
      const variable = references.get(`defaults.${field}`)
      if (variable !== undefined) references.set(path, variable)
    }
    // The block of the mock has defaults of its own, and no other provider has the block.
    if (name === 'mock') provider['mock'] ??= {}
  }
  return inherited
}
