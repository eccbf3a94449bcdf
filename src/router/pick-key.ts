import type { KeySettings, ProviderSettings } from '../api/settings.ts'
import { takesModel } from '../api/takes-model.ts'
import { GatewayError } from '../errors.ts'

/** Which stored key the client asks for, by `x-bf-api-key-id` (wins) or `x-bf-api-key`. */
export interface KeyPin {
  id: string | null
  name: string | null
}

export const noPin: KeyPin = { id: null, name: null }

/** Keys that may serve the model but not now; null when there is no such key. */
export type IsExcluded = ((key: KeySettings) => boolean) | null

/**
 * A key for a model: weighted random among the enabled keys that may serve it and are not excluded; a pinned key or none.
 * @param random 0 <= random < 1
 * @returns index into `provider.keys`; -1 when the pinned key, or every key that may serve the model, is excluded
 * @throws GatewayError BIFROST_NO_KEY_FOR_MODEL, BIFROST_KEY_NOT_FOUND
 */
export function pickKey (provider: ProviderSettings, model: string, pin: KeyPin, random: number, isExcluded: IsExcluded = null): number {
  const { keys } = provider
  const pinned = pin.id !== null || pin.name !== null
  let able = 0
  let free = 0
  let totalWeight = 0
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as KeySettings
    if (!serves(provider, key, model)) continue
    if (pinned && (pin.id !== null ? key.id === pin.id : key.name === pin.name)) return isExcluded !== null && isExcluded(key) ? -1 : index
    able++
    if (isExcluded !== null && isExcluded(key)) continue
    free++
    totalWeight += key.weight
  }
  if (able === 0) throw new GatewayError('BIFROST_NO_KEY_FOR_MODEL', { provider: provider.name, param: 'model', message: `no keys found that support model: ${model} (provider ${provider.name})` })
  if (pinned) {
    const what = pin.id !== null ? `id ${pin.id}` : `name ${pin.name}`
    throw new GatewayError('BIFROST_KEY_NOT_FOUND', { provider: provider.name, message: `no supported key found with ${what} for provider ${provider.name}` })
  }
  if (free === 0) return -1
  if (model === '') return firstOf(provider, isExcluded)
  return draw(provider, model, totalWeight > 0 ? random * totalWeight : random * free, totalWeight > 0, isExcluded)
}

/** Files and batches belong to a key's account: it has to be the same one for all requests, and is that whose id comes first. */
function firstOf (provider: ProviderSettings, isExcluded: IsExcluded): number {
  let first = -1
  for (let index = 0; index < provider.keys.length; index++) {
    const key = provider.keys[index] as KeySettings
    if (!serves(provider, key, '') || (isExcluded !== null && isExcluded(key))) continue
    if (first < 0 || key.id < (provider.keys[first] as KeySettings).id) first = index
  }
  return first
}

/** Walks the free keys until their shares reach `point`; without weights every key has the same share. */
function draw (provider: ProviderSettings, model: string, point: number, weighted: boolean, isExcluded: IsExcluded): number {
  let rest = point
  let last = 0
  for (let index = 0; index < provider.keys.length; index++) {
    const key = provider.keys[index] as KeySettings
    if (!serves(provider, key, model) || (isExcluded !== null && isExcluded(key))) continue
    if (!weighted || key.weight > 0) last = index
    rest -= weighted ? key.weight : 1
    if (rest < 0) return index
  }
  // Rounding may leave a speck of the point over.
  return last
}

function serves (provider: ProviderSettings, key: KeySettings, model: string): boolean {
  // The config leaves a cloud's key on without a value only where the cloud's own credentials stand in for it.
  if (!key.enabled || (key.value === '' && !provider.keyless && key.cloud === undefined)) return false
  // About no model: keys that are marked for it, or all where none is.
  if (model === '') return key.useForBatchApi || !provider.keys.some((one) => one.enabled && one.useForBatchApi)
  return takesModel(key, model)
}
