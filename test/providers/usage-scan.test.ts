import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createUsage } from '../../src/api/usage.ts'
import type { Usage } from '../../src/api/usage.ts'
import { toUsage } from '../../src/providers/openai/usage.ts'
import { scanUsage } from '../../src/providers/openai/usage-scan.ts'

const scan = (json: string): Usage | null => scanUsage(Buffer.from(`{"usage":${json},"x":1}`), 9)

function parse (json: string): Usage {
  const usage = createUsage()
  toUsage(JSON.parse(json), usage)
  return usage
}

// As the providers' own documentation shows them.
const usual = {
  OpenAI: '{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":7},"completion_tokens_details":{"reasoning_tokens":5,"audio_tokens":3,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}',
  'OpenAI, Responses': '{"input_tokens": 36, "input_tokens_details": {"cached_tokens": 1}, "output_tokens": 87, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 123}',
  'OpenAI, embeddings': '{\n  "prompt_tokens": 8,\n  "total_tokens": 8\n}',
  vLLM: '{"prompt_tokens":12,"total_tokens":20,"completion_tokens":8,"prompt_tokens_details":null}',
  Mistral: '{"prompt_tokens":16,"completion_tokens":34,"total_tokens":50,"num_cached_tokens":4}'
}
for (const [name, json] of Object.entries(usual)) {
  test(`the usage of ${name} is read without parsing it`, () => {
    assert.deepEqual(scan(json), parse(json))
  })
}

const left = {
  'an empty object': '{}',
  'a fraction': '{"prompt_tokens":1.5}',
  'an exponent': '{"prompt_tokens":1e3}',
  'a negative number': '{"prompt_tokens":-1}',
  'more than a frame can hold': '{"prompt_tokens":4294967296}',
  'a number as a string': '{"prompt_tokens":"5"}',
  'a key twice': '{"prompt_tokens":0,"prompt_tokens":5}',
  'two spellings': '{"prompt_tokens":0,"input_tokens":5}',
  'two counts of the same': '{"prompt_tokens":9,"prompt_cache_hit_tokens":5,"prompt_tokens_details":{"cached_tokens":0}}',
  'details twice': '{"prompt_tokens_details":{"cached_tokens":5},"input_tokens_details":{}}',
  'an escaped key': '{"prompt\\u005ftokens":5}',
  'an object that means nothing': '{"cost_details":{"prompt_tokens":5}}',
  'an object in details': '{"prompt_tokens_details":{"prompt_tokens":5,"cached_tokens":{}}}',
  'a count where details belong': '{"prompt_tokens_details":5}',
  'a leading zero': '{"prompt_tokens":05}',
  'a word': '{"prompt_tokens":nope}',
  'a missing comma': '{"prompt_tokens":5 "completion_tokens":6}',
  'a comma too many': '{"prompt_tokens":5,}',
  'no end': '{"prompt_tokens":5',
  'no value': '{"prompt_tokens":}'
}
for (const [name, json] of Object.entries(left)) {
  test(`${name} is left to the parser`, () => {
    assert.equal(scanUsage(Buffer.from(json), 0), null)
  })
}

test('whatever is read is what the parser reads', () => {
  const count = fc.oneof(fc.nat({ max: 2 ** 32 - 1 }), fc.constant(0), fc.constant(null))
  const names = ['prompt_tokens', 'completion_tokens', 'input_tokens', 'output_tokens', 'total_tokens', 'prompt_cache_hit_tokens', 'num_cached_tokens', 'cached_tokens', 'cache_write_tokens', 'audio_tokens', 'reasoning_tokens', 'prompt_tokens_details', '__proto__', 'prompt_tokenS']
  const counts = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.oneof({ weight: 20, arbitrary: count }, { weight: 1, arbitrary: fc.jsonValue() }), { maxKeys: 5 })
  const details = ['prompt_tokens_details', 'completion_tokens_details', 'input_tokens_details', 'output_tokens_details']
  const usage = fc.tuple(counts, fc.dictionary(fc.constantFrom(...details), fc.oneof(counts, fc.constant(null)), { maxKeys: 2 })).map(([one, other]) => ({ ...one, ...other }))
  let read = 0
  fc.assert(fc.property(usage, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
    const json = JSON.stringify(value, null, space)
    const found = scan(json)
    if (found === null) return
    read++
    assert.deepEqual(found, parse(json))
  }), { numRuns: 3_000, seed: 20261129 })
  assert.ok(read > 500, `only ${read} were read`)
})

test('bytes of any kind end the scan, within the text', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    const text = Buffer.concat([Buffer.from('{"prompt_tokens":'), bytes])
    const found = scanUsage(text, 0)
    if (found !== null) assert.equal(found.inputTokens, Number.parseInt(text.toString('latin1', 17).trim(), 10) || 0)
  }), { numRuns: 3_000, seed: 20261129 })
})
