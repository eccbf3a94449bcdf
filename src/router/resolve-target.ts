import type { GatewayRequest } from '../api/client.ts'
import { directKey, directKeyIndex } from '../api/direct-key.ts'
import { isResource } from '../api/operations.ts'
import type { Operation } from '../api/operations.ts'
import type { KeySettings, ProviderSettings, Settings } from '../api/settings.ts'
import { GatewayError } from '../errors.ts'
import type { Fallback, Target } from './target.ts'

/** Names listed in an error message, at most. */
const namesMax = 20

/** A provider and a model of it, without its prefix. */
export interface Route {
  provider: ProviderSettings
  requestedModel: string
}

/**
 * Who serves a model: a pure function of its name and the settings. `provider/model` names the provider; a bare model
 * resolves when exactly one provider lists it.
 * @throws GatewayError naming what is configured
 */
export function resolveRoute (settings: Settings, model: string, operation: Operation): Route {
  const { provider, bareModel } = resolveProvider(settings, model, operation)
  return { provider, requestedModel: bareModel }
}

/**
 * A model's name with its provider, where the client said elsewhere than in the name who is meant: `defaultProvider`, whose dialect it
 * speaks, counts when that provider is configured. What is about no model is `provider/` alone.
 * @param wanted the client's header: counts before everything but a prefix; null for none
 * @throws GatewayError when the provider that the header names is not configured
 */
export function qualifyModel (settings: Settings, request: Pick<GatewayRequest, 'parsed' | 'operation' | 'defaultProvider' | 'passthroughTo'>, wanted: string | null): string {
  const { parsed: { model }, defaultProvider: usual, operation, passthroughTo } = request
  if (passthroughTo !== null) return toPassthroughName(settings, passthroughTo, model, wanted)
  if ((wanted === null && usual === null && model !== '') || hasPrefix(settings, model)) return model
  if (wanted !== null) {
    if (!settings.providers.some(({ name }) => name === wanted)) {
      throw new GatewayError('BIFROST_UNKNOWN_PROVIDER', { param: 'x-model-provider', message: `x-model-provider names ${JSON.stringify(wanted)}, which is not configured; configured providers: ${listed(settings.providers.map(({ name }) => name))}.` })
    }
    return `${wanted}/${model}`
  }
  if (settings.providers.some(({ name }) => name === usual)) return `${usual as string}/${model}`
  return model === '' ? `${onlyProvider(settings, operation)}/` : model
}

function toPassthroughName (settings: Settings, provider: string, model: string, wanted: string | null): string {
  if (wanted !== null && wanted !== provider) {
    throw new GatewayError('BIFROST_INVALID_HEADER', { param: 'x-model-provider', message: `x-model-provider may only be ${JSON.stringify(provider)} here, whom the path names, not ${JSON.stringify(wanted.slice(0, 64))}.` })
  }
  if (settings.providers.some(({ name }) => name === provider)) return `${provider}/${model}`
  throw new GatewayError('BIFROST_UNKNOWN_PROVIDER', { message: `${provider}, whom the path names, is not configured; configured providers: ${listed(settings.providers.map(({ name }) => name))}.` })
}

/** Who serves what names no model. */
function onlyProvider (settings: Settings, operation: Operation): string {
  const able = settings.providers.filter((provider) => provider.unavailableReason === null && provider.operations.includes(operation))
  if (able.length === 1) return (able[0] as ProviderSettings).name
  // OpenAI's own clients mean OpenAI, if there is one.
  if (able.some(({ name }) => name === 'openai')) return 'openai'
  if (able.length === 0) throw new GatewayError('BIFROST_UNSUPPORTED_OPERATION', { message: `${operation} is not supported by any configured provider.` })
  throw new GatewayError('BIFROST_MODEL_AMBIGUOUS', { param: 'x-model-provider', message: `could not auto resolve a provider for the request, please name one in x-model-provider: ${listed(able.map(({ name }) => name))}` })
}

function hasPrefix (settings: Settings, model: string): boolean {
  const slash = model.indexOf('/')
  return slash > 0 && settings.providers.some(({ name }) => name.length === slash && model.startsWith(name))
}

/** @throws GatewayError for a provider whose credentials are more than a key */
export function toDirectRoute (route: Route): Route {
  const { name, takesDirectKeys, unavailableReason } = route.provider
  if (takesDirectKeys || unavailableReason !== null) return route
  throw new GatewayError('BIFROST_INVALID_HEADER', { provider: name, param: 'x-bf-direct-key', message: `x-bf-direct-key cannot be used with ${name}: its credentials are more than a key.` })
}

/**
 * @param isDirect the client brings the key, so that none need be stored
 * @throws GatewayError when the provider cannot serve this operation now
 */
export function checkRoute (settings: Settings, { provider }: Route, operation: Operation, isDirect = false): void {
  if (provider.unavailableReason !== null && !(isDirect && provider.takesDirectKeys)) {
    throw new GatewayError('BIFROST_PROVIDER_UNAVAILABLE', { provider: provider.name, message: `Provider ${provider.name} cannot serve yet: ${provider.unavailableReason}.` })
  }
  if (!provider.operations.includes(operation)) {
    throw new GatewayError('BIFROST_UNSUPPORTED_OPERATION', { provider: provider.name, message: `${operation} is not supported by ${provider.name} provider; ${whoSupports(settings, operation)}.` })
  }
}

function whoSupports (settings: Settings, operation: Operation): string {
  const names = settings.providers.filter((provider) => provider.unavailableReason === null && provider.operations.includes(operation)).map(({ name }) => name)
  return names.length === 0 ? 'no configured provider supports it' : `configured providers that support it: ${listed(names)}`
}

export function toTarget ({ provider, requestedModel }: Route, keyIndex: number, fallback: Fallback | null): Target {
  const key = keyIndex === directKeyIndex ? directKey : provider.keys[keyIndex] as KeySettings
  const alias = Object.hasOwn(key.aliases, requestedModel) ? key.aliases[requestedModel] : undefined
  return { provider, key, keyIndex, requestedModel, model: alias ?? requestedModel, fallback }
}

function resolveProvider (settings: Settings, model: string, operation: Operation): { provider: ProviderSettings, bareModel: string } {
  const slash = model.indexOf('/')
  if (slash > 0) {
    const name = model.slice(0, slash)
    for (const provider of settings.providers) {
      if (provider.name !== name) continue
      if (slash === model.length - 1 && !isResource(operation)) throw new GatewayError('BIFROST_MODEL_REQUIRED', { param: 'model', message: `model names the provider ${name} but no model: "${name}/<model>".` })
      return { provider, bareModel: model.slice(slash + 1) }
    }
  }
  const candidates = candidatesFor(settings, model)
  if (candidates.length === 1) return { provider: candidates[0] as ProviderSettings, bareModel: model }
  if (candidates.length > 1) {
    throw new GatewayError('BIFROST_MODEL_AMBIGUOUS', { param: 'model', message: `could not auto resolve a provider for the request, please specify a provider explicitly: ${listed(candidates.map((provider) => `${provider.name}/${model}`))}` })
  }
  throw new GatewayError('BIFROST_UNKNOWN_PROVIDER', { param: 'model', message: `No configured provider serves the model ${JSON.stringify(model)}. Write provider/model; configured providers: ${listed(settings.providers.map((provider) => provider.name))}.` })
}

/** Providers that list the model by name; failing that, for a name without a slash, those that take any model. */
function candidatesFor (settings: Settings, model: string): ProviderSettings[] {
  const ready = settings.providers.filter((provider) => provider.unavailableReason === null)
  const usable = ready.length > 0 ? ready : settings.providers
  const naming = usable.filter((provider) => provider.keys.some((key) => key.enabled && !key.blacklistedModels.includes(model) &&
    (key.models.includes(model) || Object.hasOwn(key.aliases, model))))
  if (naming.length > 0) return naming
  if (model.includes('/')) return []
  return usable.filter((provider) => provider.keys.some((key) => key.enabled && key.models.includes('*') && !key.blacklistedModels.includes(model)))
}

function listed (names: readonly string[]): string {
  const shown = names.slice(0, namesMax).join(', ')
  return names.length > namesMax ? `${shown} and ${names.length - namesMax} more` : shown
}
