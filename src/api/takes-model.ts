import type { KeySettings } from './settings.ts'

/** Whether a key may be used for a model, by its lists: named, by any name it has, and not blocked. */
export function takesModel ({ blacklistedModels, models, aliases }: KeySettings, model: string): boolean {
  if (blacklistedModels.includes(model)) return false
  return models.includes('*') || models.includes(model) || Object.hasOwn(aliases, model)
}
