import { isResource } from '../../api/operations.ts'
import type { Operation } from '../../api/operations.ts'
import type { AzureSettings } from '../../api/settings.ts'

const pathsOfOperations: Readonly<Partial<Record<Operation, string>>> = {
  chat_completion: '/chat/completions',
  text_completion: '/completions',
  embedding: '/embeddings',
  responses: '/responses',
  image_generation: '/images/generations',
  image_edit: '/images/edits',
  image_variation: '/images/variations',
  speech: '/audio/speech',
  transcription: '/audio/transcriptions',
  translation: '/audio/translations',
  file_upload: '/files',
  file_list: '/files',
  file_retrieve: '/files',
  file_content: '/files',
  file_delete: '/files',
  batch_create: '/batches',
  batch_list: '/batches',
  batch_retrieve: '/batches',
  batch_cancel: '/batches'
}

/** The only version that the models API of Foundry ever had. */
const foundryVersion = '2024-05-01-preview'

/**
 * Where a request goes: the v1 API where the key names no version, else the dated one, which has the deployment in the path. Responses of
 * a dated API name it in the body, as does the models API of Foundry, whose endpoint ends with `/models`.
 * @param endpoint of the resource, without a slash at the end
 * @param model the deployment
 * @param resource see `JobHead`
 */
export function toAzureUrl (endpoint: string, { apiVersion }: Pick<AzureSettings, 'apiVersion'>, operation: Operation, model: string, resource = ''): URL {
  const root = pathsOfOperations[operation]
  if (root === undefined) throw new RangeError(`Azure has no ${operation}`)
  const path = root + resource
  if (endpoint.endsWith('/models')) return dated(`${endpoint}${path}`, apiVersion === '' ? foundryVersion : apiVersion)
  if (apiVersion === '') return new URL(`${endpoint}/openai/v1${path}`)
  return dated(operation === 'responses' || isResource(operation) ? `${endpoint}/openai${path}` : `${endpoint}/openai/deployments/${encodeURIComponent(model)}${path}`, apiVersion)
}

function dated (address: string, apiVersion: string): URL {
  const url = new URL(address)
  url.searchParams.set('api-version', apiVersion)
  return url
}
