import { headerOf } from '../api/client.ts'
import type { Settings } from '../api/settings.ts'

/** Paths of model lists, at the root and under the mounts, and whose shape the answer has. */
const listPaths = {
  '/v1/models': 'openai',
  '/openai/v1/models': 'openai',
  '/openai/models': 'openai',
  '/api/v1/models': 'openai',
  '/anthropic/v1/models': 'anthropic',
  '/v1beta/models': 'gemini',
  '/genai/v1beta/models': 'gemini',
  '/api/tags': 'ollama'
} as const

export const modelListPaths = Object.keys(listPaths) as (keyof typeof listPaths)[]

/**
 * Every model that a configured key names, as `provider/model`; `provider/*` where a key takes any model. At `/v1/models`, which OpenAI's and Anthropic's
 * clients both ask for, the header `anthropic-version` tells them apart.
 * @param query raw; `provider` asks for one only
 */
export function toModelList (settings: Settings, path: keyof typeof listPaths, query: string, headers: readonly string[]): string {
  const names = modelNames(settings, new URLSearchParams(query).get('provider'))
  const dialect = path === '/v1/models' && headerOf(headers, 'anthropic-version') !== null ? 'anthropic' : listPaths[path]
  switch (dialect) {
    case 'anthropic': return JSON.stringify({ data: names.map((id) => ({ type: 'model', id, display_name: id, created_at: '1970-01-01T00:00:00Z' })), has_more: false, first_id: names[0] ?? null, last_id: names.at(-1) ?? null })
    case 'gemini': return JSON.stringify({ models: names.map((name) => ({ name: `models/${name}`, displayName: name, supportedGenerationMethods: ['generateContent', 'countTokens', 'embedContent'] })) })
    case 'ollama': return JSON.stringify({ models: names.map((name) => ({ name, model: name, modified_at: '1970-01-01T00:00:00Z', size: 0, digest: '', details: {} })) })
    case 'openai': return JSON.stringify({ object: 'list', data: names.map((id) => ({ id, object: 'model', created: 0, owned_by: id.slice(0, id.indexOf('/')) })) })
  }
}

function modelNames (settings: Settings, provider: string | null): string[] {
  return settings.providers
    .filter((candidate) => candidate.unavailableReason === null && (provider === null || candidate.name === provider))
    .flatMap((candidate) => {
      const names = new Set<string>()
      for (const key of candidate.keys) {
        if (!key.enabled) continue
        for (const model of [...key.models, ...Object.keys(key.aliases)]) {
          if (!key.blacklistedModels.includes(model)) names.add(model)
        }
      }
      return [...names].map((name) => `${candidate.name}/${name}`)
    })
}
