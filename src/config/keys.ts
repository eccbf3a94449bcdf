import type { KeySettings } from '../api/settings.ts'
import type { Key } from './config-types.ts'
import type { ProviderContext } from './provider-context.ts'
import type { BuiltInProvider } from './providers.ts'

interface ResolvedKeys {
  keys: KeySettings[]
  keyless: boolean
  unavailableReason: string | null
}

/** The key of a provider that needs none. */
const keylessKey: KeySettings = {
  id: 'keyless',
  name: 'keyless',
  value: '',
  models: ['*'],
  blacklistedModels: [],
  weight: 1,
  enabled: true,
  aliases: {}
}

/**
 * The keys of a provider. A key without a value stays in the list, switched off, so that `describe` can
 * name it; with no usable key at all the provider is unavailable, which is no error.
 */
export function resolveKeys (configured: readonly Key[], mayBeKeyless: boolean, builtIn: BuiltInProvider, context: ProviderContext): ResolvedKeys {
  const { name, environment } = context
  if (configured.length === 0 && mayBeKeyless) return { keys: [keylessKey], keyless: true, unavailableReason: null }
  if (configured.length === 0) {
    const variable = builtIn.keyVariable
    const value = variable === null ? '' : environment[variable] ?? ''
    if (value !== '') return { keys: [{ ...keylessKey, id: `${name}-0`, name: `${name}-0`, value }], keyless: false, unavailableReason: null }
    const hint = variable === null ? `add ${context.path}.keys or set custom_provider_config.is_key_less` : `set ${variable}`
    return { keys: [], keyless: false, unavailableReason: `no key: ${hint}` }
  }

  checkUnique(configured, context)
  const keys = configured.map((key, index) => toKeySettings(key, index, mayBeKeyless, context))
  const keyless = mayBeKeyless && keys.every((key) => key.value === '')
  const usable = keys.some((key) => key.enabled)
  if (usable) warnAboutUnsetVariables(keys, context)
  return { keys, keyless, unavailableReason: usable ? null : reasonText(configured, builtIn, context) }
}

function toKeySettings (key: Key, index: number, mayBeKeyless: boolean, context: ProviderContext): KeySettings {
  const fallback = `${context.name}-${index}`
  const path = `${context.path}.keys[${index}]`
  const value = key.value ?? ''
  // A reference to an unset variable means that a key was wanted, also where none is needed.
  const hasValue = value !== '' || (mayBeKeyless && !context.references.has(`${path}.value`))
  return {
    id: key.id ?? key.name ?? fallback,
    name: key.name ?? fallback,
    value,
    models: allowedModels(key, path, context),
    blacklistedModels: key.blacklisted_models,
    weight: key.weight,
    enabled: key.enabled && hasValue,
    aliases: Object.fromEntries(Object.entries(key.aliases)
      .map(([alias, target]) => [alias, typeof target === 'string' ? target : target.model_id]))
  }
}

function allowedModels (key: Key, path: string, context: ProviderContext): string[] {
  if (key.models === undefined) return ['*']
  if (key.models.length === 0 && context.version === 1) return ['*']
  for (const [index, model] of key.models.entries()) {
    if (!model.startsWith('regex:')) continue
    const place = `${path}.models[${index}]`
    context.problems.add({ path: place, value: context.show(place, model), message: '"regex:" patterns are not supported yet; list the model names, or "*"' })
  }
  return key.models
}

/** Both are identities in metrics, logs and headers. */
function checkUnique (keys: readonly Key[], context: ProviderContext): void {
  for (const field of ['name', 'id'] as const) {
    const seen = new Map<string, number>()
    for (const [index, key] of keys.entries()) {
      const value = (field === 'id' ? key.id ?? key.name : key.name) ?? `${context.name}-${index}`
      const first = seen.get(value)
      if (first === undefined) seen.set(value, index)
      else {
        const path = `${context.path}.keys[${index}].${key[field] === undefined ? 'name' : field}`
        context.problems.add({ path, value: context.show(path, value), message: `is already taken by ${context.path}.keys[${first}]; ${field}s are unique within a provider` })
      }
    }
  }
}

function warnAboutUnsetVariables (keys: readonly KeySettings[], context: ProviderContext): void {
  for (const [index, key] of keys.entries()) {
    const path = `${context.path}.keys[${index}]`
    const variable = context.references.get(`${path}.value`)
    if (key.value === '' && variable !== undefined) context.warnings.push(`${path}: ${variable} is not set, this key is not used`)
  }
}

function reasonText (keys: readonly Key[], builtIn: BuiltInProvider, context: ProviderContext): string {
  if (keys.every((key) => !key.enabled)) return 'no key: every key is disabled'
  const variables = keys.flatMap((key, index) => key.enabled ? context.references.get(`${context.path}.keys[${index}].value`) ?? [] : [])
  if (variables.length > 0) return `no key: set ${[...new Set(variables)].join(' or ')}`
  return builtIn.keyVariable === null
    ? `no key: give ${context.path}.keys a value`
    : `no key: give ${context.path}.keys[0].value, for instance "env.${builtIn.keyVariable}"`
}
