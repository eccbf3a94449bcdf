import type { ModelReference } from '../api/settings.ts'
import type { Route } from './resolve-target.ts'

/** Targets of one request, the primary included. */
export const targetsMax = 11

export function toName ({ provider, model }: ModelReference): string {
  return `${provider}/${model}`
}

/** @returns the model and the fallbacks that the config has for it, as names in order */
export function withConfigured (model: string, { provider, requestedModel }: Route): readonly string[] {
  const { byModel, general } = provider.fallbacks
  const configured = Object.hasOwn(byModel, requestedModel) ? byModel[requestedModel] as readonly ModelReference[] : general
  return configured.length === 0 ? [model] : [model, ...configured.map(toName)].slice(0, targetsMax)
}
