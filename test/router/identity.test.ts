import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Identities } from '../../src/router/identity.ts'
import type { Target } from '../../src/router/target.ts'
import { createKey, createProvider } from './settings.ts'

function createTarget (requestedModel: string, model: string, keyName = 'primary'): Target {
  const provider = createProvider('openai', { keys: [createKey({ id: `id of ${keyName}`, name: keyName })] })
  return { provider, key: provider.keys[0] as Target['key'], keyIndex: 0, requestedModel, model, fallback: null }
}

test('an answer names provider, models, key and request type', () => {
  const { headers, extraFields, chunkFields } = new Identities().of(createTarget('fast', 'gpt-4o-mini'), 'chat_completion_stream')
  assert.deepEqual(headers.split('\r\n'), [
    'x-bifrost-provider: openai',
    'x-bifrost-original-model: fast',
    'x-bifrost-resolved-model: gpt-4o-mini',
    'x-bifrost-request-type: chat_completion_stream',
    'x-bifrost-routing-info-provider: openai',
    'x-bifrost-routing-info-model: gpt-4o-mini',
    'x-bifrost-routing-info-key: primary'
  ])
  const named = { request_type: 'chat_completion_stream', provider: 'openai', original_model_requested: 'fast', resolved_model_used: 'gpt-4o-mini' }
  assert.deepEqual(JSON.parse(`{${chunkFields}}`), named)
  assert.deepEqual(JSON.parse(`{${extraFields}}`), { ...named, routing_info: { provider: 'openai', model: 'gpt-4o-mini', key: 'primary' } })
})

const hostile = fc.oneof(
  fc.constantFrom('a\r\nset-cookie: x=1', 'x"},"y":{"', '\u2028\u2029', '\ud800', '\udc00x', '😀', '\u0000', '\u007f', 'a\\', 'ü', '%0d%0a', '</script>', ' lead and trail '),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.nat(0xffff).map((code) => String.fromCharCode(code)), { maxLength: 20 }).map((list) => list.join(''))
)

test('no model or key name can break a header line or leave ASCII', () => {
  const identities = new Identities()
  fc.assert(fc.property(hostile, hostile, hostile, (requested, model, keyName) => {
    const { headers, extraFields, chunkFields, modelJson } = identities.of(createTarget(requested, model, keyName), 'chat_completion')
    assert.match(extraFields, /^[\x20-\x7e]*$/)
    assert.match(chunkFields, /^[\x20-\x7e]*$/)
    const lines = headers.split('\r\n')
    // What is about no model names none.
    assert.equal(lines.length, requested === '' ? 4 : 7)
    for (const line of lines) assert.match(line, /^x-bifrost-[a-z-]+: [\x20-\x7e]*$/)
    const fields = JSON.parse(`{${extraFields}}`) as { original_model_requested: string, routing_info: object }
    assert.equal(fields.original_model_requested ?? '', requested)
    assert.deepEqual(fields.routing_info, { provider: 'openai', ...requested === '' ? {} : { model }, key: keyName })
    assert.equal(JSON.parse(Buffer.from(modelJson).toString()), model)
  }), { numRuns: 3000 })
})

test('printable names go into headers as they are, others percent-encoded', () => {
  const headerOf = (model: string): string | undefined => new Identities().of(createTarget(model, model), 'embedding').headers.split('\r\n')[1]
  assert.equal(headerOf('meta/llama 3 (70%)'), 'x-bifrost-original-model: meta/llama 3 (70%)')
  assert.equal(headerOf('ü€'), 'x-bifrost-original-model: %C3%BC%E2%82%AC')
  assert.equal(headerOf('a\r\nb'), 'x-bifrost-original-model: a%0D%0Ab')
  assert.equal(headerOf('\ud800'), 'x-bifrost-original-model: %EF%BF%BD')
})

test('the same target has one identity, another has another', () => {
  const identities = new Identities()
  const first = identities.of(createTarget('a', 'b'), 'chat_completion')
  assert.equal(identities.of(createTarget('a', 'b'), 'chat_completion'), first)
  for (const other of [
    identities.of(createTarget('a', 'b'), 'chat_completion_stream'),
    identities.of(createTarget('a', 'b'), 'responses'),
    identities.of(createTarget('a', 'c'), 'chat_completion'),
    identities.of(createTarget('c', 'b'), 'chat_completion'),
    identities.of(createTarget('a', 'b', 'other'), 'chat_completion')
  ]) assert.notEqual(other, first)
})

test('clients that make up names do not make the map grow without end', () => {
  const identities = new Identities()
  const { byModel } = identities as unknown as { byModel: Map<string, unknown[]> }
  for (let index = 0; index < 2_500; index++) {
    identities.of(createTarget(`m${index}`, 'm'), 'chat_completion')
    identities.of(createTarget('same', `m${index}`), 'chat_completion')
    assert.ok([...byModel.values()].reduce((sum, entries) => sum + entries.length, 0) <= 1_000)
  }
})
