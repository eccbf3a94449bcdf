import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, loadProvider, providerProblems } from './load-text.ts'

const aws = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret-env', AWS_SESSION_TOKEN: 'token-env' }
const cloudOf = (block: object, environment = {}): unknown => loadProvider('bedrock', { keys: [{ bedrock_key_config: block }] }, environment).keys[0]?.cloud
const empty = { kind: 'bedrock', region: 'us-east-1', accessKey: '', secretKey: '', sessionToken: '', arn: '', roleArn: '', externalId: '', sessionName: '', stsEndpoint: '' }

test('bedrock is known without configuration', () => {
  const { kind, baseUrl, operations, injectStreamUsage, keyless, unavailableReason } = loadProvider('bedrock', {})
  assert.deepEqual({ kind, baseUrl, operations, injectStreamUsage, keyless, unavailableReason }, {
    kind: 'bedrock',
    baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
    operations: ['chat_completion', 'embedding', 'rerank', 'count_tokens', 'image_generation', 'image_edit', 'image_variation', 'text_completion', 'responses'],
    injectStreamUsage: false,
    keyless: false,
    unavailableReason: 'no key: set BEDROCK_API_KEY, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
  })
})

test('every field of the block is taken over', () => {
  assert.deepEqual(cloudOf({ region: 'eu-west-1', access_key: 'AKID', secret_key: 's', session_token: 't', arn: 'arn:x', role_arn: 'arn:r', external_id: 'e', session_name: 'n' }, aws), {
    kind: 'bedrock', region: 'eu-west-1', accessKey: 'AKID', secretKey: 's', sessionToken: 't', arn: 'arn:x', roleArn: 'arn:r', externalId: 'e', sessionName: 'n', stsEndpoint: ''
  })
})

test('without keys in the config, those of the environment serve, with their token and region', () => {
  const expected = { ...empty, region: 'ap-south-1', accessKey: 'AKIDENV', secretKey: 'secret-env', sessionToken: 'token-env', stsEndpoint: 'http://127.0.0.1:4566' }
  const environment = { ...aws, AWS_REGION: 'ap-south-1', AWS_DEFAULT_REGION: 'other', AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:4566' }
  assert.deepEqual(cloudOf({}, environment), expected)
  assert.deepEqual(cloudOf({ role_arn: 'arn:r' }, environment), { ...expected, roleArn: 'arn:r' })
  const whole = loadProvider('bedrock', {}, environment)
  assert.equal(whole.unavailableReason, null)
  assert.deepEqual(whole.keys.map(({ value, enabled, cloud }) => ({ value, enabled, cloud })), [{ value: '', enabled: true, cloud: expected }])
})

test('the token of the environment never joins keys of the config', () => {
  assert.deepEqual(cloudOf({ access_key: 'AKID', secret_key: 's' }, aws), { ...empty, accessKey: 'AKID', secretKey: 's' })
})

test('the region of the config wins, AWS_DEFAULT_REGION comes after AWS_REGION', () => {
  const regionOf = (block: object, environment: object): unknown => (cloudOf({ access_key: 'a', secret_key: 's', ...block }, environment) as { region: string }).region
  assert.equal(regionOf({ region: 'eu-west-1' }, { AWS_REGION: 'us-west-2' }), 'eu-west-1')
  assert.equal(regionOf({}, { AWS_DEFAULT_REGION: 'us-west-2' }), 'us-west-2')
})

test('a bearer key needs no other credentials', () => {
  const provider = loadProvider('bedrock', { keys: [{ value: 'bearer', bedrock_key_config: { region: 'eu-west-1' } }] })
  assert.equal(provider.unavailableReason, null)
  assert.deepEqual(provider.keys[0]?.cloud, { ...empty, region: 'eu-west-1' })
  const [key] = loadProvider('bedrock', {}, { BEDROCK_API_KEY: 'from-env' }).keys
  assert.equal(key?.value, 'from-env')
  assert.deepEqual(key.cloud, empty)
})

test('a variable that is not set switches the key off and is named; the environment does not stand in for it', () => {
  const block = { keys: [{ bedrock_key_config: { access_key: 'env.MY_ID', secret_key: 'env.MY_SECRET' } }] }
  const provider = loadProvider('bedrock', block, aws)
  assert.equal(provider.unavailableReason, 'no key: set MY_ID or MY_SECRET')
  assert.equal(provider.keys[0]?.enabled, false)
  assert.equal(loadProvider('bedrock', block, { MY_ID: 'a', MY_SECRET: 's' }).unavailableReason, null)
})

test('one of the two keys is a mistake', () => {
  assert.deepEqual(providerProblems('bedrock', { keys: [{ bedrock_key_config: { access_key: 'CANARY' } }] }), ['providers.bedrock.keys[0].bedrock_key_config.secret_key: is missing; access_key and secret_key belong together'])
  assert.deepEqual(providerProblems('bedrock', { keys: [{ bedrock_key_config: { secret_key: 'CANARY' } }] }), ['providers.bedrock.keys[0].bedrock_key_config.access_key: is missing; access_key and secret_key belong together'])
})

test('the fields of the block have an effect and give no warning; those of batches still do', () => {
  const { warnings } = load({ providers: { bedrock: { keys: [{ bedrock_key_config: { region: 'eu-west-1', access_key: 'a', secret_key: 's', batch_s3_config: { a: 1 } } }] } } })
  assert.deepEqual(warnings, ['providers.*.keys[].bedrock_key_config.batch_s3_config: accepted but has no effect in this version'])
})

const base = (more: object = {}): object => ({ custom_provider_config: { base_provider_type: 'bedrock', ...more } })

test('a custom provider may be Bedrock once more, with keys and a region of its own', () => {
  const { kind, baseUrl, operations, keys, unavailableReason } = loadProvider('aws-eu', { ...base(), keys: [{ bedrock_key_config: { region: 'eu-west-1', access_key: 'AKID', secret_key: 's', arn: 'arn:x' } }] })
  assert.deepEqual({ kind, baseUrl, operations, cloud: keys[0]?.cloud, unavailableReason }, {
    kind: 'bedrock',
    baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
    operations: ['chat_completion', 'embedding', 'rerank', 'count_tokens', 'image_generation', 'image_edit', 'image_variation', 'text_completion', 'responses'],
    cloud: { ...empty, region: 'eu-west-1', accessKey: 'AKID', secretKey: 's', arn: 'arn:x' },
    unavailableReason: null
  })
})

test('a custom Bedrock takes another address, fewer operations and the credentials of the environment', () => {
  const block = { ...base({ allowed_requests: { embedding: true }, request_path_overrides: { embedding: '/x' } }), network_config: { base_url: 'https://vpce.example.com' } }
  const provider = loadProvider('aws-vpc', block, aws)
  assert.deepEqual([provider.baseUrl, provider.operations, provider.unavailableReason], ['https://vpce.example.com', ['embedding'], null])
  assert.deepEqual(provider.keys.map(({ cloud }) => cloud), [{ ...empty, accessKey: 'AKIDENV', secretKey: 'secret-env', sessionToken: 'token-env' }])
  assert.deepEqual(load({ providers: { 'aws-vpc': block } }, aws).warnings.filter((line) => line.includes('request_path_overrides')), [
    'providers.aws-vpc.custom_provider_config.request_path_overrides.embedding: accepted but has no effect; this version uses none with this base_provider_type'
  ])
  assert.equal(loadProvider('aws-vpc', block).unavailableReason, 'no key: add providers.aws-vpc.keys or set custom_provider_config.is_key_less')
})

test('a custom Bedrock may need no key', () => {
  const { keyless, unavailableReason, keys } = loadProvider('local-aws', { ...base({ is_key_less: true }), network_config: { base_url: 'http://127.0.0.1:4566' } }, aws)
  assert.deepEqual({ keyless, unavailableReason, cloud: keys[0]?.cloud }, { keyless: true, unavailableReason: null, cloud: undefined })
})
