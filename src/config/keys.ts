import type { KeySettings } from '../api/settings.ts'
import { isCloudCredential, resolveCloud } from './cloud.ts'
import type { Key, NetworkConfig } from './config-types.ts'
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
  useForBatchApi: false,
  aliases: {}
}

/**
 * The keys of a provider. A key without a value stays in the list, switched off, so that `describe` can
 * name it; with no usable key at all the provider is unavailable, which is no error.
 */
export function resolveKeys (configured: readonly Key[], builtIn: BuiltInProvider, network: NetworkConfig, context: ProviderContext): ResolvedKeys {
  const { name, environment } = context
  const mayBeKeyless = builtIn.keyless
  if (configured.length === 0 && mayBeKeyless) return { keys: [keylessKey], keyless: true, unavailableReason: null }
  if (configured.length === 0) {
    const variable = builtIn.keyVariable
    const value = variable === null ? '' : environment[variable] ?? ''
    if (value !== '' && needsEndpoint(builtIn, network)) return { keys: [], keyless: false, unavailableReason: `no endpoint: give ${context.path}.keys[0].azure_key_config.endpoint or network_config.base_url` }
    // The environment may hold the cloud's credentials.
    const cloud = builtIn.kind === 'bedrock' ? resolveCloud({}, builtIn.kind, `${context.path}.keys[0]`, network.allow_private_network, context) : undefined
    if (value !== '' || isCloudCredential(cloud)) return { keys: [{ ...keylessKey, id: `${name}-0`, name: `${name}-0`, value, ...cloud === undefined ? {} : { cloud } }], keyless: false, unavailableReason: null }
    const hint = variable === null ? `add ${context.path}.keys or set custom_provider_config.is_key_less` : `set ${variable}${cloud === undefined ? '' : ', or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'}`
    return { keys: [], keyless: false, unavailableReason: `no key: ${hint}` }
  }

  checkUnique(configured, context)
  const served = servedUrl(configured, builtIn)
  const keys = configured.map((key, index) => {
    const settings = toKeySettings(key, index, builtIn, network.allow_private_network, context)
    const reason = offReason(key, urlOfKey(key, builtIn), served) ?? endpointReason(settings, needsEndpoint(builtIn, network), context.references.get(`${context.path}.keys[${index}].azure_key_config.endpoint`))
    if (reason === null || !settings.enabled) return settings
    context.warnings.push(`${context.path}.keys[${index}]: this key is not used: ${reason}`)
    return { ...settings, enabled: false }
  })
  const keyless = mayBeKeyless && keys.every((key) => key.value === '')
  const usable = keys.some((key) => key.enabled)
  if (usable) warnAboutUnsetVariables(keys, context)
  return { keys, keyless, unavailableReason: usable ? null : reasonText(configured, keys, builtIn, context) }
}

/** The address in a key's own block; several providers of the original have it there. */
function urlOfKey (key: Key, builtIn: BuiltInProvider): string | undefined {
  return builtIn.urlBlock === null ? undefined : key[builtIn.urlBlock]?.url
}

/** A provider has one address in this version: that of its first enabled key with one. */
export function servedUrl (keys: readonly Key[], builtIn: BuiltInProvider): { url: string, index: number } | null {
  const candidates = keys.flatMap((key, index) => {
    const url = urlOfKey(key, builtIn)
    return url === undefined ? [] : [{ url, index, enabled: key.enabled }]
  })
  return candidates.find(({ enabled }) => enabled) ?? candidates[0] ?? null
}

/** What of a key this version cannot do and must not ignore; null when nothing. */
function offReason (key: Key, url: string | undefined, served: { url: string, index: number } | null): string | null {
  if (url !== undefined && url !== served?.url) return `a provider has one URL in this version, and keys[${String(served?.index)}] has another; use a custom provider for this one`
  return key.blacklisted_models.some(isPattern) ? '"regex:" patterns in blacklisted_models are not supported yet' : null
}

/** Every key of Azure is for a resource of its own, which has its own address. */
function needsEndpoint (builtIn: BuiltInProvider, network: NetworkConfig): boolean {
  return builtIn.kind === 'azure' && network.base_url === undefined
}

function endpointReason ({ cloud }: KeySettings, isNeeded: boolean, variable: string | undefined): string | null {
  if (!isNeeded || cloud?.kind !== 'azure' || cloud.endpoint !== '') return null
  return variable === undefined ? 'azure_key_config.endpoint is missing' : `${variable} is not set`
}

function isPattern (model: string): boolean {
  return model.startsWith('regex:')
}

function toKeySettings (key: Key, index: number, builtIn: BuiltInProvider, allowPrivateNetwork: boolean, context: ProviderContext): KeySettings {
  const fallback = `${context.name}-${index}`
  const path = `${context.path}.keys[${index}]`
  const value = key.value ?? ''
  const cloud = resolveCloud(key, builtIn.kind, path, allowPrivateNetwork, context)
  // A reference to an unset variable means that a key was wanted, also where none is needed.
  const hasValue = value !== '' || ((builtIn.keyless || isCloudCredential(cloud)) && !context.references.has(`${path}.value`))
  return {
    id: key.id ?? key.name ?? fallback,
    name: key.name ?? fallback,
    value,
    models: allowedModels(key, path, context),
    blacklistedModels: key.blacklisted_models,
    weight: key.weight,
    enabled: key.enabled && hasValue,
    useForBatchApi: key.use_for_batch_api,
    aliases: {
      ...builtIn.kind === 'azure' ? key.azure_key_config?.deployments : {},
      ...Object.fromEntries(Object.entries(key.aliases).map(([alias, target]) => [alias, typeof target === 'string' ? target : target.model_id]))
    },
    ...cloud === undefined ? {} : { cloud }
  }
}

function allowedModels (key: Key, path: string, context: ProviderContext): string[] {
  if (key.models === undefined) return ['*']
  if (key.models.length === 0 && context.version === 1) return ['*']
  for (const [index, model] of key.models.entries()) {
    if (isPattern(model)) context.warnings.push(`${path}.models[${index}]: "regex:" patterns are not supported yet, this one matches nothing; list the model names, or "*"`)
  }
  return key.models.filter((model) => !isPattern(model))
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

function reasonText (keys: readonly Key[], resolved: readonly KeySettings[], builtIn: BuiltInProvider, context: ProviderContext): string {
  if (keys.every((key) => !key.enabled)) return 'no key: every key is disabled'
  if (builtIn.kind === 'azure' && resolved.every(({ cloud }) => cloud?.kind !== 'azure' || cloud.endpoint === '')) return `no endpoint: give ${context.path}.keys[0].azure_key_config.endpoint`
  if (keys.some((key, index) => key.enabled && resolved[index]?.value !== '')) return 'no key: every key needs something that is not supported by this version yet'
  const variables = keys.flatMap((key, index) => key.enabled ? unsetVariables(key, `${context.path}.keys[${index}]`, context) : [])
  if (variables.length > 0) return `no key: set ${[...new Set(variables)].join(' or ')}`
  return builtIn.keyVariable === null
    ? `no key: give ${context.path}.keys a value`
    : `no key: give ${context.path}.keys[0].value, for instance "env.${builtIn.keyVariable}"`
}

/** Of the fields that a key may be switched off by; `substitute-env.ts` makes them empty. */
function unsetVariables (key: Key, path: string, { references }: ProviderContext): string[] {
  const { access_key: accessKey, secret_key: secretKey } = key.bedrock_key_config ?? {}
  return [[key.value, 'value'], [accessKey, 'bedrock_key_config.access_key'], [secretKey, 'bedrock_key_config.secret_key']].flatMap(([value, field]) => value === '' ? references.get(`${path}.${field}`) ?? [] : [])
}
