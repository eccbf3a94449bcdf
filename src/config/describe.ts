import type { Operation } from '../api/operations.ts'
import type { KeySettings, ProviderSettings, Settings } from '../api/settings.ts'
import { redactUrl } from './redact.ts'

/** What would run with these settings, for `bifrost check`. Shows names and numbers, never a secret. */
export function describeSettings (settings: Settings): string {
  const { server, client, providers } = settings
  const ready = providers.filter((provider) => provider.unavailableReason === null).length
  return [
    `listens on http://${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}, log level ${server.logLevel}`,
    `request bodies up to ${client.requestBodyBytesMax} bytes; a full queue ${client.dropExcessRequests ? 'refuses requests (503)' : 'lets requests wait'}`,
    `slow clients are cut off after ${client.slowClientTimeoutMs} ms; shutdown waits up to ${server.shutdownTimeoutMs} ms`,
    `providers: ${providers.length}, ready: ${ready}`,
    ...providers.flatMap(describeProvider),
    ''
  ].join('\n')
}

function describeProvider (provider: ProviderSettings): string[] {
  const { timeouts } = provider
  if (provider.kind !== 'mock' && provider.baseUrl === '') return ['', `${provider.name}: ${String(provider.unavailableReason)}`]
  return [
    '',
    `${provider.name}: ${provider.unavailableReason ?? 'ready'}`,
    provider.kind === 'mock' ? '  answers inside the worker thread' : `  base URL ${redactUrl(provider.baseUrl)}${describeProxy(provider)}`,
    `  serves ${listOperations(provider.operations) || 'nothing'}`,
    `  concurrency ${provider.concurrency}, buffer ${provider.bufferSize}, connections ${provider.connectionsPerOrigin}`,
    `  threads ${provider.threads}, ring ${provider.ringBytes} bytes, heap ${provider.maxHeapMb} MiB each`,
    `  timeouts in ms: connect ${timeouts.connectMs}, response header ${timeouts.responseHeaderMs}, total ${timeouts.totalMs}, stream idle ${timeouts.streamIdleMs}, stream total ${timeouts.streamTotalMs}`,
    ...describeExtras(provider),
    ...provider.keys.map((key) => describeKey(key, provider.keyless))
  ]
}

/** The proxy's user name may be a token, so only its presence is told. */
function describeProxy ({ proxy }: ProviderSettings): string {
  return proxy === null ? '' : `, proxy ${redactUrl(proxy.url)}${proxy.username === '' ? '' : ' with credentials'}`
}

function describeExtras (provider: ProviderSettings): string[] {
  const headers = Object.keys(provider.extraHeaders)
  return [
    ...headers.length > 0 ? [`  extra headers: ${headers.join(', ')}`] : [],
    ...provider.tls.insecureSkipVerify ? ['  TLS certificates are NOT verified'] : []
  ]
}

function describeKey (key: KeySettings, keyless: boolean): string {
  const state = key.enabled ? '' : key.value === '' && !keyless ? ', not used: no value' : ', disabled'
  const models = key.models.length === 0 ? 'no models' : key.models.includes('*') ? 'all models' : key.models.join(', ')
  const except = key.blacklistedModels.length === 0 ? '' : ` except ${key.blacklistedModels.join(', ')}`
  return `  key ${key.name}: weight ${key.weight}, ${models}${except}${state}`
}

/** What can be done with files and batches goes together. */
function listOperations (operations: readonly Operation[]): string {
  return [...new Set(operations.map((operation) => operation.replace(/^(file|batch)_.*/, (_whole, kept: string) => kept === 'file' ? 'files' : 'batches')))].join(', ')
}
