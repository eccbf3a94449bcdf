import type { AdapterReply, AdapterRequest } from '../providers/adapter.ts'
import { badResponse } from '../providers/bad-response.ts'
import { noUsage } from '../api/usage.ts'
import { GatewayError } from '../errors.ts'
import { FamilyCall } from './family-call.ts'

/** Of one provider; more are left out. */
const namesMax = 1_000
const nameCharactersMax = 256

/** What a provider says it has, as a JSON array of names: the front asks for it on its own. */
export class ModelListCall extends FamilyCall {
  toRequest (): AdapterRequest | Promise<AdapterRequest> {
    const { baseUrl, modelsPath } = this.settings
    if (modelsPath === null) throw new GatewayError('BIFROST_INTERNAL')
    return this.authorized(new URL(baseUrl + modelsPath), undefined, new Uint8Array(0))
  }

  fromReply (body: Uint8Array): AdapterReply {
    const names = namesIn(this.parse(body))
    if (names === null) throw badResponse(this.settings.name, 'no list of models')
    return { body: Buffer.from(JSON.stringify(names)), usage: noUsage, spliceOffset: -1, extraFields: '' }
  }
}

/** OpenAI and Anthropic list `data` by `id`, Google, Cohere and Ollama `models` by `name`, Together a bare array. @returns null when it is none of these */
function namesIn (body: unknown): string[] | null {
  const { data, models } = (body ?? {}) as { data?: unknown, models?: unknown }
  const items: unknown = Array.isArray(body) ? body : data ?? models
  if (!Array.isArray(items)) return null
  const names = (items as unknown[]).flatMap((item) => {
    const { id, name } = (item ?? {}) as { id?: unknown, name?: unknown }
    const given = id ?? name
    return typeof given === 'string' && given !== '' && given.length <= nameCharactersMax ? [given.replace(/^models\//, '')] : []
  })
  return [...new Set(names)].slice(0, namesMax)
}
