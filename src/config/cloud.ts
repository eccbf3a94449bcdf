import type { CloudSettings } from '../api/settings.ts'
import { parseProviderUrl } from './base-url.ts'
import type { Key } from './config-types.ts'
import type { BuiltInProvider } from './providers.ts'
import type { ProviderContext } from './provider-context.ts'

/** What a cloud's key needs beside its value; undefined for providers that are no cloud. */
export function resolveCloud (key: Key, kind: BuiltInProvider['kind'], path: string, allowPrivateNetwork: boolean, context: ProviderContext): CloudSettings | undefined {
  if (kind !== 'azure' && key.azure_key_config !== undefined) context.warnings.push(`${path}.azure_key_config: is only for the provider azure and has no effect here`)
  switch (kind) {
    case 'azure': return resolveAzure(key, path, allowPrivateNetwork, context)
    case 'bedrock': return resolveBedrock(key)
    case 'vertex': return resolveVertex(key, path, context)
    default: return undefined
  }
}

/** Whether a key works without a value: the cloud's own credentials stand in for it. */
export function isCloudCredential (cloud: CloudSettings | undefined): boolean {
  if (cloud === undefined) return false
  return cloud.kind === 'azure' ? cloud.clientId !== '' && cloud.clientSecret !== '' && cloud.tenantId !== '' : true
}

function resolveAzure ({ azure_key_config: config = {} }: Key, path: string, allowPrivateNetwork: boolean, context: ProviderContext): CloudSettings {
  const scopes = config.scopes ?? []
  return {
    kind: 'azure',
    endpoint: azureEndpoint(config.endpoint ?? '', `${path}.azure_key_config.endpoint`, allowPrivateNetwork, context),
    apiVersion: config.api_version ?? '',
    clientId: config.client_id ?? '',
    clientSecret: config.client_secret ?? '',
    tenantId: config.tenant_id ?? '',
    scopes: scopes.length > 0 ? scopes : ['https://cognitiveservices.azure.com/.default'],
    // Azure's own SDKs read the same variable; sovereign clouds need it.
    authority: (context.environment['AZURE_AUTHORITY_HOST'] ?? 'https://login.microsoftonline.com').replace(/\/+$/, '')
  }
}

/** Without `/openai` and `/openai/v1`, which people copy along. */
function azureEndpoint (text: string, path: string, allowPrivateNetwork: boolean, context: ProviderContext): string {
  if (text === '') return ''
  const check = parseProviderUrl(text, allowPrivateNetwork)
  if ('url' in check) return check.url.replace(/\/+$/, '').replace(/\/openai(\/v1)?$/, '')
  context.problems.add({ path, value: context.show(path, text), message: check.problem })
  return ''
}

function resolveBedrock ({ bedrock_key_config: config = {} }: Key): CloudSettings {
  return {
    kind: 'bedrock',
    region: config.region ?? '',
    accessKey: config.access_key ?? '',
    secretKey: config.secret_key ?? '',
    sessionToken: config.session_token ?? '',
    arn: config.arn ?? '',
    roleArn: config.role_arn ?? '',
    externalId: config.external_id ?? '',
    sessionName: config.session_name ?? ''
  }
}

function resolveVertex ({ vertex_key_config: config = {} }: Key, path: string, context: ProviderContext): CloudSettings {
  const credentials = config.auth_credentials ?? ''
  const json = credentials === '' || credentials.trimStart().startsWith('{') ? credentials : Buffer.from(credentials, 'base64').toString('utf8')
  if (json !== '' && !isObjectText(json)) {
    const place = `${path}.vertex_key_config.auth_credentials`
    context.problems.add({ path: place, value: '***', message: 'must be the JSON of a service account, as it is or as base64' })
  }
  return { kind: 'vertex', projectId: config.project_id ?? config.project_number ?? '', region: config.region ?? '', authCredentials: json }
}

function isObjectText (text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}
