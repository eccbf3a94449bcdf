import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import OpenAI from 'openai'
import type { ChatDelta, JsonObject } from '../../src/api/chat.ts'
import { chatDialectOf } from '../../src/dialects/registry.ts'
import { createAnswerContext } from './answer-context.ts'
import { encode } from './encode.ts'
import type { SinkCall } from './encode.ts'
import { checkEvents, eventsOf } from './responses-rules.ts'
import type { ResponseEvent } from './responses-rules.ts'

const dialect = chatDialectOf('openai', 'responses', {})

function stream (calls: readonly SinkCall[], client: JsonObject = { input: 'hi' }): Buffer {
  const request = dialect.toChatRequest(client, 'up', true)
  return encode(dialect.createChatEncoder(request, createAnswerContext({ extraFields: '"provider":"test"' })), calls)
}

function endOf (events: readonly ResponseEvent[]): { status: string, output: JsonObject[], usage: JsonObject | null, incomplete_details: unknown } {
  return events.at(-1)?.['response'] as ReturnType<typeof endOf>
}

const turn: SinkCall[] = [
  ['start', 'chatcmpl-7', 'up'],
  ['delta', 0, { role: 'assistant', reasoning_content: 'two ' }],
  ['delta', 0, { reasoning_content: 'cities' }],
  ['delta', 0, { content: 'I ' }],
  ['delta', 0, { content: 'look. Köln 👋' }],
  ['delta', 0, { tool_calls: [{ index: 0, id: 'call_a', type: 'function', function: { name: 'weather', arguments: '' } }] }],
  ['delta', 0, { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }],
  ['delta', 0, { tool_calls: [{ index: 1, id: 'call_b', type: 'function', function: { name: 'now' } }] }],
  ['delta', 0, { tool_calls: [{ index: 0, function: { arguments: '"Köln"}' } }] }],
  ['finish', 0, 'tool_calls'],
  ['usage', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, completion_tokens_details: { reasoning_tokens: 2 } }]
]

test('a turn with reasoning, text and interleaved calls is written as the golden stream', () => {
  const golden = readFileSync(join(process.cwd(), 'test/fixtures/responses/turn.1.chunks.txt'), 'utf8')
  const bytes = stream(turn)
  checkEvents(eventsOf(Buffer.from(golden)))
  assert.equal(bytes.toString('utf8'), golden)
})

test('the whole answer and the stream end in the same Response', () => {
  const request = dialect.toChatRequest({ input: 'hi', instructions: 'Be brief.' }, 'up', false)
  const whole = dialect.fromChatReply({
    id: 'chatcmpl-7',
    object: 'chat.completion',
    created: 1234,
    model: 'up',
    choices: [{
      index: 0,
      finish_reason: 'tool_calls',
      message: {
        role: 'assistant',
        content: 'I look. Köln 👋',
        reasoning_content: 'two cities',
        tool_calls: [{ id: 'call_a', type: 'function', function: { name: 'weather', arguments: '{"city":"Köln"}' } }, { id: 'call_b', type: 'function', function: { name: 'now', arguments: '' } }]
      }
    }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, completion_tokens_details: { reasoning_tokens: 2 } }
  }, request, createAnswerContext())
  assert.deepEqual(endOf(eventsOf(stream(turn, { input: 'hi', instructions: 'Be brief.' }))), whole)
})

const nothing: [string, SinkCall[]][] = [
  ['says nothing at all', []],
  ['only begins', [['start', 'x', 'up']]],
  ['has an empty delta', [['delta', 0, { role: 'assistant', content: '' }], ['finish', 0, 'stop']]]
]
for (const [what, calls] of nothing) {
  test(`a stream that ${what} has no made-up message`, () => {
    const events = eventsOf(stream(calls))
    checkEvents(events)
    assert.deepEqual([endOf(events).status, endOf(events).output, endOf(events).usage], ['completed', [], null])
  })
}

test('an answer that is cut says why, and its message is incomplete', () => {
  for (const [reason, why] of [['length', 'max_output_tokens'], ['content_filter', 'content_filter']] as const) {
    const events = eventsOf(stream([['delta', 0, { content: 'Hel' }], ['finish', 0, reason]]))
    checkEvents(events)
    assert.equal(events.at(-1)?.type, 'response.incomplete')
    assert.deepEqual(endOf(events).incomplete_details, { reason: why })
    assert.equal(endOf(events).output[0]?.['status'], 'incomplete')
  }
})

test('a call is announced when its name has come, with what was said of it before', () => {
  const call = (id: string, name: string, text: string): SinkCall => ['delta', 0, { tool_calls: [{ index: 0, ...id === '' ? {} : { id }, function: { name, arguments: text } }] }]
  const events = eventsOf(stream([call('call_a', '', ''), call('', '', '{"a"'), call('', 'f', ':1'), call('', '', '}'), ['finish', 0, 'tool_calls']]))
  checkEvents(events)
  assert.deepEqual(endOf(events).output, [{ id: 'fc_2', type: 'function_call', status: 'completed', call_id: 'call_a', name: 'f', arguments: '{"a":1}' }])
})

test('a call without an id gets one', () => {
  const events = eventsOf(stream([['delta', 0, { tool_calls: [{ index: 0, function: { name: 'f', arguments: '{}' } }] }]]))
  checkEvents(events)
  assert.equal(endOf(events).output[0]?.['call_id'], 'call_2')
})

test('another choice is not part of a Response', () => {
  const events = eventsOf(stream([['delta', 1, { content: 'no' }], ['delta', 0, { content: 'yes' }], ['finish', 1, 'length'], ['finish', 0, 'stop']]))
  checkEvents(events)
  assert.equal(endOf(events).status, 'completed')
  assert.deepEqual((endOf(events).output as unknown as { content: unknown[] }[]).map(({ content }) => content), [[{ type: 'output_text', text: 'yes', annotations: [], logprobs: [] }]])
})

/** The assistant's message that a client sends back after a stream. */
function sentBack (calls: readonly SinkCall[]): JsonObject {
  const events = eventsOf(stream(calls))
  checkEvents(events)
  const { messages } = dialect.toChatRequest({ input: [...endOf(events).output, { role: 'user', content: 'next' }] }, 'up', false)
  assert.equal(messages.length, 2)
  return messages[0] as unknown as JsonObject
}

test('signatures and encrypted reasoning come back from the items of a stream as they went', () => {
  assert.deepEqual(sentBack([
    ['delta', 0, { reasoning_details: [{ type: 'reasoning.text', text: 'thi', format: 'anthropic', index: 0 }] }],
    ['delta', 0, { reasoning_content: 'nk', reasoning_details: [{ type: 'reasoning.text', text: 'nk', format: 'anthropic', index: 0 }] }],
    ['delta', 0, { reasoning_details: [{ type: 'reasoning.text', text: '', signature: 'c2ln', format: 'anthropic', index: 0 }] }],
    ['delta', 0, { reasoning_details: [{ type: 'reasoning.encrypted', data: 'cmVk', format: 'anthropic', index: 1 }] }],
    ['delta', 0, { content: 'Hi' }],
    ['delta', 0, { tool_calls: [{ index: 0, id: 'call_a', function: { name: 'f', arguments: '{}' }, extra_content: { google: { thought_signature: 'dGg=' } } }] }],
    ['finish', 0, 'tool_calls']
  ]), {
    role: 'assistant',
    content: 'Hi',
    reasoning_content: 'think',
    reasoning_details: [
      { type: 'reasoning.text', text: 'think', signature: 'c2ln', format: 'anthropic', index: 0 },
      { type: 'reasoning.encrypted', data: 'cmVk', format: 'anthropic', index: 1 }
    ],
    tool_calls: [{ id: 'call_a', type: 'function', function: { name: 'f', arguments: '{}' }, extra_content: { google: { thought_signature: 'dGg=' } } }]
  })
})

test('OpenAI\'s own encrypted reasoning is one item with its summary, unwrapped', () => {
  const own = { format: 'openai-responses', id: 'rs_9' }
  const events = eventsOf(stream([
    ['delta', 0, { reasoning_details: [{ type: 'reasoning.summary', summary: 'a', ...own }, { type: 'reasoning.encrypted', data: 'gAAAA', ...own }] }],
    ['delta', 0, { content: 'Hi' }]
  ]))
  checkEvents(events)
  assert.deepEqual(endOf(events).output[0], { id: 'rs_2', type: 'reasoning', summary: [{ type: 'summary_text', text: 'a' }], encrypted_content: 'gAAAA' })
})

const text = fc.string({ unit: 'grapheme', maxLength: 5 })
const index = fc.nat({ max: 2 })
const delta: fc.Arbitrary<ChatDelta> = fc.oneof(
  fc.record({ content: text }),
  fc.record({ refusal: text }),
  fc.record({ reasoning_content: text }),
  fc.record({ annotations: fc.array(fc.constant({ type: 'url_citation', url_citation: { url: 'https://a.example' } }), { maxLength: 2 }) }),
  fc.record({
    reasoning_details: fc.array(fc.oneof(
      fc.record({ type: fc.constant('reasoning.text' as const), text, index, signature: fc.option(text) }),
      fc.record({ type: fc.constant('reasoning.summary' as const), summary: text, format: fc.constantFrom('openai-responses', 'gemini') }),
      fc.record({ type: fc.constant('reasoning.encrypted' as const), data: text, format: fc.constantFrom('openai-responses', 'anthropic') })
    ), { maxLength: 2 })
  }),
  fc.record({ tool_calls: fc.array(fc.record({ index, function: fc.record({ name: text, arguments: text }, { requiredKeys: [] }) }, { requiredKeys: ['index', 'function'] }), { maxLength: 2 }) })
)

test('whatever the model says, the events are legal and add up', () => {
  fc.assert(fc.property(fc.array(delta, { maxLength: 20 }), fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter'), (deltas, reason) => {
    // Calls whose name never comes are announced without; everybody sends one.
    const named: SinkCall[] = [0, 1, 2].map((call): SinkCall => ['delta', 0, { tool_calls: [{ index: call, id: `call_${call}`, function: { name: 'f' } }] }])
    const events = eventsOf(stream([...deltas.map((one): SinkCall => ['delta', 0, one]), ...named, ['finish', 0, reason as 'stop']]))
    checkEvents(events)
    const said = events.filter(({ type }) => type === 'response.output_text.delta').map((event) => String(event['delta'])).join('')
    assert.equal(said, deltas.map(({ content = '' }) => content).join(''))
    const done = events.filter(({ type }) => type === 'response.output_item.done').sort((one, other) => (one['output_index'] as number) - (other['output_index'] as number)).map((event) => event['item'])
    assert.deepEqual(endOf(events).output, done)
  }), { numRuns: 1000, seed: 7 })
})

test('the SDK\'s own reader of events comes to the same Response', async (t) => {
  const bytes = stream(turn)
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    // In pieces that cut events and characters.
    for (let at = 0; at < bytes.length; at += 97) response.write(bytes.subarray(at, at + 97))
    response.end()
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => { server.close() })
  const client = new OpenAI({ apiKey: 'x', baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, maxRetries: 0 })
  const events = client.responses.stream({ model: 'm', input: 'hi' })
  const types = new Set<string>()
  let snapshot = ''
  events.on('event', ({ type }) => { types.add(type) })
  events.on('response.output_text.delta', (event) => { snapshot = event.snapshot })
  const final = await events.finalResponse()
  assert.equal(snapshot, 'I look. Köln 👋')
  assert.equal(final.output_text, 'I look. Köln 👋')
  assert.equal(final.status, 'completed')
  assert.deepEqual(final.output.map((item) => item.type === 'function_call' ? [item.call_id, item.name, item.arguments] : item.type), ['reasoning', 'message', ['call_a', 'weather', '{"city":"Köln"}'], ['call_b', 'now', '{}']])
  assert.equal(final.usage?.total_tokens, 15)
  assert.ok(types.has('response.reasoning_summary_text.delta') && types.has('response.function_call_arguments.done'))
})
