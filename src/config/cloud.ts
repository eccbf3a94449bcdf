import type { CloudSettings } from '../api/settings.ts'
import { parseProviderUrl } from './base-url.ts'
import type { BedrockKeyConfig, Key } from './config-types.ts'
import type { BuiltInProvider } from './providers.ts'
import type { ProviderContext } from './provider-context.ts'

type CloudBlocks = Pick<Key, 'azure_key_config' | 'bedrock_key_config' | 'vertex_key_config'>

/** What a cloud's key needs beside its value; undefined for providers that are no cloud. */
export function resolveCloud (key: CloudBlocks, kind: BuiltInProvider['kind'], path: string, allowPrivateNetwork: boolean, context: ProviderContext): CloudSettings | undefined {
  if (kind !== 'azure' && key.azure_key_config !== undefined) context.warnings.push(`${path}.azure_key_config: is only for the provider azure and has no effect here`)
  switch (kind) {
    case 'azure': return resolveAzure(key, path, allowPrivateNetwork, context)
    case 'bedrock': return resolveBedrock(key, path, context)
    case 'vertex': return resolveVertex(key, path, context)
    default: return undefined
  }
}

/** Whether a key works without a value: the cloud's own credentials stand in for it. */
export function isCloudCredential (cloud: CloudSettings | undefined): boolean {
  if (cloud === undefined) return false
  switch (cloud.kind) {
    case 'azure': return cloud.clientId !== '' && cloud.clientSecret !== '' && cloud.tenantId !== ''
    case 'bedrock': return cloud.accessKey !== '' && cloud.secretKey !== ''
    case 'vertex': return true
  }
}

function resolveAzure ({ azure_key_config: config = {} }: CloudBlocks, path: string, allowPrivateNetwork: boolean, context: ProviderContext): CloudSettings {
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

function resolveBedrock ({ bedrock_key_config: config = {} }: CloudBlocks, path: string, context: ProviderContext): CloudSettings {
  const { environment } = context
  return {
    kind: 'bedrock',
    region: config.region || environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || 'us-east-1',
    ...resolveAwsKeys(config, `${path}.bedrock_key_config`, context),
    arn: config.arn ?? '',
    roleArn: config.role_arn ?? '',
    externalId: config.external_id ?? '',
    sessionName: config.session_name ?? '',
    stsEndpoint: resolveStsEndpoint(context)
  }
}

/** The environment's keys stand in for those of the config only where it names none, be it by a variable that is not set. */
function resolveAwsKeys (config: BedrockKeyConfig, path: string, context: ProviderContext): { accessKey: string, secretKey: string, sessionToken: string } {
  const { environment, references, problems } = context
  const { access_key: accessKey = '', secret_key: secretKey = '', session_token: sessionToken = '' } = config
  const isNamed = (['access_key', 'secret_key'] as const).some((name) => (config[name] ?? '') !== '' || references.has(`${path}.${name}`))
  if (!isNamed) return { accessKey: environment['AWS_ACCESS_KEY_ID'] ?? '', secretKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '', sessionToken: environment['AWS_SESSION_TOKEN'] ?? '' }
  const missing = accessKey === '' ? 'access_key' : 'secret_key'
  if ((accessKey === '') !== (secretKey === '') && !references.has(`${path}.${missing}`)) problems.add({ path: `${path}.${missing}`, value: '', message: 'is missing; access_key and secret_key belong together' })
  return { accessKey, secretKey, sessionToken }
}

/** Amazon's own variable for a security token service elsewhere. */
function resolveStsEndpoint ({ environment, problems }: ProviderContext): string {
  const endpoint = environment['AWS_ENDPOINT_URL_STS'] ?? ''
  if (endpoint === '' || URL.canParse(endpoint)) return endpoint
  problems.add({ path: 'AWS_ENDPOINT_URL_STS', value: '***', message: 'must be a URL' })
  return ''
}

function resolveVertex ({ vertex_key_config: config = {} }: CloudBlocks, path: string, context: ProviderContext): CloudSettings {
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
