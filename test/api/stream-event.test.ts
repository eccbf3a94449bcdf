import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { cutEvent, printEvent, readEvent } from '../../src/api/stream-event.ts'

function cutAll (bytes: Uint8Array): { pieces: Uint8Array[], data: string[] } {
  const pieces: Uint8Array[] = []
  const data: string[] = []
  for (let start = 0; start < bytes.length;) {
    const event = cutEvent(bytes, start)
    pieces.push(bytes.subarray(start, event.end))
    if (event.data !== null) data.push(event.data)
    start = event.end
  }
  return { pieces, data }
}

const lines = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/[\r\n]/.test(text)).map((text) => `data: ${text}x`),
  fc.constantFrom(': ping', 'event: message', 'id: 7', 'data:{"a":1}', 'data: [DONE]', 'database: no')
)

test('events are cut and their data read as eventsource-parser does, for every kind of line end', () => {
  fc.assert(fc.property(fc.array(fc.array(lines, { minLength: 1, maxLength: 3 }), { maxLength: 6 }), fc.constantFrom('\n', '\r\n', '\r'), fc.boolean(), (events, lineEnd, withMark) => {
    const text = events.map((event) => event.map((line) => line + lineEnd).join('') + lineEnd).join('')
    const expected: string[] = []
    const parser = createParser({ onEvent: ({ data }) => { expected.push(data) } })
    parser.feed(text.replaceAll(/\r\n?/g, '\n'))
    // A decoder takes the byte-order mark off before the parser sees the text.
    const bytes = Buffer.from((withMark ? '\ufeff' : '') + text)
    const { pieces, data } = cutAll(bytes)
    // The space after the colon stays: JSON and the end mark do not mind.
    assert.deepEqual(data.map((value) => value.replaceAll(/^ /gm, '')), expected)
    assert.deepEqual(Buffer.concat(pieces), bytes)
  }), { numRuns: 1_000 })
})

const chat = (delta: object, more: object = {}): string => JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason: null, ...more }] })

/** What an event says, in the order text, end, other. */
const said: [name: string, data: string | null, text: string, isEnd: boolean, hasOther: boolean][] = [
  ['a comment', null, '', false, false],
  ['a role', chat({ role: 'assistant', content: '' }), '', false, false],
  ['text', chat({ content: 'Grüße 😀' }), 'Grüße 😀', false, false],
  ['text with members that say nothing', chat({ content: 'a', refusal: null, tool_calls: [], reasoning_content: '', provider_specific_fields: {} }, { logprobs: null }), 'a', false, false],
  ['text of a choice without an index', '{"choices":[{"delta":{"content":"a"}}]}', 'a', false, false],
  ['text of a completion', '{"choices":[{"index":0,"text":"a","logprobs":null,"finish_reason":null}]}', 'a', false, false],
  ['what a filter says about a choice', chat({ content: 'a' }, { content_filter_results: { hate: { filtered: false } } }), 'a', false, false],
  ['the last text with its finish', chat({ content: 'a' }, { finish_reason: 'length' }), 'a', true, false],
  ['a finish', chat({}, { finish_reason: 'stop' }), '', true, false],
  ['the end mark', ' [DONE]', '', true, false],
  ['usage', '{"choices":[],"usage":{"total_tokens":3}}', '', false, false],
  ['something without choices', '{"type":"ping"}', '', false, false],
  ['a tool call', chat({ role: 'assistant', content: null, tool_calls: [{ index: 0 }] }), '', false, true],
  ['a function call', chat({ function_call: { name: 'f' } }), '', false, true],
  ['a refusal', chat({ refusal: 'No' }), '', false, true],
  ['reasoning', chat({ reasoning_content: 'Hm' }), '', false, true],
  ['reasoning under another name', chat({ content: '', reasoning: 'Hm' }), '', false, true],
  ['audio', chat({ audio: { id: 'a' } }), '', false, true],
  ['log probabilities', chat({ content: 'a' }, { logprobs: { content: [{ token: 'a' }] } }), 'a', false, true],
  ['log probabilities of a completion', '{"choices":[{"index":0,"text":"a","logprobs":{"tokens":["a"]}}]}', 'a', false, true],
  ['text in parts', chat({ content: [{ type: 'text', text: 'a' }] }), '', false, true],
  ['a second choice', chat({ content: 'a' }, { index: 1 }), 'a', false, true],
  ['two choices', '{"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}', '', false, true],
  ['a whole message', '{"choices":[{"index":0,"message":{"content":"a"}}]}', '', false, true],
  ['half an event', '{"choices":[{"del', '', false, true],
  ['an array', '[1]', '', false, true]
]

for (const [name, data, text, isEnd, hasOther] of said) {
  test(`${name}: ${hasOther ? 'not text alone' : isEnd ? 'the end' : text === '' ? 'nothing said' : 'text'}`, () => {
    const event = readEvent(data)
    assert.deepEqual({ text: event.text, isEnd: event.isEnd, hasOther: event.hasOther }, { text, isEnd, hasOther })
  })
}

test('an event is printed with other text and without its role, all else as it was', () => {
  const print = (data: string, text: string): unknown => {
    const printed = printEvent(readEvent(data), text).toString()
    assert.match(printed, /^data: [^\n]*\n\n$/)
    return JSON.parse(printed.slice('data: '.length))
  }
  assert.deepEqual(print(chat({ role: 'assistant', content: 'ab', x: 1 }, { finish_reason: 'stop' }), 'b'), JSON.parse(chat({ content: 'b', x: 1 }, { finish_reason: 'stop' })))
  assert.deepEqual(print(chat({ role: 'assistant', content: null, tool_calls: [1] }), ''), JSON.parse(chat({ content: null, tool_calls: [1] })))
  assert.deepEqual(print('{"choices":[{"text":"ab"}],"extra_fields":{"provider":"p"}}', 'b'), { choices: [{ text: 'b' }], extra_fields: { provider: 'p' } })
})
