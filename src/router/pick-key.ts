import type { KeySettings, ProviderSettings } from '../api/settings.ts'
import { GatewayError } from '../errors.ts'

/** Which stored key the client asks for, by `x-bf-api-key-id` (wins) or `x-bf-api-key`. */
export interface KeyPin {
  id: string | null
  name: string | null
}

/**
 * A key for a model: weighted random among the enabled keys that may serve it.
 * @param random 0 <= random < 1
 * @returns index into `provider.keys`
 * @throws GatewayError BIFROST_NO_KEY_FOR_MODEL, BIFROST_KEY_NOT_FOUND
 */
export function pickKey (provider: ProviderSettings, model: string, pin: KeyPin, random: number): number {
  const { keys } = provider
  // One key that serves everything is by far the usual case and needs no lists.
  const only = keys[0]
  if (keys.length === 1 && only !== undefined && pin.id === null && pin.name === null && serves(provider, only, model)) return 0

  const able = keys.flatMap((key, index) => serves(provider, key, model) ? [index] : [])
  if (able.length === 0) throw new GatewayError('BIFROST_NO_KEY_FOR_MODEL', { provider: provider.name, param: 'model', message: `no keys found that support model: ${model} (provider ${provider.name})` })
  if (pin.id !== null || pin.name !== null) return pinned(provider, able, pin)

  const weights = able.map((index) => (keys[index] as KeySettings).weight)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (total <= 0) return able[Math.floor(random * able.length)] as number
  let rest = random * total
  for (let position = 0; position < able.length; position++) {
    rest -= weights[position] as number
    if (rest < 0) return able[position] as number
  }
  return able[able.length - 1] as number
}

function pinned (provider: ProviderSettings, able: readonly number[], pin: KeyPin): number {
  const found = able.find((index) => {
    const key = provider.keys[index] as KeySettings
    return pin.id !== null ? key.id === pin.id : key.name === pin.name
  })
  if (found !== undefined) return found
  const what = pin.id !== null ? `id ${pin.id}` : `name ${pin.name}`
  throw new GatewayError('BIFROST_KEY_NOT_FOUND', { provider: provider.name, message: `no supported key found with ${what} for provider ${provider.name}` })
}

function serves (provider: ProviderSettings, key: KeySettings, model: string): boolean {
  if (!key.enabled || (key.value === '' && !provider.keyless)) return false
  if (key.blacklistedModels.includes(model)) return false
  return key.models.includes('*') || key.models.includes(model) || Object.hasOwn(key.aliases, model)
}
