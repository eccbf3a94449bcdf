import type { KeySettings, ProviderSettings } from '../api/settings.ts'

/** Provider, model and key that could serve a request. */
export interface Target {
  provider: ProviderSettings
  key: KeySettings
  /** Names the key in frames. */
  keyIndex: number
  /** The model that the client or the fallback asked for, without the provider's name. */
  requestedModel: string
  /** The model as it goes upstream, aliases resolved. */
  model: string
  /** Where it stands among the fallbacks; null for the target that the request names itself. */
  fallback: Fallback | null
}

export interface Fallback {
  /** From 1. */
  index: number
  primaryProvider: string
  primaryModel: string
}
