import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { spliceBody } from '../../src/api/body-splice.ts'
import { parseRequest } from '../../src/api/parse-request.ts'
import { printJson } from './json-texts.ts'
import { openAiRoute } from '../helpers/routes.ts'

const named = (name: string): { name: string, json: Buffer } => ({ name, json: Buffer.from(JSON.stringify(name)) })

/** @returns the spliced text; checks that the size is the segments' */
function splice (text: string, model: string, injectUsage: boolean, prefill: string | null = null): string {
  const body = Buffer.from(text)
  const { segments, totalBytes } = spliceBody(body, parseRequest(openAiRoute('chat_completion'), body), named(model), injectUsage, prefill)
  const joined = Buffer.concat(segments)
  assert.equal(joined.length, totalBytes)
  return joined.toString()
}

const modelNames = fc.oneof(fc.constantFrom('gpt-4o', 'openai/gpt-4o', 'ü😀', 'a"b\\c'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }))
const isPrintable = (name: string): boolean => !/[\u0000-\u001f\u007f]/.test(name) // eslint-disable-line no-control-regex
const printable = fc.string({ minLength: 1, maxLength: 30 })
const blanks = fc.array(fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 }), { maxLength: 6 })
// Values that look like what is edited.
const otherMembers = fc.dictionary(
  fc.oneof(fc.constantFrom('n', 'user', 'extra', '"fallbacks"', ',', '}'), fc.string({ unit: 'grapheme', maxLength: 6 }).map((key) => `x${key}`)),
  fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('"model":"x"', ',"fallbacks":[]', '}', '{"fallbacks":[1]}'), fc.record({ model: fc.string(), fallbacks: fc.array(fc.string()) }, { noNullPrototype: true })),
  { noNullPrototype: true, maxKeys: 5 }
)

const requests = fc.record({
  others: otherMembers,
  model: modelNames,
  fallbacks: fc.option(fc.array(fc.oneof(fc.constant('anthropic/claude'), modelNames.filter(isPrintable), fc.record({ provider: printable, model: printable }, { noNullPrototype: true })), { maxLength: 10 })),
  /** Where model and fallbacks stand among the members. */
  modelAt: fc.nat(7),
  fallbacksAt: fc.nat(7),
  blanks,
  escapes: fc.array(fc.nat(1), { maxLength: 7 })
})

test('the spliced body is the edited object, for every place of the members and every spelling', () => {
  fc.assert(fc.property(requests, modelNames.filter(isPrintable), fc.boolean(), (request, newModel, injectUsage) => {
    fc.pre(isPrintable(request.model))
    const members: [string, unknown][] = Object.entries({ ...request.others, messages: [{ role: 'user', content: ',"fallbacks":["x"]}' }] })
    members.splice(request.modelAt, 0, ['model', request.model])
    if (request.fallbacks !== null) members.splice(request.fallbacksAt, 0, ['fallbacks', request.fallbacks])
    const text = printJson(Object.fromEntries(members), request.blanks, request.escapes)

    const expected = JSON.parse(text) as Record<string, unknown>
    expected.model = newModel
    delete expected.fallbacks
    if (injectUsage) expected.stream_options = { include_usage: true }

    const spliced = splice(text, newModel, injectUsage)
    assert.deepEqual(JSON.parse(spliced), expected)
    // A second pass of the scanner finds nothing twice and nothing broken.
    parseRequest(openAiRoute('chat_completion'), Buffer.from(spliced))
  }), { numRuns: 3000 })
})

const edits: [string, string, boolean, string][] = [
  // Nothing to change.
  ['{"model":"m","messages":[]}', 'm', false, '{"model":"m","messages":[]}'],
  [' { "model" : "m" , "messages" : [ ] } ', 'm', false, ' { "model" : "m" , "messages" : [ ] } '],
  // The model alone.
  ['{"model":"openai/m","messages":[]}', 'm', false, '{"model":"m","messages":[]}'],
  ['{"messages":[],"model" : "openai/m" }', 'a"b', false, '{"messages":[],"model" : "a\\"b" }'],
  ['{"model":"m\\u0031","messages":[]}', 'm1', false, '{"model":"m\\u0031","messages":[]}'],
  // Fallbacks first, in the middle, last.
  ['{"fallbacks":["x"],"model":"m","messages":[]}', 'm', false, '{"model":"m","messages":[]}'],
  ['{ "fallbacks" : ["x"] , "model":"m","messages":[]}', 'm', false, '{  "model":"m","messages":[]}'],
  ['{"model":"m","fallbacks":["x"],"messages":[]}', 'm', false, '{"model":"m","messages":[]}'],
  ['{"model":"m" , "fallbacks":["x"] , "messages":[]}', 'm', false, '{"model":"m"  , "messages":[]}'],
  ['{"model":"m","messages":[],"fallbacks":["x"]}', 'm', false, '{"model":"m","messages":[]}'],
  ['{"model":"m","messages":[],"f\\u0061llbacks":["x"] }', 'm', false, '{"model":"m","messages":[] }'],
  // All at once, members side by side.
  ['{"fallbacks":[],"model":"p/m","messages":[]}', 'm', true, '{"model":"m","messages":[],"stream_options":{"include_usage":true}}'],
  ['{"messages":[],"model":"p/m","fallbacks":[]}', 'm', true, '{"messages":[],"model":"m","stream_options":{"include_usage":true}}'],
  ['{"messages":[],"fallbacks":[],"model":"p/m" }\n', 'm', true, '{"messages":[],"model":"m" ,"stream_options":{"include_usage":true}}\n']
]

test('only the bytes of the change are touched', () => {
  for (const [text, model, injectUsage, expected] of edits) assert.equal(splice(text, model, injectUsage), expected)
})

test('a body that needs no change is the same buffer', () => {
  const body = Buffer.from('{"model":"m","messages":[]}')
  const { segments } = spliceBody(body, parseRequest(openAiRoute('chat_completion'), body), named('m'), false)
  assert.equal(segments.length, 1)
  assert.equal(segments[0], body)
})

test('segments are views of the body: a large one is not copied', () => {
  const body = Buffer.from(`{"model":"p/m","messages":["${'x'.repeat(100_000)}"]}`)
  const { segments } = spliceBody(body, parseRequest(openAiRoute('chat_completion'), body), named('m'), true)
  const copied = segments.filter((segment) => segment.buffer !== body.buffer).reduce((sum, segment) => sum + segment.length, 0)
  assert.equal(copied, '"m"'.length + ',"stream_options":{"include_usage":true}'.length)
})

test('bytes that are not UTF-8 stay as they are', () => {
  const body = Buffer.concat([Buffer.from('{"model":"p/m","messages":["'), Buffer.from([0xff, 0xfe, 0xc3]), Buffer.from('"]}')])
  const { segments } = spliceBody(body, parseRequest(openAiRoute('chat_completion'), body), named('m'), false)
  assert.ok(Buffer.concat(segments).includes(Buffer.from([0x22, 0xff, 0xfe, 0xc3, 0x22])))
})

test('what the assistant said so far becomes the last message, for every place of the members and every spelling', () => {
  const message = fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: fc.string({ unit: 'grapheme', maxLength: 8 }) }, { noNullPrototype: true })
  const messages = fc.oneof(fc.array(message, { maxLength: 3 }), fc.constantFrom([{ role: 'user', content: ']' }], [{ role: 'user', content: [{ type: 'text', text: '"}]' }] }]))
  fc.assert(fc.property(requests, messages, fc.nat(7), fc.string({ unit: 'grapheme', maxLength: 20 }), fc.boolean(), (request, asked, messagesAt, prefill, injectUsage) => {
    fc.pre(isPrintable(request.model))
    const members: [string, unknown][] = Object.entries(request.others)
    members.splice(messagesAt, 0, ['messages', asked])
    members.splice(request.modelAt, 0, ['model', request.model])
    if (request.fallbacks !== null) members.splice(request.fallbacksAt, 0, ['fallbacks', request.fallbacks])
    const text = printJson(Object.fromEntries(members), request.blanks, request.escapes)

    const expected = JSON.parse(text) as { messages: object[] } & Record<string, unknown>
    expected.messages.push({ role: 'assistant', content: prefill })
    expected.model = 'new'
    delete expected.fallbacks
    if (injectUsage) expected.stream_options = { include_usage: true }
    assert.deepEqual(JSON.parse(splice(text, 'new', injectUsage, prefill)), expected)
  }), { numRuns: 2_000 })
})
