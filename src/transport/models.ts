import type { Settings } from '../api/settings.ts'

/**
 * `GET /v1/models`: every model that a configured key names, as `provider/model`; `provider/*` where a key
 * takes any model.
 * @param provider only this provider's, null for all
 */
export function toModelList (settings: Settings, provider: string | null): string {
  const data = settings.providers
    .filter((candidate) => candidate.unavailableReason === null && (provider === null || candidate.name === provider))
    .flatMap((candidate) => {
      const names = new Set<string>()
      for (const key of candidate.keys) {
        if (!key.enabled) continue
        for (const model of [...key.models, ...Object.keys(key.aliases)]) {
          if (!key.blacklistedModels.includes(model)) names.add(model)
        }
      }
      return [...names].map((name) => ({ id: `${candidate.name}/${name}`, object: 'model', created: 0, owned_by: candidate.name }))
    })
  return JSON.stringify({ object: 'list', data })
}
