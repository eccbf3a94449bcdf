import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { builtInProvider } from '../../src/config/providers.ts'
import { GatewayError } from '../../src/errors.ts'
import { createCohereFamily } from '../../src/providers/cohere/provider.ts'
import type { CohereMessage } from '../../src/providers/cohere/wire.ts'
import { canonicalRequest } from './canonical-arbitrary.ts'
import { createContext } from './golden.ts'
import { createSettings } from './family-tests.ts'

const { baseUrl, paths, operations, nativeOperations } = builtInProvider('cohere') ?? assert.fail()
const chat = createCohereFamily(createSettings('cohere', { baseUrl, paths, operations, nativeOperations })).chat('m') ?? assert.fail()

/** What the reference of `POST /v2/chat` says about each member. */
const members: Readonly<Record<string, (value: unknown) => boolean>> = {
  model: (value) => value === 'm',
  messages: (value) => Array.isArray(value) && value.length > 0,
  stream: (value) => typeof value === 'boolean',
  max_tokens: Number.isInteger,
  temperature: (value) => (value as number) >= 0,
  p: (value) => (value as number) >= 0.01 && (value as number) <= 0.99,
  k: (value) => (value as number) >= 0 && (value as number) <= 500,
  seed: (value) => (value as number) >= 0,
  stop_sequences: (value) => Array.isArray(value) && value.length > 0 && value.length <= 5,
  presence_penalty: (value) => (value as number) >= 0 && (value as number) <= 1,
  frequency_penalty: (value) => (value as number) >= 0 && (value as number) <= 1,
  logprobs: (value) => value === true,
  tools: (value) => Array.isArray(value) && value.every((tool: { type: string, function: { parameters: unknown } }) => tool.type === 'function' && typeof tool.function.parameters === 'object'),
  strict_tools: (value) => value === true,
  tool_choice: (value) => value === 'REQUIRED' || value === 'NONE',
  response_format: (value) => (value as { type: string }).type === 'json_object',
  thinking: (value) => ['enabled', 'disabled'].includes((value as { type: string }).type)
}
const messageMembers: Readonly<Record<string, string[]>> = { system: ['role', 'content'], user: ['role', 'content'], tool: ['role', 'content', 'tool_call_id'], assistant: ['role', 'content', 'tool_plan', 'tool_calls', 'citations'] }
const partTypes: Readonly<Record<string, string[]>> = { system: ['text'], user: ['text', 'image_url'], tool: ['text'], assistant: ['text', 'thinking'] }

function checkMessage (message: CohereMessage): void {
  assert.deepEqual(Object.keys(message).filter((name) => messageMembers[message.role]?.includes(name) !== true), [])
  if (Array.isArray(message.content)) assert.ok(message.content.every((part) => partTypes[message.role]?.includes(part.type)))
  else assert.ok(typeof message.content === 'string' || message.tool_calls !== undefined)
  for (const call of message.tool_calls ?? []) JSON.parse(call.function.arguments)
}

test('a thousand requests become bodies that the API takes, or say which member cannot be asked', (t) => {
  let refused = 0
  fc.assert(fc.property(canonicalRequest, (request) => {
    let body: Record<string, unknown>
    try {
      body = JSON.parse(JSON.stringify(chat.toChatRequest(request, createContext({ stream: request.stream === true })).body)) as Record<string, unknown>
    } catch (error) {
      assert.ok(error instanceof GatewayError && error.code === 'BIFROST_INVALID_REQUEST' && error.param !== null, String(error))
      refused++
      return
    }
    for (const [name, value] of Object.entries(body)) assert.ok(members[name]?.(value), `${name}: ${JSON.stringify(value)}`)
    assert.ok(body['tool_choice'] === undefined || body['tools'] !== undefined)
    const messages = body['messages'] as CohereMessage[]
    messages.forEach(checkMessage)
    assert.ok(messages.some(({ role }) => role !== 'system'))
    const texts = ({ content }: { content?: unknown }): string[] => typeof content === 'string' ? [content] : (content as { text?: string }[] | null | undefined ?? []).map((part) => part.text ?? '')
    // What is left out has nothing to say; what stays says something, but for calls and their results.
    assert.deepEqual(messages.flatMap(texts).filter((text) => text.trim() !== ''), request.messages.flatMap((message) => texts(message).filter((text) => text.trim() !== '')))
    for (const message of messages) assert.ok(message.role === 'tool' || message.tool_calls !== undefined || texts(message).some((text) => text.trim() !== '') || (message.role === 'user' && JSON.stringify(message.content).includes('image_url')), JSON.stringify(message))
    // Results follow the calls that they are of.
    const open = new Set<string>()
    for (const message of messages) {
      for (const call of message.tool_calls ?? []) open.add(call.id)
      if (message.role === 'tool') assert.ok(open.delete(message.tool_call_id ?? ''))
    }
  }), { numRuns: 1000, seed: 20261125 })
  assert.ok(refused < 400)
  t.diagnostic(`${refused} of 1000 refused`)
})
