import type { ProviderSettings, Settings } from '../api/settings.ts'
import { ConfigError, ProblemList } from './config-error.ts'
import { readConfigFile } from './config-file.ts'
import type { ConfigFile } from './config-types.ts'
import type { Environment } from './environment.ts'
import { inheritDefaults } from './inherit.ts'
import { formatPath } from './json-path.ts'
import { resolveMediaFetch } from './media-fetch.ts'
import { resolveProvider } from './provider-settings.ts'
import { describeValue, redacted } from './redact.ts'
import { configSchema } from './schema.ts'
import { flattenSecretObjects } from './secret-objects.ts'
import { resolveClient, resolveServer } from './server-settings.ts'
import type { ConfigOverrides } from './server-settings.ts'
import { substituteEnv } from './substitute-env.ts'
import type { EnvReferences } from './substitute-env.ts'
import { emptyUnsupported } from './unsupported.ts'
import type { UnsupportedProviders } from './unsupported.ts'
import { findUnusedFields, unusedFieldWarnings } from './unused-fields.ts'
import { validateConfig } from './validate.ts'

export interface LoadOptions {
  /** The config file; null runs the mock provider alone. */
  path: string | null
  /** In place of the file's content, as it would parse; it is changed. */
  data?: unknown
  environment: Environment
  /** Command line flags. */
  overrides: ConfigOverrides
  /** Number of this load, from 1. */
  generation: number
}

export interface LoadedConfig {
  /** Frozen, all the way down. */
  settings: Settings
  /** What the settings were made of: defaults filled in, variables replaced, secrets in the clear. */
  file: ConfigFile
  /** One line each, without secrets. */
  warnings: string[]
}

/**
 * Makes `Settings` out of the file, the environment and the command line. Throws `ConfigError` with
 * every problem at once.
 */
export function loadConfig (options: LoadOptions): LoadedConfig {
  const problems = new ProblemList()
  const schema = configSchema()
  const data = options.data ?? (options.path === null ? { providers: { mock: {} } } : readConfigFile(options.path))
  const unsupported = emptyUnsupported(data)
  flattenSecretObjects(data, schema)
  const warnings = unusedFieldWarnings(findUnusedFields(data, schema))
  if (options.path === null && options.data === undefined) warnings.push('no config file: serving the mock provider only')

  const references = substituteEnv(data, options.environment, schema, problems)
  const inherited = inheritDefaults(data, references)
  const file = validateConfig(data, { references, inherited, problems })
  const settings = file === null ? null : resolve(file, options, { references, unsupported, problems, warnings })
  if (settings === null || file === null || problems.all.length > 0) throw new ConfigError(problems.all)
  return { settings: deepFreeze(settings), file, warnings }
}

interface Findings {
  references: EnvReferences
  unsupported: UnsupportedProviders
  problems: ProblemList
  warnings: string[]
}

function resolve (file: ConfigFile, options: LoadOptions, findings: Findings): Settings {
  const { references, unsupported, problems, warnings } = findings
  const { environment, overrides, generation } = options
  const show = (path: string, value: unknown): string => references.has(path) ? redacted : describeValue(value, path.split('.'))
  const providerNames = Object.keys(file.providers)
  const mediaFetch = resolveMediaFetch(file.client.media_fetch, show, problems)
  const providers = Object.entries(file.providers).map(([name, provider]) => resolveProvider(provider, {
    name,
    providerNames,
    path: formatPath(['providers', name]),
    version: file.version,
    unsupported: unsupported.get(name) ?? null,
    mediaFetch,
    environment,
    references,
    problems,
    warnings,
    show
  }))
  return {
    generation,
    server: resolveServer(file, environment, overrides, problems),
    client: resolveClient(file),
    providers: providers.filter((provider): provider is ProviderSettings => provider !== null)
  }
}

function deepFreeze<T> (value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const child of Object.values(value)) deepFreeze(child)
  return value
}
