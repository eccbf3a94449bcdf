import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Operation } from '../../src/api/operations.ts'
import { parseRequest } from '../../src/api/parse-request.ts'
import { GatewayError } from '../../src/errors.ts'
import { jsonObjects } from './json-texts.ts'
import { openAiRoute } from '../helpers/routes.ts'

interface Refusal { code: string, status: number, param: string | null, message: string }

function refusal (operation: Operation, body: string | Buffer): Refusal {
  try {
    parseRequest(openAiRoute(operation), Buffer.from(body))
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    const { code, status, param, message } = error
    return { code, status, param, message }
  }
  return assert.fail(`accepted: ${body.toString().slice(0, 100)}`)
}

const modelMessage = 'model is required: "provider/model", for instance "openai/gpt-4o-mini".'
const lengthMessage = 'model must be at most 256 characters without control characters.'

const refused: [Operation, string, string, string | null, string][] = [
  ['chat_completion', '', 'BIFROST_INVALID_JSON', null, 'The request body is not usable: expected a JSON object at byte 0.'],
  ['chat_completion', '[]', 'BIFROST_INVALID_JSON', null, 'The request body is not usable: expected a JSON object at byte 0.'],
  ['chat_completion', '{"model":"a",}', 'BIFROST_INVALID_JSON', null, 'The request body is not usable: unexpected closing bracket at byte 13.'],
  ['chat_completion', '{"model":"a"', 'BIFROST_INVALID_JSON', null, 'The request body is not usable: unexpected end of input at byte 12.'],
  ['chat_completion', '{"model":"a","model":"b","messages":[]}', 'BIFROST_INVALID_REQUEST', null, 'The request body is not usable: the key "model" appears twice at byte 13.'],
  ['chat_completion', `{"a":${'['.repeat(128)}`, 'BIFROST_BODY_TOO_COMPLEX', null, 'The request body is not usable: nested deeper than 128 levels at byte 132.'],
  ['chat_completion', '{"messages":[]}', 'BIFROST_MODEL_REQUIRED', 'model', modelMessage],
  ['chat_completion', '{"model":"","messages":[]}', 'BIFROST_MODEL_REQUIRED', 'model', modelMessage],
  ['chat_completion', '{"model":null,"messages":[]}', 'BIFROST_MODEL_REQUIRED', 'model', modelMessage],
  ['chat_completion', '{"model":123,"messages":[]}', 'BIFROST_INVALID_REQUEST', 'model', 'model must be a string, not 123.'],
  ['chat_completion', '{"model":["a"],"messages":[]}', 'BIFROST_INVALID_REQUEST', 'model', 'model must be a string, not ["a"].'],
  ['chat_completion', '{"model":"a\\nb","messages":[]}', 'BIFROST_INVALID_REQUEST', 'model', lengthMessage],
  ['chat_completion', '{"model":"a\\u007f","messages":[]}', 'BIFROST_INVALID_REQUEST', 'model', lengthMessage],
  ['chat_completion', `{"model":"${'a'.repeat(257)}","messages":[]}`, 'BIFROST_INVALID_REQUEST', 'model', lengthMessage],
  ['chat_completion', '{"model":"a"}', 'BIFROST_INVALID_REQUEST', 'messages', 'messages is required.'],
  ['chat_completion', '{"model":"a","messages":"hi"}', 'BIFROST_INVALID_REQUEST', 'messages', 'messages must be an array, not "hi".'],
  ['chat_completion', '{"model":"a","messages":null}', 'BIFROST_INVALID_REQUEST', 'messages', 'messages must be an array, not null.'],
  ['chat_completion', `{"model":"a","messages":"${'x'.repeat(100)}"}`, 'BIFROST_INVALID_REQUEST', 'messages', `messages must be an array, not "${'x'.repeat(63)}.`],
  ['chat_completion', '{"model":"a","messages":[],"stream":"true"}', 'BIFROST_INVALID_REQUEST', 'stream', 'stream must be true or false, not "true".'],
  ['chat_completion', '{"model":"a","messages":[],"stream":1}', 'BIFROST_INVALID_REQUEST', 'stream', 'stream must be true or false, not 1.'],
  ['text_completion', '{"model":"a","messages":[]}', 'BIFROST_INVALID_REQUEST', 'prompt', 'prompt is required.'],
  ['responses', '{"model":"a","messages":[]}', 'BIFROST_INVALID_REQUEST', 'input', 'input is required.'],
  ['embedding', '{"model":"a","prompt":"x"}', 'BIFROST_INVALID_REQUEST', 'input', 'input is required.'],
  ['embedding', '{"model":"a","input":"x","encoding_format":3}', 'BIFROST_INVALID_REQUEST', 'encoding_format', 'encoding_format must be a string, not 3.'],
  ['chat_completion', '{"model":"a","messages":[],"fallbacks":"groq/llama"}', 'BIFROST_INVALID_REQUEST', 'fallbacks', 'fallbacks must be an array, not "groq/llama".'],
  ['chat_completion', '{"model":"a","messages":[],"fallbacks":{"0":"groq/llama"}}', 'BIFROST_INVALID_REQUEST', 'fallbacks', 'fallbacks must be an array, not {"0":"groq/llama"}.'],
  ['chat_completion', `{"model":"a","messages":[],"fallbacks":[${'"a/b",'.repeat(10)}"a/b"]}`, 'BIFROST_INVALID_REQUEST', 'fallbacks', 'fallbacks may hold at most 10 targets, not 11.'],
  ['chat_completion', '{"model":"a","messages":[],"fallbacks":["a/b",5]}', 'BIFROST_INVALID_REQUEST', 'fallbacks', 'fallbacks[1] must be "provider/model" or {"provider", "model"}, not 5.'],
  ['chat_completion', '{"model":"a","messages":[],"fallbacks":[null]}', 'BIFROST_INVALID_REQUEST', 'fallbacks', 'fallbacks[0] must be "provider/model" or {"provider", "model"}, not null.'],
  ['responses', '{"model":"a","input":"x","fallbacks":[""]}', 'BIFROST_INVALID_REQUEST', 'fallbacks', 'fallbacks[0] must be "provider/model" or {"provider", "model"}, not "".'],
  ['responses', '{"model":"a","input":"x","fallbacks":["a/b","c\\nd"]}', 'BIFROST_INVALID_REQUEST', 'fallbacks', 'fallbacks[1] must be "provider/model" or {"provider", "model"}, not "c\\nd".'],
  ['embedding', '{"model":"a","input":"x","fallbacks":[{"provider":"p"}]}', 'BIFROST_INVALID_REQUEST', 'fallbacks', 'fallbacks[0] must be "provider/model" or {"provider", "model"}, not {"provider":"p"}.'],
  ['embedding', '{"model":"a","input":"x","fallbacks":[{"provider":"","model":"m"}]}', 'BIFROST_INVALID_REQUEST', 'fallbacks', 'fallbacks[0] must be "provider/model" or {"provider", "model"}, not {"provider":"","model":"m"}.'],
  ['text_completion', '{"model":"a","prompt":"x","fallbacks":[["a/b"]]}', 'BIFROST_INVALID_REQUEST', 'fallbacks', 'fallbacks[0] must be "provider/model" or {"provider", "model"}, not ["a/b"].'],
  ['text_completion', `{"model":"a","prompt":"x","fallbacks":["${'f'.repeat(257)}"]}`, 'BIFROST_INVALID_REQUEST', 'fallbacks', `fallbacks[0] must be "provider/model" or {"provider", "model"}, not "${'f'.repeat(63)}.`]
]

test('a refusal names the field, what it holds and what is allowed', () => {
  for (const [operation, body, code, param, message] of refused) {
    assert.deepEqual(refusal(operation, body), { code, status: 400, param, message })
  }
})

const accepted: [Operation, string, object][] = [
  ['chat_completion', '{"model":"openai/gpt-4o","messages":[]}', { model: 'openai/gpt-4o', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['chat_completion', '{"messages":[1],"stream":true,"model":"a"}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: true, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['chat_completion', '{"messages":[],"stream":null,"model":"a","stream_options":null}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: true, base64Embeddings: false, fallbacks: null }],
  ['chat_completion', '{"messages":[],"m\\u006fdel":"\\u00fc\\ud83d\\ude00\\"\\\\\\/"}', { model: 'ü😀"\\/', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['chat_completion', `{"model":"${'a'.repeat(256)}","messages":[]}`, { model: 'a'.repeat(256), modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['text_completion', '{"model":"a","prompt":"x","stream":true}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: true, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['text_completion', '{"model":"a","prompt":["x"]}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['responses', '{"model":"a","input":"x","stream":true,"encoding_format":"base64"}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: true, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['embedding', '{"model":"a","input":"x","stream":true}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['embedding', '{"model":"a","input":["x"],"encoding_format":"base64"}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: true, fallbacks: null }],
  ['embedding', '{"model":"a","input":["x"],"encoding_format":"float"}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['embedding', '{"model":"a","input":["x"],"encoding_format":null}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['chat_completion', '{"model":"a","messages":[],"fallbacks":null}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: null }],
  ['chat_completion', '{"model":"a","messages":[],"fallbacks":[]}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: [] }],
  ['chat_completion', '{"f\\u0061llbacks":["groq/llama-3","bare"],"model":"a","messages":[]}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: ['groq/llama-3', 'bare'] }],
  ['responses', '{"model":"a","input":"x","fallbacks":[{"provider":"openrouter","model":"meta/llama"},{"model":"m","provider":"p","more":1}]}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: ['openrouter/meta/llama', 'p/m'] }],
  ['embedding', '{"model":"a","input":"x","fallbacks":["1/m","2/m","3/m","4/m","5/m","6/m","7/m","8/m","9/m","10/m"]}', { model: 'a', modelInPath: false, relay: false, contentType: '', stream: false, hasStreamOptions: false, base64Embeddings: false, fallbacks: ['1/m', '2/m', '3/m', '4/m', '5/m', '6/m', '7/m', '8/m', '9/m', '10/m'] }]
]

test('an accepted body tells model, stream and what the client decided', () => {
  for (const [operation, body, expected] of accepted) {
    const { scan, ...rest } = parseRequest(openAiRoute(operation), Buffer.from(body))
    assert.deepEqual(rest, { operation, ...expected })
    assert.ok(scan.members.has('model'))
  }
})

test('model and stream are what JSON.parse reads, for every spelling of the body', () => {
  fc.assert(fc.property(jsonObjects(['x', 'temperature', 'n']), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((model) => !/[\u0000-\u001f\u007f]/.test(model)), fc.boolean(), fc.boolean(), ({ value, text }, model, stream, escaped) => { // eslint-disable-line no-control-regex
    const spelled = escaped ? `"${[...Array(model.length).keys()].map((index) => `\\u${model.charCodeAt(index).toString(16).padStart(4, '0')}`).join('')}"` : JSON.stringify(model)
    const rest = text.trim().slice(1, -1).trim()
    const body = `{"model": ${spelled} ,"stream":${stream}, "messages":[]${rest === '' ? '' : ','}${rest}}`
    if (['model', 'stream', 'messages', 'fallbacks', 'stream_options', 'encoding_format', 'prompt', 'input'].some((name) => Object.hasOwn(value, name))) return
    const parsed = parseRequest(openAiRoute('chat_completion'), Buffer.from(body))
    const oracle = JSON.parse(body) as { model: string, stream: boolean }
    assert.deepEqual({ model: parsed.model, stream: parsed.stream }, { model: oracle.model, stream: oracle.stream })
  }))
})

test('more than 100,000 keys are too complex', () => {
  const { code, message } = refusal('chat_completion', `{${'"a":0,'.repeat(100_000)}"a":0}`)
  assert.equal(code, 'BIFROST_BODY_TOO_COMPLEX')
  assert.match(message, /^The request body is not usable: more than 100000 keys at byte \d+\.$/)
})
