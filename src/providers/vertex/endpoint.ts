import type { KeySettings, VertexSettings } from '../../api/settings.ts'
import { GatewayError } from '../../errors.ts'
import type { UrlOfVerb } from '../gemini/chat.ts'

/** Stands for the address by region, which every key has its own of. */
const defaultBaseUrl = 'https://aiplatform.googleapis.com'
const multiRegions: ReadonlySet<string> = new Set(['eu', 'us'])

export function vertexOf (key: KeySettings | undefined): VertexSettings {
  return key?.cloud?.kind === 'vertex' ? key.cloud : { kind: 'vertex', projectId: '', region: '', authCredentials: '' }
}

/**
 * Where a verb of a publisher's model is, by the key's project and region.
 * @param baseUrl replaces the address by region where it is another one
 */
export function toUrlOfVerb (provider: string, keys: readonly KeySettings[], baseUrl: string, publisher: 'google' | 'anthropic' = 'google'): UrlOfVerb {
  return (model, verb, keyIndex) => {
    const key = keys[keyIndex]
    const { region, projectId, authCredentials } = vertexOf(key)
    const location = region === '' ? 'global' : region
    const project = projectId === '' ? projectOf(authCredentials) : projectId
    const origin = baseUrl === defaultBaseUrl ? originOf(location) : baseUrl
    const resource = `publishers/${publisher}/models/${encodeURIComponent(model.replace(/^(?:publishers\/[a-z]+\/)?models\//, ''))}:${verb}`
    if (project !== '') return new URL(`${origin}/v1beta1/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(location)}/${resource}`)
    // Only an API key says by itself whose project it is.
    if (key === undefined || key.value === '' || authCredentials !== '') {
      throw new GatewayError('BIFROST_PROVIDER_UNAVAILABLE', { provider, message: `Key ${key?.name ?? keyIndex} of ${provider} has no vertex_key_config.project_id.` })
    }
    return new URL(`${baseUrl}/v1beta1/${resource}`)
  }
}

function originOf (location: string): string {
  if (location === 'global') return defaultBaseUrl
  return multiRegions.has(location) ? `https://aiplatform.${location}.rep.googleapis.com` : `https://${location}-aiplatform.googleapis.com`
}

/** A service account knows its project. */
function projectOf (credentials: string): string {
  if (credentials === '') return ''
  const { project_id: project } = JSON.parse(credentials) as { project_id?: unknown }
  return typeof project === 'string' ? project : ''
}
