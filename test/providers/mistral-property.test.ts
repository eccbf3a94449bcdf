import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { builtInProvider } from '../../src/config/providers.ts'
import { GatewayError } from '../../src/errors.ts'
import { createMistralFamily } from '../../src/providers/mistral/provider.ts'
import type { MistralMessage } from '../../src/providers/mistral/wire.ts'
import { canonicalRequest } from './canonical-arbitrary.ts'
import { createContext } from './golden.ts'
import { createSettings } from './family-tests.ts'

const { baseUrl, paths, operations } = builtInProvider('mistral') ?? assert.fail()
const chat = createMistralFamily(createSettings('mistral', { baseUrl, paths, operations })).chat('m') ?? assert.fail()

/** The members of ChatCompletionRequest in Mistral's own SDK; anything else is a 422. */
const members = new Set(['model', 'temperature', 'top_p', 'max_tokens', 'stream', 'stop', 'random_seed', 'metadata', 'messages', 'response_format', 'tools', 'tool_choice', 'presence_penalty', 'frequency_penalty', 'n', 'prediction', 'parallel_tool_calls', 'reasoning_effort', 'prompt_mode', 'guardrails', 'prompt_cache_key', 'service_tier', 'safe_prompt'])
const messageMembers: Readonly<Record<string, string[]>> = { system: ['role', 'content'], user: ['role', 'content'], tool: ['role', 'content', 'tool_call_id', 'name'], assistant: ['role', 'content', 'tool_calls', 'prefix'] }
const partTypes = new Set(['text', 'image_url', 'document_url', 'file', 'input_audio', 'thinking'])

function checkMessages (messages: readonly MistralMessage[]): void {
  const open = new Set<string>()
  for (const [index, message] of messages.entries()) {
    assert.deepEqual(Object.keys(message).filter((name) => messageMembers[message.role]?.includes(name) !== true), [])
    if (Array.isArray(message.content)) assert.ok(message.content.every((part) => partTypes.has(part.type)))
    else assert.equal(typeof message.content, 'string')
    if (message.role === 'assistant' && Array.isArray(message.content)) assert.ok(message.content.every((part) => part.type !== 'text' || part.text !== ''))
    if (message.role === 'assistant') assert.ok((message.content ?? '').length > 0 || message.tool_calls !== undefined, 'an assistant that says nothing')
    if (message.role === 'user' || message.role === 'system') assert.notEqual(messages[index - 1]?.role, 'tool')
    for (const call of message.tool_calls ?? []) {
      assert.match(call.id, /^[a-zA-Z0-9]{9}$/)
      JSON.parse(call.function.arguments)
      open.add(call.id)
    }
    if (message.role === 'tool') assert.ok(open.delete(message.tool_call_id ?? ''))
  }
  const last = messages.at(-1)
  if (last?.role === 'assistant') assert.ok(last.prefix === true || last.tool_calls !== undefined)
}

test('a thousand requests become bodies that the API takes, or say which member cannot be asked', () => {
  fc.assert(fc.property(canonicalRequest, (request) => {
    let body: Record<string, unknown>
    try {
      body = JSON.parse(JSON.stringify(chat.toChatRequest(request, createContext({ stream: request.stream === true })).body)) as Record<string, unknown>
    } catch (error) {
      assert.ok(error instanceof GatewayError && error.code === 'BIFROST_INVALID_REQUEST' && error.param !== null, String(error))
      return
    }
    assert.ok(body['temperature'] === undefined || (body['temperature'] as number) <= 1.5)
    for (const [name, value] of Object.entries(body)) assert.ok(members.has(name) && value !== null, name)
    assert.ok(body['tool_choice'] === undefined || body['tools'] !== undefined)
    checkMessages(body['messages'] as MistralMessage[])
  }), { numRuns: 1000, seed: 20261125 })
})
