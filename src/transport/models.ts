import { headerOf } from '../api/client.ts'
import type { Settings } from '../api/settings.ts'
import { takesModel } from '../api/takes-model.ts'
import { decodeModel } from './decode-model.ts'

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

type ListPath = keyof typeof listPaths
type ModelDialect = (typeof listPaths)[ListPath]

export const modelListPaths = Object.keys(listPaths) as ListPath[]
/** Ollama's clients ask for one model in another way. */
const itemLists = modelListPaths.filter((path) => path !== '/api/tags')

/**
 * Every model that a configured key names, as `provider/model`; where a key takes any model, those that the provider lists, else `provider/*`. At `/v1/models`, which OpenAI's and Anthropic's
 * clients both ask for, the header `anthropic-version` tells them apart.
 * @param listed by provider
 * @param query raw; `provider` asks for one only
 */
export function toModelList (settings: Settings, listed: ReadonlyMap<string, readonly string[]>, path: ListPath, query: string, headers: readonly string[]): string {
  const names = modelNames(settings, listed, new URLSearchParams(query).get('provider'))
  const dialect = dialectOf(path, headers)
  const models = names.map((name) => toModel(dialect, name))
  switch (dialect) {
    case 'anthropic': return JSON.stringify({ data: models, has_more: false, first_id: names[0] ?? null, last_id: names.at(-1) ?? null })
    case 'gemini':
    case 'ollama': return JSON.stringify({ models })
    case 'openai': return JSON.stringify({ object: 'list', data: models })
  }
}

/** A model that was asked for by its name; without a body nobody serves it. */
interface ModelAnswer {
  dialect: ModelDialect
  /** JSON; null: there is no such model. */
  body: string | null
}

/**
 * One model: clients look whether it exists before they ask it. Google's SDK gives up where it does not, so there every name is one.
 * @param path beneath a list's
 * @returns null for a path of something else
 * @throws GatewayError BIFROST_INVALID_REQUEST for a name that is no valid percent-encoding
 */
export function findModel ({ providers }: Settings, path: string, headers: readonly string[]): ModelAnswer | null {
  const list = itemLists.find((candidate) => path.startsWith(`${candidate}/`))
  if (list === undefined) return null
  const dialect = dialectOf(list, headers)
  const name = decodeModel(path.slice(list.length + 1))
  const slash = name.indexOf('/')
  const named = providers.find((provider) => provider.name === name.slice(0, Math.max(0, slash)))
  const model = named === undefined ? name : name.slice(slash + 1)
  const isServed = dialect === 'gemini' || (named === undefined ? providers : [named]).some(({ unavailableReason, keys }) => unavailableReason === null && keys.some((key) => key.enabled && takesModel(key, model)))
  return { dialect, body: isServed ? JSON.stringify(toModel(dialect, name)) : null }
}

function dialectOf (path: ListPath, headers: readonly string[]): ModelDialect {
  return path === '/v1/models' && headerOf(headers, 'anthropic-version') !== null ? 'anthropic' : listPaths[path]
}

function toModel (dialect: ModelDialect, name: string): object {
  switch (dialect) {
    case 'anthropic': return { type: 'model', id: name, display_name: name, created_at: '1970-01-01T00:00:00Z' }
    case 'gemini': return { name: `models/${name}`, displayName: name, supportedGenerationMethods: ['generateContent', 'countTokens', 'embedContent'] }
    case 'ollama': return { name, model: name, modified_at: '1970-01-01T00:00:00Z', size: 0, digest: '', details: {} }
    case 'openai': return { id: name, object: 'model', created: 0, owned_by: name.slice(0, Math.max(0, name.indexOf('/'))) }
  }
}

function modelNames (settings: Settings, listed: ReadonlyMap<string, readonly string[]>, provider: string | null): string[] {
  return settings.providers
    .filter((candidate) => candidate.unavailableReason === null && (provider === null || candidate.name === provider))
    .flatMap((candidate) => {
      const names = new Set<string>()
      for (const key of candidate.keys) {
        if (!key.enabled) continue
        // What the provider itself says stands for any model, where it said something.
        const own = key.models.flatMap((model) => model === '*' ? listed.get(candidate.name) ?? [model] : [model])
        for (const model of [...own, ...Object.keys(key.aliases)]) {
          if (!key.blacklistedModels.includes(model)) names.add(model)
        }
      }
      return [...names].map((name) => `${candidate.name}/${name}`)
    })
}
