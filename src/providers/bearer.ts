import type { ProviderSettings } from '../api/settings.ts'
import type { Family } from './family.ts'

/** A key's value as bearer token; a provider without credentials gets none. */
export function bearerOf (settings: ProviderSettings): Family['authorize'] {
  return (request, keyIndex) => {
    const value = settings.keys[keyIndex]?.value ?? ''
    if (value !== '') request.headers.push('authorization', `Bearer ${value}`)
    return request
  }
}
