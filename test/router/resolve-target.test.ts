import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Operation } from '../../src/api/operations.ts'
import { GatewayError } from '../../src/errors.ts'
import { pickKey } from '../../src/router/pick-key.ts'
import { checkRoute, resolveRoute, toTarget } from '../../src/router/resolve-target.ts'
import type { Target } from '../../src/router/target.ts'
import { createKey, createProvider, createSettings } from './settings.ts'

const noPin = { id: null, name: null }

const settings = createSettings([
  createProvider('openai', { keys: [createKey({ id: 'k0', models: ['gpt-4o', 'shared'] }), createKey({ id: 'k1', models: ['o3'], aliases: { fast: 'gpt-4o-mini' } })] }),
  createProvider('azure', { keys: [createKey({ models: ['shared', 'only-azure'], blacklistedModels: ['gone'], aliases: { gone: 'x' } })] }),
  createProvider('openrouter', { keys: [createKey({ models: ['meta/llama-3', 'openai/gpt-4o'] })], operations: ['chat_completion'] }),
  createProvider('vllm', { keyless: true, keys: [createKey({ value: '', models: ['*'], blacklistedModels: ['shared', 'blocked'] })] }),
  createProvider('gemini', { unavailableReason: 'no key: set GEMINI_API_KEY', keys: [createKey({ models: ['gemini-pro', '*'] })] })
])

/** The steps that the plan takes for the target that a request names. */
function resolveTarget (from: typeof settings, model: string, operation: Operation): Target {
  const route = resolveRoute(from, model, operation)
  checkRoute(from, route, operation)
  return toTarget(route, pickKey(route.provider, route.requestedModel, noPin, 0), null)
}

function resolved (model: string, operation: Operation = 'chat_completion', from = settings): object {
  const { provider, keyIndex, key, requestedModel, model: sent } = resolveTarget(from, model, operation)
  assert.equal(provider.keys[keyIndex], key)
  return { provider: provider.name, keyIndex, requestedModel, model: sent }
}

function refusal (model: string, operation: Operation = 'chat_completion', from = settings): object {
  try {
    resolveTarget(from, model, operation)
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    return { code: error.code, param: error.param, provider: error.provider, message: error.message }
  }
  return assert.fail(`${model} resolved`)
}

test('a provider prefix names the provider, and what follows is the model', () => {
  const cases: [string, object][] = [
    ['openai/gpt-4o', { provider: 'openai', keyIndex: 0, requestedModel: 'gpt-4o', model: 'gpt-4o' }],
    ['openai/o3', { provider: 'openai', keyIndex: 1, requestedModel: 'o3', model: 'o3' }],
    ['openai/fast', { provider: 'openai', keyIndex: 1, requestedModel: 'fast', model: 'gpt-4o-mini' }],
    ['azure/shared', { provider: 'azure', keyIndex: 0, requestedModel: 'shared', model: 'shared' }],
    ['vllm/any/thing', { provider: 'vllm', keyIndex: 0, requestedModel: 'any/thing', model: 'any/thing' }],
    ['openrouter/openai/gpt-4o', { provider: 'openrouter', keyIndex: 0, requestedModel: 'openai/gpt-4o', model: 'openai/gpt-4o' }],
    ['vllm//x', { provider: 'vllm', keyIndex: 0, requestedModel: '/x', model: '/x' }]
  ]
  for (const [model, expected] of cases) assert.deepEqual(resolved(model), expected)
})

test('a bare model goes to the one provider that lists it, before one that takes any', () => {
  const cases: [string, object][] = [
    ['gpt-4o', { provider: 'openai', keyIndex: 0, requestedModel: 'gpt-4o', model: 'gpt-4o' }],
    ['fast', { provider: 'openai', keyIndex: 1, requestedModel: 'fast', model: 'gpt-4o-mini' }],
    ['only-azure', { provider: 'azure', keyIndex: 0, requestedModel: 'only-azure', model: 'only-azure' }],
    ['unheard-of', { provider: 'vllm', keyIndex: 0, requestedModel: 'unheard-of', model: 'unheard-of' }],
    ['gone', { provider: 'vllm', keyIndex: 0, requestedModel: 'gone', model: 'gone' }]
  ]
  for (const [model, expected] of cases) assert.deepEqual(resolved(model), expected)
})

test('a name with a slash that is no provider is a model when one provider lists it', () => {
  assert.deepEqual(resolved('meta/llama-3'), { provider: 'openrouter', keyIndex: 0, requestedModel: 'meta/llama-3', model: 'meta/llama-3' })
})

const configured = 'configured providers: openai, azure, openrouter, vllm, gemini.'

test('what cannot be resolved says why and names the choices', () => {
  const unknown = (model: string): object => ({ code: 'BIFROST_UNKNOWN_PROVIDER', param: 'model', provider: null, message: `No configured provider serves the model ${JSON.stringify(model)}. Write provider/model; ${configured}` })
  const cases: [string, object][] = [
    ['nope/gpt-4o', unknown('nope/gpt-4o')],
    ['OpenAI/gpt-4o', unknown('OpenAI/gpt-4o')],
    ['/gpt-4o', unknown('/gpt-4o')],
    ['blocked', unknown('blocked')],
    ['gemini-pro\u2028"', { provider: 'vllm' }],
    ['openai/', { code: 'BIFROST_MODEL_REQUIRED', param: 'model', provider: null, message: 'model names the provider openai but no model: "openai/<model>".' }],
    ['shared', { code: 'BIFROST_MODEL_AMBIGUOUS', param: 'model', provider: null, message: 'could not auto resolve a provider for the request, please specify a provider explicitly: openai/shared, azure/shared' }],
    ['openai/unlisted', { code: 'BIFROST_NO_KEY_FOR_MODEL', param: 'model', provider: 'openai', message: 'no keys found that support model: unlisted (provider openai)' }],
    ['gemini/gemini-pro', { code: 'BIFROST_PROVIDER_UNAVAILABLE', param: null, provider: 'gemini', message: 'Provider gemini cannot serve yet: no key: set GEMINI_API_KEY.' }]
  ]
  for (const [model, expected] of cases) {
    if ('code' in expected) assert.deepEqual(refusal(model), expected)
    else assert.equal((resolved(model) as { provider: string }).provider, 'vllm')
  }
})

test('an operation that the provider does not serve is refused with those who do', () => {
  assert.deepEqual(refusal('openrouter/meta/llama-3', 'embedding'), {
    code: 'BIFROST_UNSUPPORTED_OPERATION', param: null, provider: 'openrouter', message: 'embedding is not supported by openrouter provider; configured providers that support it: openai, azure, vllm.'
  })
})

test('a provider that cannot serve yet takes no bare model from one that can', () => {
  assert.equal((resolved('gemini-pro') as { provider: string }).provider, 'vllm')
  const alone = createSettings([createProvider('gemini', { unavailableReason: 'no key: set GEMINI_API_KEY' })])
  assert.deepEqual(refusal('gemini-pro', 'chat_completion', alone), {
    code: 'BIFROST_PROVIDER_UNAVAILABLE', param: null, provider: 'gemini', message: 'Provider gemini cannot serve yet: no key: set GEMINI_API_KEY.'
  })
})

test('two providers that take any model make a bare name ambiguous', () => {
  const two = createSettings([createProvider('a'), createProvider('b'), createProvider('c', { keys: [createKey({ enabled: false })] })])
  assert.deepEqual(refusal('m', 'chat_completion', two), {
    code: 'BIFROST_MODEL_AMBIGUOUS', param: 'model', provider: null, message: 'could not auto resolve a provider for the request, please specify a provider explicitly: a/m, b/m'
  })
})

test('a long list of providers is cut at twenty', () => {
  const many = createSettings(Array.from({ length: 23 }, (_, index) => createProvider(`p${index}`, { keys: [createKey({ models: ['x'] })] })))
  const names = Array.from({ length: 20 }, (_, index) => `p${index}`).join(', ')
  assert.deepEqual(refusal('m', 'chat_completion', many), {
    code: 'BIFROST_UNKNOWN_PROVIDER', param: 'model', provider: null, message: `No configured provider serves the model "m". Write provider/model; configured providers: ${names} and 3 more.`
  })
})

test('the names of object members resolve to nothing', () => {
  const only = createSettings([createProvider('p', { keys: [createKey({ models: ['x'] })] })])
  for (const model of ['toString', '__proto__', 'constructor', '__proto__/x']) {
    assert.equal((refusal(model, 'chat_completion', only) as { code: string }).code, 'BIFROST_UNKNOWN_PROVIDER')
  }
})
