import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatRequest, JsonObject } from '../../src/api/chat.ts'
import { anthropicChat } from '../../src/dialects/anthropic/chat.ts'
import { createOpenAiFamily } from '../../src/providers/openai/provider.ts'
import { createProvider } from '../router/settings.ts'
import { createContext } from './golden.ts'

// What the thinking mode of DeepSeek wants is said in api-docs.deepseek.com/guides/thinking_mode, beneath "Tool Calls".

const tools = [{ name: 'weather', input_schema: { type: 'object', properties: {} } }]
const turns = [
  { role: 'user', content: 'How is the weather?' },
  { role: 'assistant', content: [{ type: 'thinking', thinking: 'I have to look it up.', signature: '' }, { type: 'tool_use', id: 'call_1', name: 'weather', input: {} }] },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: 'sunny' }] },
  { role: 'assistant', content: 'It is sunny.' },
  { role: 'user', content: 'And tomorrow?' }
]

function sent (provider: string, request: ChatRequest): JsonObject[] {
  const family = createOpenAiFamily(createProvider(provider, { nativeOperations: ['chat_completion'] }))
  return family.chat('m')?.toChatRequest(request, createContext()).body['messages'] as JsonObject[]
}

test('what the model thought goes back to DeepSeek with its calls, from Anthropic\'s clients as well', () => {
  const request = anthropicChat.toChatRequest({ model: 'm', max_tokens: 5, messages: turns, tools }, 'm', false)
  const [, call, , answer] = sent('deepseek', request)
  assert.deepEqual(call, {
    role: 'assistant', content: '', reasoning_content: 'I have to look it up.', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } }]
  })
  // Empty where nothing is known of it: missing, it is a 400.
  assert.deepEqual(answer, { role: 'assistant', content: 'It is sunny.', reasoning_content: '' })
})

test('the plain member counts where there are no details', () => {
  const message = { role: 'assistant' as const, content: null, reasoning_content: 'Look it up.', tool_calls: [{ id: 'c', type: 'function' as const, function: { name: 'f', arguments: '{}' } }] }
  const [found] = sent('deepseek', { model: 'm', messages: [message] })
  assert.deepEqual([found?.['reasoning_content'], found?.['content']], ['Look it up.', ''])
})

test('others do not know the member', () => {
  const request = anthropicChat.toChatRequest({ model: 'm', max_tokens: 5, messages: turns, tools }, 'm', false)
  for (const message of sent('groq', request)) assert.equal('reasoning_content' in message, false)
})
