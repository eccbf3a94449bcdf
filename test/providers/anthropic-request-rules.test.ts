import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../src/api/chat.ts'
import { GatewayError } from '../../src/errors.ts'
import { openAiChat } from '../../src/dialects/openai/chat.ts'
import { createAnthropicFamily } from '../../src/providers/anthropic/provider.ts'
import { chatRequest } from './anthropic-arbitrary.ts'
import { createContext, createSettings, replaceAt } from './anthropic-harness.ts'

interface Block { type: string, text?: string, id?: string, tool_use_id?: string, signature?: string, source?: object, content?: unknown }
interface Body {
  model: string
  max_tokens: number
  system?: string | Block[]
  messages: { role: string, content: string | Block[] }[]
  tools?: { name?: string, input_schema?: { type?: string } }[]
  tool_choice?: { type: string }
  thinking?: { type: string, budget_tokens?: number }
  temperature?: number
  top_p?: number
  top_k?: number
  stop_sequences?: string[]
}

/** All that the Messages API takes. */
const members = new Set(['model', 'max_tokens', 'system', 'messages', 'tools', 'tool_choice', 'thinking', 'output_config', 'temperature', 'top_p', 'top_k', 'stop_sequences', 'metadata', 'service_tier', 'stream'])
const userBlocks = new Set(['text', 'image', 'document', 'tool_result'])
const assistantBlocks = new Set(['text', 'thinking', 'redacted_thinking', 'tool_use'])

/** Anthropic's rules, written from its documentation and its error messages. */
function checkBody (body: Body, model: string): void {
  for (const name of Object.keys(body)) assert.ok(members.has(name), name)
  assert.ok(Number.isInteger(body.max_tokens) && body.max_tokens > 0)
  assert.ok(body.messages.length > 0)
  if (body.system !== undefined) checkTexts(body.system)
  for (const [index, { role, content }] of body.messages.entries()) {
    assert.ok(role === 'user' || role === 'assistant')
    if (index > 0) assert.notEqual(role, body.messages[index - 1]?.role, 'roles alternate')
    checkTexts(content)
    if (typeof content !== 'string') checkTurn(role, content, body.messages[index - 1]?.content)
    if (role === 'assistant') checkAnswered(content, body.messages[index + 1]?.content, index === body.messages.length - 1)
  }
  checkEnd(body, model)
  checkOptions(body)
}

/** Models without prefill answer 400 to a last turn of the assistant, others to one that is thought, or that they are to go on from thinking. */
function checkEnd ({ messages, thinking }: Body, model: string): void {
  const end = messages.at(-1)
  if (end?.role !== 'assistant') return
  assert.doesNotMatch(model, /4-[6-9]|sonnet-5|-5-5|fable|tomorrow/)
  assert.ok(thinking === undefined || thinking.type === 'disabled')
  assert.ok(typeof end.content === 'string' || !end.content.some(({ type }) => type.endsWith('thinking')))
}

function checkTexts (content: string | Block[]): void {
  if (typeof content === 'string') return assert.notEqual(content.trim(), '')
  assert.ok(content.length > 0)
  for (const { type, text } of content) if (type === 'text') assert.notEqual(text?.trim(), '')
}

function checkTurn (role: string, content: Block[], before: string | Block[] | undefined): void {
  const called = new Set((Array.isArray(before) ? before : []).filter(({ type }) => type === 'tool_use').map(({ id }) => id))
  for (const [index, block] of content.entries()) {
    assert.ok((role === 'user' ? userBlocks : assistantBlocks).has(block.type), `${role}: ${block.type}`)
    if (block.type === 'tool_result') {
      assert.ok(called.delete(block.tool_use_id), 'a result answers a call of the turn before, once')
      assert.ok(index === 0 || content[index - 1]?.type === 'tool_result', 'results come first')
      if (Array.isArray(block.content)) for (const { type, text } of block.content as Block[]) if (type === 'text') assert.notEqual(text?.trim(), '')
    }
    if (block.type === 'thinking') assert.ok(block.signature !== undefined && block.signature !== '')
    if (block.type === 'tool_use') assert.match(block.id ?? '', /^[a-zA-Z0-9_-]+$/)
  }
}

function checkAnswered (content: string | Block[], next: string | Block[] | undefined, isLast: boolean): void {
  const blocks: Block[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  const calls = blocks.findIndex(({ type }) => type === 'tool_use')
  assert.ok(calls < 0 || !blocks.slice(calls).some(({ type }) => type.endsWith('thinking')), 'a thought comes before the calls')
  assert.ok(!blocks.at(-1)?.type.endsWith('thinking'), 'a thought is not the last')
  if (isLast) assert.equal(blocks.at(-1)?.text ?? '', (blocks.at(-1)?.text ?? '').trimEnd())
  const answered = new Set((Array.isArray(next) ? next : []).map((block) => block.tool_use_id))
  for (const { type, id } of blocks) if (type === 'tool_use') assert.ok(answered.has(id), 'every call is answered in the next turn')
}

function checkOptions (body: Body): void {
  const { messages, tools, tool_choice: choice, thinking, temperature, top_p: topP, top_k: topK } = body
  if (messages.some(({ content }) => Array.isArray(content) && content.some(({ type }) => type === 'tool_use'))) assert.ok(tools !== undefined, 'calls want tools')
  if (tools !== undefined) assert.ok(tools.length > 0 && tools.every(({ name, input_schema: schema }) => typeof name === 'string' && schema?.type === 'object'))
  if (choice !== undefined) assert.ok(tools !== undefined)
  if (thinking?.type === 'enabled') assert.ok((thinking.budget_tokens ?? 0) >= 1_024 && (thinking.budget_tokens ?? 0) < body.max_tokens)
  const thinks = thinking !== undefined && thinking.type !== 'disabled'
  if (thinks) {
    assert.ok(choice?.type !== 'any' && choice?.type !== 'tool')
    assert.ok((temperature === undefined || temperature === 1) && topK === undefined && (topP === undefined || topP >= 0.95))
  }
  assert.ok(temperature === undefined || (temperature >= 0 && temperature <= 1))
  assert.ok(temperature === undefined || topP === undefined)
  assert.ok((body.stop_sequences ?? ['x']).every((sequence) => sequence.trim() !== '') && body.stop_sequences?.length !== 0)
}

const models = ['claude-3-haiku-20240307', 'claude-sonnet-4-20250514', 'claude-haiku-4-5', 'claude-opus-4-6', 'claude-opus-4-7', 'claude-sonnet-5', 'claude-opus-5-5', 'claude-haiku-5-5', 'claude-fable-5', 'claude-of-tomorrow', 'other']

test('whatever the request, its body follows the rules of the Messages API', (t) => {
  let made = 0
  let refused = 0
  fc.assert(fc.property(chatRequest, fc.constantFrom(...models), fc.boolean(), (request, model, stream) => {
    const context = createContext({ model, stream })
    try {
      const body = createAnthropicFamily(createSettings()).chat(model)?.toChatRequest(request, context).body as unknown as Body
      checkBody(JSON.parse(JSON.stringify(body)) as Body, model)
      made++
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      assert.equal(error.code, 'BIFROST_INVALID_REQUEST')
      assert.ok((error.param ?? '') !== '')
      refused++
    }
  }), { numRuns: 1_000, seed: 20261125 })
  assert.ok(made > refused)
  t.diagnostic(`${made} bodies, ${refused} refused`)
})

test('models that refuse sampling parameters or a way to think get none', () => {
  fc.assert(fc.property(chatRequest, fc.constantFrom('claude-opus-4-7', 'claude-sonnet-5', 'claude-haiku-5-5', 'claude-opus-5-5', 'claude-fable-5-1'), (request, model) => {
    try {
      const body = createAnthropicFamily(createSettings()).chat(model)?.toChatRequest(request, createContext({ model })).body as unknown as Body
      assert.deepEqual([body.temperature, body.top_p, body.top_k], [undefined, undefined, undefined])
      if (model !== 'claude-opus-4-7' && model !== 'claude-sonnet-5') assert.notEqual(body.thinking?.type, 'enabled')
      if (model === 'claude-opus-5-5' || model === 'claude-fable-5-1') {
        assert.notEqual(body.thinking?.type, 'disabled')
        assert.ok(body.tool_choice?.type !== 'any' && body.tool_choice?.type !== 'tool')
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
    }
  }), { numRuns: 300, seed: 20261126 })
})

test('nonsense in a request is refused or passed on, and never an error of the gateway', () => {
  fc.assert(fc.property(chatRequest, fc.array(fc.nat(50), { minLength: 1, maxLength: 6 }), fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(...models), (request, turns, junk, model) => {
    const body = replaceAt(JSON.parse(JSON.stringify(request)), turns, junk) as JsonObject
    try {
      const family = createAnthropicFamily(createSettings())
      family.chat(model)?.toChatRequest(openAiChat.toChatRequest(body, model, false), createContext({ model }))
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      assert.equal(error.code, 'BIFROST_INVALID_REQUEST')
    }
  }), { numRuns: 3_000, seed: 20261127 })
})
