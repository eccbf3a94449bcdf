import type { Operation } from '../api/operations.ts'
import { parseProviderUrl } from './base-url.ts'
import type { CustomProviderConfig } from './config-types.ts'
import type { ProviderContext } from './provider-context.ts'
import { customBases, unsupportedProvider } from './providers.ts'
import type { BuiltInProvider } from './providers.ts'
import { originalOnlyBaseTypes } from './unsupported.ts'

/** The others have no streams. */
const streamedOperations: ReadonlySet<Operation> = new Set(['chat_completion', 'text_completion', 'responses', 'image_generation', 'image_edit', 'speech', 'transcription'])

/** A provider that the table does not know, made from its `custom_provider_config`. */
export function resolveCustomProvider (config: CustomProviderConfig, allowPrivateNetwork: boolean, context: ProviderContext): BuiltInProvider {
  const path = `${context.path}.custom_provider_config`
  const base = customBases.get(config.base_provider_type)
  const servedTypes = [...customBases.keys()].join(', ')
  if (base === undefined) {
    const place = `${path}.base_provider_type`
    context.problems.add({ path: place, value: context.show(place, config.base_provider_type), message: `must be one of: ${servedTypes}, ${originalOnlyBaseTypes.join(', ')} (only ${servedTypes} are served by this version)` })
  }
  const provider = base ?? unsupportedProvider
  const allowed = allowedOperations(provider.operations, config, `${path}.allowed_requests`, context)
  return {
    ...provider,
    keyless: config.is_key_less,
    operations: allowed,
    modelsPath: config.allowed_requests === undefined || config.allowed_requests.list_models ? provider.modelsPath : null,
    nativeOperations: provider.kind === 'openai' ? provider.nativeOperations.filter((operation) => allowed.includes(operation)) : provider.nativeOperations,
    paths: overriddenPaths(provider, config, allowPrivateNetwork, `${path}.request_path_overrides`, context)
  }
}

function allowedOperations (served: readonly Operation[], config: CustomProviderConfig, path: string, context: ProviderContext): readonly Operation[] {
  const requests = config.allowed_requests
  if (requests === undefined) return served
  const allowed = served.filter((operation) => requests[operation] === true)
  for (const operation of served) {
    if (!streamedOperations.has(operation)) continue
    const stream = requests[`${operation}_stream`] === true
    if (stream === allowed.includes(operation)) continue
    context.warnings.push(`${path}.${operation}_stream: a stream is allowed exactly when ${operation} is, in this version`)
  }
  if (allowed.length === 0) context.warnings.push(`${path}: none of ${served.join(', ')} is true, so this provider serves nothing`)
  return allowed
}

function overriddenPaths ({ kind, operations: served, paths: usual }: BuiltInProvider, config: CustomProviderConfig, allowPrivateNetwork: boolean, path: string, context: ProviderContext): Record<Operation, string> {
  const paths = { ...usual }
  const hasModelInPath = kind === 'gemini' || kind === 'bedrock'
  for (const [name, target] of Object.entries(config.request_path_overrides)) {
    const operation = served.find((known) => known === name)
    if (operation === undefined || hasModelInPath) {
      context.warnings.push(`${path}.${name}: accepted but has no effect; this version uses ${hasModelInPath ? 'none with this base_provider_type' : served.join(', ')}`)
      continue
    }
    paths[operation] = target
    if (target.startsWith('/')) continue
    const check = parseProviderUrl(target, allowPrivateNetwork)
    if ('url' in check) paths[operation] = check.url
    else context.problems.add({ path: `${path}.${name}`, value: context.show(`${path}.${name}`, target), message: check.problem })
  }
  return paths
}
