import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/api/chat.ts'
import { chatDialectOf } from '../../src/dialects/registry.ts'
import { GatewayError } from '../../src/errors.ts'
import { createAnswerContext } from './answer-context.ts'
import { readFixtures } from './fixtures.ts'

const dialect = chatDialectOf('openai', 'responses', {})

interface RequestFixture { stream: boolean, client: JsonObject, canonical: JsonObject, dropped: string[] }
interface ReplyFixture { client: JsonObject, reply: Parameters<typeof dialect.fromChatReply>[0], response: JsonObject }

for (const { name, fixture } of readFixtures<RequestFixture>('responses', '.request.json')) {
  test(`${name} in the canonical form`, () => {
    const dropped: string[] = []
    const before = JSON.stringify(fixture.client)
    const request = dialect.toChatRequest(fixture.client, 'up', fixture.stream, (member) => { dropped.push(member) })
    assert.deepEqual(JSON.parse(JSON.stringify(request)), fixture.canonical)
    assert.deepEqual(dropped.sort(), [...fixture.dropped].sort())
    assert.equal(JSON.stringify(fixture.client), before, 'the client\'s body is not changed')
  })
}

for (const { name, fixture } of readFixtures<ReplyFixture>('responses', '.response.json')) {
  test(`${name} as a Response`, () => {
    const request = dialect.toChatRequest(fixture.client, 'up', false)
    assert.deepEqual(dialect.fromChatReply(fixture.reply, request, createAnswerContext()), fixture.response)
  })
}

const user = { role: 'user', content: 'x' }
const refused: [string, JsonObject, string][] = [
  ['an earlier Response', { input: 'x', previous_response_id: 'resp_1' }, 'previous_response_id'],
  ['a conversation', { input: 'x', conversation: { id: 'conv_1' } }, 'conversation'],
  ['a stored prompt', { input: 'x', prompt: { id: 'p' } }, 'prompt'],
  ['the background', { input: 'x', background: true }, 'background'],
  ['a stored item', { input: [{ type: 'item_reference', id: 'rs_1' }] }, 'input[0]'],
  ['input of another kind', { input: 5 }, 'input'],
  ['an item that is none', { input: [user, 5] }, 'input[1]'],
  ['a call of a hosted tool', { input: [user, { type: 'web_search_call', id: 'ws_1' }] }, 'input[1].type'],
  ['an unknown role', { input: [{ role: 'robot', content: 'x' }] }, 'input[0].role'],
  ['a message without content', { input: [{ role: 'user' }] }, 'input[0].content'],
  ['an unknown part', { input: [{ role: 'user', content: [{ type: 'hologram' }] }] }, 'input[0].content[0].type'],
  ['text that is none', { input: [{ role: 'user', content: [{ type: 'input_text', text: 5 }] }] }, 'input[0].content[0].text'],
  ['an image without an address', { input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, 'input[0].content[0].image_url'],
  ['a file without content', { input: [{ role: 'user', content: [{ type: 'input_file', filename: 'a' }] }] }, 'input[0].content[0]'],
  ['an output of no call', { input: [{ type: 'function_call_output', output: 'x' }] }, 'input[0].call_id'],
  ['a call with an id but no call_id', { input: [{ type: 'function_call', id: 'fc_1', name: 'f', arguments: '{}' }] }, 'input[0]'],
  ['arguments that are no object', { input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '[1' }] }, 'input[0].arguments'],
  ['instructions that are no text', { input: 'x', instructions: 5 }, 'instructions'],
  ['a format without a name', { input: 'x', text: { format: { type: 'json_schema', schema: {} } } }, 'text.format.name'],
  ['an unknown format', { input: 'x', text: { format: { type: 'grammar' } } }, 'text.format.type'],
  ['a tool without a name', { input: 'x', tools: [{ type: 'function' }] }, 'tools[0].name'],
  ['a tool that is none', { input: 'x', tools: ['f'] }, 'tools[0]'],
  ['the choice of a hosted tool', { input: 'x', tools: [{ type: 'web_search' }], tool_choice: { type: 'web_search' } }, 'tool_choice.type'],
  ['the choice of an unknown tool', { input: 'x', tools: [{ type: 'function', name: 'f' }], tool_choice: { type: 'function', name: 'g' } }, 'tool_choice.name']
]

for (const [what, body, param] of refused) {
  test(`${what} is refused by name`, () => {
    assert.throws(() => dialect.toChatRequest({ model: 'm', ...body }, 'up', false), (error) => {
      assert.ok(error instanceof GatewayError)
      assert.equal(error.code, 'BIFROST_INVALID_REQUEST')
      assert.equal(error.param, param)
      return true
    })
  })
}

test('encrypted content that only looks like the gateway\'s own is passed on as OpenAI\'s', () => {
  for (const text of ['bifrost.v1.', 'bifrost.v1.bm9uc2Vuc2U', 'bifrost.v1.e30', 'bifrost']) {
    const request = dialect.toChatRequest({ input: [{ type: 'reasoning', encrypted_content: text }, { role: 'assistant', content: 'y' }] }, 'up', false)
    assert.deepEqual(request.messages, [{ role: 'assistant', content: 'y', reasoning_details: [{ type: 'reasoning.encrypted', data: text, format: 'openai-responses' }] }])
  }
})
