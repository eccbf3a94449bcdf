import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../src/api/chat.ts'
import { OpenAiChatProvider } from '../../src/providers/openai/chat.ts'
import { chatRequests } from './azure-arbitrary.ts'

const roles = new Set(['system', 'developer', 'user', 'assistant', 'tool'])
const partTypes = new Set(['text', 'image_url', 'file', 'input_audio', 'refusal'])
const messageMembers = new Set(['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'refusal', 'audio'])

/** What OpenAI's reference says of a body: nothing that it does not know, everything in its place. */
function checkBody (body: JsonObject, isOlder: boolean): void {
  for (const name of ['top_k', 'reasoning', ...isOlder ? ['max_completion_tokens'] : []]) assert.ok(!(name in body), name)
  for (const message of body['messages'] as JsonObject[]) {
    assert.ok(roles.has(message['role'] as string))
    if (isOlder) assert.notEqual(message['role'], 'developer')
    for (const name of Object.keys(message)) assert.ok(messageMembers.has(name), name)
    if (Array.isArray(message['content'])) {
      for (const part of message['content'] as JsonObject[]) {
        assert.ok(partTypes.has(part['type'] as string))
        assert.ok(!('cache_control' in part))
      }
    }
    for (const call of (message['tool_calls'] ?? []) as JsonObject[]) assert.deepEqual(Object.keys(call).sort(), ['function', 'id', 'type'])
  }
  for (const tool of (body['tools'] ?? []) as JsonObject[]) assert.ok(!('cache_control' in tool))
}

for (const isOlder of [false, true]) {
  test(`whatever a client of another dialect asks, the body is OpenAI's ${isOlder ? 'as it was' : 'own'}`, () => {
    const provider = new OpenAiChatProvider('azure', () => new URL('https://a.example/'), isOlder)
    fc.assert(fc.property(chatRequests, fc.boolean(), (request, stream) => {
      const dropped: string[] = []
      const before = JSON.stringify(request)
      const { body } = provider.toChatRequest(request, { model: 'up', keyIndex: 0, stream, passExtraParams: false, drop: (member) => { dropped.push(member) } })
      checkBody(JSON.parse(JSON.stringify(body)) as JsonObject, isOlder)
      assert.equal(body['model'], 'up')
      assert.equal((body['messages'] as unknown[]).length, request.messages.length)
      assert.equal(JSON.stringify(request), before, 'the request is not changed')
      assert.equal(dropped.includes('top_k'), request.top_k !== undefined && request.top_k !== null)
      if (isOlder) assert.equal(body['max_tokens'] ?? null, request.max_tokens ?? request.max_completion_tokens ?? null)
    }), { numRuns: 1000, seed: 11 })
  })
}
