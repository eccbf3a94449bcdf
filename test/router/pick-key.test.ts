import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { KeySettings, ProviderSettings } from '../../src/api/settings.ts'
import { GatewayError } from '../../src/errors.ts'
import { pickKey } from '../../src/router/pick-key.ts'
import type { KeyPin } from '../../src/router/pick-key.ts'
import { createKey, createProvider } from './settings.ts'

const noPin: KeyPin = { id: null, name: null }

function withKeys (keys: Partial<KeySettings>[], extra: Partial<ProviderSettings> = {}): ProviderSettings {
  return createProvider('p', { keys: keys.map((key, index) => createKey({ id: `id-${index}`, name: `name-${index}`, ...key })), ...extra })
}

/** Indices that come up when random goes through its whole range. */
function reached (provider: ProviderSettings, model = 'm', pin = noPin): number[] {
  const seen = new Set<number>()
  for (let step = 0; step < 1000; step++) seen.add(pickKey(provider, model, pin, step / 1000))
  return [...seen].sort((first, second) => first - second)
}

function refusal (provider: ProviderSettings, model = 'm', pin = noPin): { code: string, message: string, provider: string | null } {
  try {
    pickKey(provider, model, pin, 0.5)
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    return { code: error.code, message: error.message, provider: error.provider }
  }
  return assert.fail('a key was picked')
}

const noKey = { code: 'BIFROST_NO_KEY_FOR_MODEL', message: 'no keys found that support model: m (provider p)', provider: 'p' }

test('a key serves a model by name, by star or by alias, unless it is off, empty or forbids it', () => {
  const cases: [string, Partial<KeySettings>[], number[]][] = [
    ['one key for everything', [{}], [0]],
    ['star', [{ models: ['*'] }, { models: ['m'] }, { models: ['x', 'm'] }], [0, 1, 2]],
    ['another model', [{ models: ['x'] }, { models: ['m'] }], [1]],
    ['no models', [{ models: [] }, {}], [1]],
    ['alias', [{ models: [], aliases: { m: 'deployment' } }, { models: ['x'] }], [0]],
    ['alias of another name', [{ models: [], aliases: { x: 'm' } }, {}], [1]],
    ['disabled', [{ enabled: false }, {}], [1]],
    ['forbidden wins over star', [{ blacklistedModels: ['m'] }, {}], [1]],
    ['forbidden wins over name and alias', [{ models: ['m'], aliases: { m: 'x' }, blacklistedModels: ['m'] }, {}], [1]],
    ['forbidden for another model', [{ blacklistedModels: ['x'] }], [0]],
    ['a key without a value', [{ value: '' }, {}], [1]],
    ['weight 0 beside others', [{ weight: 0 }, {}, { weight: 0 }], [1]],
    ['weight 0 everywhere', [{ weight: 0 }, { weight: 0 }, { weight: 0 }], [0, 1, 2]],
    ['weight 0, alone', [{ weight: 0 }], [0]],
    ['weight 0 beside one that cannot serve', [{ weight: 0 }, { models: ['x'] }], [0]]
  ]
  for (const [what, keys, expected] of cases) assert.deepEqual(reached(withKeys(keys)), expected, what)
})

test('a provider without credentials uses its empty key', () => {
  assert.deepEqual(reached(withKeys([{ value: '' }], { keyless: true })), [0])
  assert.deepEqual(reached(withKeys([{ value: '', cloud: { kind: 'vertex', projectId: 'p', region: '', authCredentials: '' } }])), [0])
  assert.deepEqual(reached(withKeys([{ value: '' }, { value: '' }], { keyless: true })), [0, 1])
})

test('no key for a model is said with model and provider', () => {
  for (const keys of [[], [{ models: ['x'] }], [{ enabled: false }], [{ blacklistedModels: ['m'] }, { models: ['x'] }], [{ value: '' }]]) {
    assert.deepEqual(refusal(withKeys(keys)), noKey)
    assert.deepEqual(refusal(withKeys(keys), 'm', { id: 'id-0', name: null }), noKey)
  }
})

test('names that every object has are no aliases', () => {
  for (const model of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) {
    assert.equal(refusal(withKeys([{ models: ['x'] }]), model).code, 'BIFROST_NO_KEY_FOR_MODEL')
  }
})

test('a pin picks its key whatever the weights, by id before name', () => {
  const provider = withKeys([{ weight: 0 }, { weight: 5 }, { models: ['x'] }, { enabled: false }])
  assert.deepEqual(reached(provider, 'm', { id: 'id-0', name: null }), [0])
  assert.deepEqual(reached(provider, 'm', { id: null, name: 'name-0' }), [0])
  assert.deepEqual(reached(provider, 'm', { id: 'id-1', name: 'name-0' }), [1])
  assert.deepEqual(reached(withKeys([{}]), 'm', { id: 'id-0', name: null }), [0])
})

test('a pin on a key that is unknown, off or of another model is refused by its name', () => {
  const provider = withKeys([{}, {}, { models: ['x'] }, { enabled: false }])
  const refused: [KeyPin, string][] = [
    [{ id: 'nope', name: null }, 'no supported key found with id nope for provider p'],
    [{ id: 'nope', name: 'name-0' }, 'no supported key found with id nope for provider p'],
    [{ id: 'name-0', name: null }, 'no supported key found with id name-0 for provider p'],
    [{ id: null, name: 'nope' }, 'no supported key found with name nope for provider p'],
    [{ id: null, name: 'name-2' }, 'no supported key found with name name-2 for provider p'],
    [{ id: null, name: 'name-3' }, 'no supported key found with name name-3 for provider p']
  ]
  for (const [pin, message] of refused) assert.deepEqual(refusal(provider, 'm', pin), { code: 'BIFROST_KEY_NOT_FOUND', message, provider: 'p' })
  assert.equal(refusal(withKeys([{}]), 'm', { id: null, name: 'nope' }).code, 'BIFROST_KEY_NOT_FOUND')
})

test('keys come up by their weights', () => {
  // Evenly spaced random numbers: the shares are exact to one step, whatever the weights.
  const draws = 20_000
  fc.assert(fc.property(fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 100, noNaN: true })), { minLength: 2, maxLength: 8 }), (weights) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const provider = withKeys(weights.map((weight) => ({ weight })))
    const counts = weights.map(() => 0)
    for (let draw = 0; draw < draws; draw++) (counts[pickKey(provider, 'm', noPin, (draw + 0.5) / draws)] as number)++
    weights.forEach((weight, index) => {
      const share = total > 0 ? weight / total : 1 / weights.length
      assert.ok(Math.abs((counts[index] as number) - share * draws) <= 2, `key ${index} of ${weights.join(' ')}: ${counts[index]} of ${draws}`)
    })
  }), { numRuns: 60 })
})

test('a key of weight 0 is not picked for a speck that rounding leaves over', () => {
  assert.equal(pickKey(withKeys([{ weight: Number.MIN_VALUE, enabled: true }, { weight: 0, enabled: true }]), 'm', noPin, 1 - 2 ** -53), 0)
})

test('every random number picks a key that may serve, also the last below 1', () => {
  fc.assert(fc.property(fc.array(fc.record({ weight: fc.double({ min: 0, max: 1e9, noNaN: true }), enabled: fc.boolean() }), { minLength: 1, maxLength: 6 }), fc.oneof(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.constantFrom(0, 1 - 2 ** -53)), (keys, random) => {
    fc.pre(keys.some(({ enabled }) => enabled))
    const index = pickKey(withKeys(keys), 'm', noPin, random)
    assert.equal(keys[index]?.enabled, true)
    if (keys.some(({ enabled, weight }) => enabled && weight > 0)) assert.ok((keys[index]?.weight ?? 0) > 0)
  }), { numRuns: 2000 })
})

test('a cloud\'s credentials stand in for a value', () => {
  const cloud = { kind: 'bedrock', region: 'us-east-1', accessKey: 'a', secretKey: 's', sessionToken: '', arn: '', roleArn: '', externalId: '', sessionName: '', stsEndpoint: '' } as const
  assert.deepEqual(reached(withKeys([{ value: '' }, { value: '', cloud }, { value: '', cloud, enabled: false }])), [1])
})
