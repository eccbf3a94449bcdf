import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, loadProvider, providerProblems } from './load-text.ts'

const endpoint = 'https://name.openai.azure.com'
const scopes = ['https://cognitiveservices.azure.com/.default']

test('a key of Azure says where its resource is; everything else has a default', () => {
  const provider = loadProvider('azure', { keys: [{ value: 'k', azure_key_config: { endpoint } }] })
  assert.deepEqual([provider.kind, provider.unavailableReason, provider.baseUrl], ['azure', null, endpoint])
  assert.deepEqual(provider.keys[0]?.cloud, { kind: 'azure', endpoint, apiVersion: '', clientId: '', clientSecret: '', tenantId: '', scopes, authority: 'https://login.microsoftonline.com' })
})

test('a key of Azure is taken over with every field; deployments are the old form of aliases', () => {
  const config = { endpoint: `${endpoint}/`, api_version: '2024-10-21', client_id: 'c', client_secret: 's', tenant_id: 't', scopes: ['https://ai.azure.com/.default'], deployments: { a: 'old-a', b: 'old-b' } }
  const key = loadProvider('azure', { keys: [{ aliases: { a: 'new-a' }, azure_key_config: config }] }, { AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us/' }).keys[0]
  assert.deepEqual(key?.cloud, { kind: 'azure', endpoint, apiVersion: '2024-10-21', clientId: 'c', clientSecret: 's', tenantId: 't', scopes: ['https://ai.azure.com/.default'], authority: 'https://login.microsoftonline.us' })
  assert.deepEqual(key?.aliases, { a: 'new-a', b: 'old-b' })
  assert.equal(key?.enabled, true, 'Entra ID stands in for the value')
})

test('an endpoint loses what people copy along', () => {
  for (const more of ['/', '/openai', '/openai/', '/openai/v1', '/openai/v1/']) {
    const { cloud } = loadProvider('azure', { keys: [{ value: 'k', azure_key_config: { endpoint: endpoint + more } }] }).keys[0] ?? {}
    assert.equal(cloud?.kind === 'azure' ? cloud.endpoint : '', endpoint, more)
  }
})

test('the address is checked like every other one', () => {
  const problem = (url: string): string[] => providerProblems('azure', { keys: [{ value: 'k', azure_key_config: { endpoint: url } }] })
  const path = 'providers.azure.keys[0].azure_key_config.endpoint'
  assert.deepEqual(problem('name.openai.azure.com'), [`${path} = "name.openai.azure.com": must be an http:// or https:// URL`])
  assert.deepEqual(problem('http://169.254.169.254'), [`${path} = "http://169.254.169.254": is a link-local or unspecified address, which is never allowed`])
  assert.deepEqual(problem('http://10.0.0.1'), [`${path} = "http://10.0.0.1": is in a private network; set network_config.allow_private_network to true to allow that`])
})

test('a key without an endpoint is not used, unless the provider has a base URL', () => {
  const keys = [{ value: 'k', azure_key_config: { endpoint } }, { value: 'k' }, { value: 'k', azure_key_config: { endpoint: 'env.AZURE_ENDPOINT' } }]
  const { settings, warnings } = load({ providers: { azure: { keys } } })
  assert.deepEqual(settings.providers[0]?.keys.map(({ enabled }) => enabled), [true, false, false])
  assert.deepEqual(warnings, [
    'providers.azure.keys[1]: this key is not used: azure_key_config.endpoint is missing',
    'providers.azure.keys[2]: this key is not used: AZURE_ENDPOINT is not set'
  ])
  const based = loadProvider('azure', { keys, network_config: { base_url: 'https://based.example.com' } })
  assert.deepEqual([based.baseUrl, based.keys.map(({ enabled }) => enabled)], ['https://based.example.com', [true, true, true]])
})

test('without any endpoint Azure is unavailable and says what to give', () => {
  const reason = 'no endpoint: give providers.azure.keys[0].azure_key_config.endpoint'
  assert.equal(loadProvider('azure', { keys: [{ value: 'k' }] }).unavailableReason, reason)
  assert.equal(loadProvider('azure', {}, { AZURE_API_KEY: 'k' }).unavailableReason, `${reason} or network_config.base_url`)
  assert.equal(loadProvider('azure', {}).unavailableReason, 'no key: set AZURE_API_KEY')
  assert.equal(loadProvider('azure', { network_config: { base_url: endpoint } }, { AZURE_API_KEY: 'k' }).unavailableReason, null)
})

test('the block means nothing for another provider, and says so', () => {
  const { warnings } = load({ providers: { openai: { keys: [{ value: 'k', azure_key_config: { endpoint: 'env.UNSET' } }] } } })
  assert.deepEqual(warnings, ['providers.openai.keys[0].azure_key_config: is only for the provider azure and has no effect here'])
})
