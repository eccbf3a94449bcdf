import type { Operation } from '../../api/operations.ts'
import type { AzureSettings } from '../../api/settings.ts'

const pathsOfOperations: Readonly<Partial<Record<Operation, string>>> = {
  chat_completion: '/chat/completions',
  text_completion: '/completions',
  embedding: '/embeddings',
  responses: '/responses'
}

/** The only version that the models API of Foundry ever had. */
const foundryVersion = '2024-05-01-preview'

/**
 * Where a request goes: the v1 API where the key names no version, else the dated one, which has the deployment in the path. Responses of
 * a dated API name it in the body, as does the models API of Foundry, whose endpoint ends with `/models`.
 * @param endpoint of the resource, without a slash at the end
 * @param model the deployment
 */
export function toAzureUrl (endpoint: string, { apiVersion }: Pick<AzureSettings, 'apiVersion'>, operation: Operation, model: string): URL {
  const path = pathsOfOperations[operation]
  if (path === undefined) throw new RangeError(`Azure has no ${operation}`)
  if (endpoint.endsWith('/models')) return dated(`${endpoint}${path}`, apiVersion === '' ? foundryVersion : apiVersion)
  if (apiVersion === '') return new URL(`${endpoint}/openai/v1${path}`)
  return dated(operation === 'responses' ? `${endpoint}/openai${path}` : `${endpoint}/openai/deployments/${encodeURIComponent(model)}${path}`, apiVersion)
}

function dated (address: string, apiVersion: string): URL {
  const url = new URL(address)
  url.searchParams.set('api-version', apiVersion)
  return url
}
