import { GatewayError } from '../errors.ts'
import type { RawConfig } from '../config/config-store.ts'

/** A key as the file has it. */
export type RawKey = Record<string, unknown>
export type RawProvider = Record<string, unknown> & { keys?: RawKey[] }

export function providerOf (config: RawConfig, name: string): RawProvider {
  if (!Object.hasOwn(config.providers, name)) throw notFound(`provider ${name}`, Object.keys(config.providers))
  return config.providers[name] as RawProvider
}

export function addProvider (config: RawConfig, name: string, provider: RawProvider): RawConfig {
  if (Object.hasOwn(config.providers, name)) throw new GatewayError('BIFROST_CONFIG_CONFLICT', { param: 'provider', message: `The provider ${name} exists already; change it with PUT /api/providers/${name}.` })
  return withProvider(config, name, provider)
}

/** @param provider without `keys`, the keys stay as they are */
export function replaceProvider (config: RawConfig, name: string, provider: RawProvider): RawConfig {
  const { keys } = providerOf(config, name)
  return withProvider(config, name, keys === undefined || provider.keys !== undefined ? provider : { ...provider, keys })
}

export function removeProvider (config: RawConfig, name: string): RawConfig {
  providerOf(config, name)
  return { ...config, providers: Object.fromEntries(Object.entries(config.providers).filter(([other]) => other !== name)) }
}

export function keysOf (config: RawConfig, provider: string): RawKey[] {
  return providerOf(config, provider).keys ?? []
}

/** By its `id`, or what stands for one: its name, or the provider's name and where it stands. */
export function keyOf (config: RawConfig, provider: string, id: string): RawKey {
  const keys = keysOf(config, provider)
  return keys[indexOf(keys, provider, id)] as RawKey
}

export function addKey (config: RawConfig, provider: string, key: RawKey): RawConfig {
  return withProvider(config, provider, { ...providerOf(config, provider), keys: [...keysOf(config, provider), key] })
}

export function replaceKey (config: RawConfig, provider: string, id: string, key: RawKey): RawConfig {
  const keys = keysOf(config, provider)
  return withProvider(config, provider, { ...providerOf(config, provider), keys: keys.with(indexOf(keys, provider, id), key) })
}

export function removeKey (config: RawConfig, provider: string, id: string): RawConfig {
  const keys = keysOf(config, provider)
  return withProvider(config, provider, { ...providerOf(config, provider), keys: keys.toSpliced(indexOf(keys, provider, id), 1) })
}

export function idOf (key: RawKey, provider: string, index: number): string {
  return String(key['id'] ?? key['name'] ?? `${provider}-${index}`)
}

function indexOf (keys: readonly RawKey[], provider: string, id: string): number {
  const index = keys.findIndex((key, at) => idOf(key, provider, at) === id)
  if (index < 0) throw notFound(`key ${id} of ${provider}`, keys.map((key, at) => idOf(key, provider, at)))
  return index
}

function withProvider (config: RawConfig, name: string, provider: RawProvider): RawConfig {
  return { ...config, providers: { ...config.providers, [name]: provider } }
}

function notFound (what: string, known: readonly string[]): GatewayError {
  return new GatewayError('BIFROST_NOT_CONFIGURED', { message: `There is no ${what}; configured: ${known.join(', ') || 'none'}.` })
}
