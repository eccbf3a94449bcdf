import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/api/chat.ts'
import { anthropicChat } from '../../src/dialects/anthropic/chat.ts'
import { fromSignature, toSignature } from '../../src/dialects/anthropic/signatures.ts'
import { OpenAiChatProvider } from '../../src/providers/openai/chat.ts'
import { GatewayError } from '../../src/errors.ts'
import { createContext } from '../providers/anthropic-harness.ts'

const user = { role: 'user', content: 'Hi' }

test('what cannot be read names its member', () => {
  const cases: [JsonObject, string][] = [
    [{}, 'messages'],
    [{ messages: 'Hi' }, 'messages'],
    [{ messages: [5] }, 'messages[0]'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].role'],
    [{ messages: [user, { role: 'user' }] }, 'messages[1].content'],
    [{ messages: [{ role: 'user', content: [5] }] }, 'messages[0].content[0]'],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text'],
    [{ messages: [{ role: 'user', content: [{ type: 'image' }] }] }, 'messages[0].content[0].source'],
    [{ messages: [{ role: 'user', content: [{ type: 'tool_result' }] }] }, 'messages[0].content[0].tool_use_id'],
    [{ messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a' }] }] }, 'messages[0].content[0].name'],
    [{ messages: [user], system: 5 }, 'system'],
    [{ messages: [user], system: [{ type: 'image', source: { type: 'url' } }] }, 'system[0].type'],
    [{ messages: [user], tools: {} }, 'tools'],
    [{ messages: [user], tools: [null] }, 'tools[0]'],
    [{ messages: [user], tools: [{ input_schema: {} }] }, 'tools[0].name'],
    [{ messages: [user], tools: [{ name: 'f' }] }, 'tools[0].input_schema'],
    [{ messages: [user], tool_choice: 'auto' }, 'tool_choice'],
    [{ messages: [user], tool_choice: { type: 'some' } }, 'tool_choice.type'],
    [{ messages: [user], tool_choice: { type: 'constructor' } }, 'tool_choice.type']
  ]
  for (const [body, param] of cases) {
    assert.throws(() => anthropicChat.toChatRequest(body, 'm', false), (error) => error instanceof GatewayError && error.code === 'BIFROST_INVALID_REQUEST' && error.param === param, param)
  }
})

test('a signature keeps the format that it came with, and Anthropic\'s own stays as it is', () => {
  assert.equal(toSignature('c2ln', 'anthropic'), 'c2ln')
  assert.equal(toSignature('c2ln', undefined), 'c2ln')
  assert.equal(toSignature('', 'gemini'), '')
  for (const format of ['gemini', 'bedrock', 'openai-responses']) assert.deepEqual(fromSignature(toSignature('AbC+/==', format)), { format, signature: 'AbC+/==' })
  assert.deepEqual(fromSignature('EqQB+/=='), { format: 'anthropic', signature: 'EqQB+/==' })
})

test('what only Anthropic knows does not reach a provider of OpenAI\'s API unless the client asks for it', () => {
  const body = { messages: [user], max_tokens: 5, top_k: 3, container: 'c', thinking: { type: 'enabled', budget_tokens: 2_000 }, output_config: { effort: 'low' }, tools: [{ type: 'web_search_20260318', name: 'web_search' }] }
  const chat = new OpenAiChatProvider('openai', () => new URL('https://api.openai.com/v1/chat/completions'), false)
  const context = createContext({ model: 'gpt-x' })
  assert.deepEqual(chat.toChatRequest(anthropicChat.toChatRequest(body, 'gpt-x', false), context).body, { model: 'gpt-x', messages: [user], max_completion_tokens: 5, reasoning_effort: 'low' })
  assert.deepEqual(context.dropped, ['top_k', 'tools.anthropic', 'container'])
  assert.equal(chat.toChatRequest(anthropicChat.toChatRequest(body, 'gpt-x', false), createContext({ passExtraParams: true })).body['container'], 'c')
})
