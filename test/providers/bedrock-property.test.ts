import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../src/api/chat.ts'
import { GatewayError } from '../../src/errors.ts'
import { createBedrockFamily } from '../../src/providers/bedrock/provider.ts'
import type { ChatProvider } from '../../src/providers/family.ts'
import { chatRequests } from './bedrock-arbitrary.ts'
import { createBedrockProvider, createContext } from './bedrock-calls.ts'

const chat = createBedrockFamily(createBedrockProvider()).chat('m') as ChatProvider

interface Block { text?: string, toolUse?: { toolUseId: string, name: string, input: unknown }, toolResult?: { toolUseId: string, content: Block[] }, document?: { name: string }, image?: unknown, cachePoint?: unknown, reasoningContent?: { reasoningText?: { signature?: string }, redactedContent?: string }, video?: unknown }
interface Body { messages: { role: string, content: Block[] }[], system?: Block[], toolConfig?: { tools: { toolSpec?: { name: string, description?: string, inputSchema: { json: { type?: string } } } }[] }, inferenceConfig?: Record<string, unknown>, additionalModelRequestFields?: { thinking?: { type: string, budget_tokens: number } } }

const members = ['text', 'toolUse', 'toolResult', 'document', 'image', 'cachePoint', 'reasoningContent', 'video']

/** What Amazon's documentation asks of every request. */
function checkRules (body: Body): void {
  const { messages, system, toolConfig, inferenceConfig } = body
  assert.ok(messages.length > 0)
  for (const [index, { role, content }] of messages.entries()) {
    assert.equal(role, index % 2 === 0 ? 'user' : 'assistant', 'roles alternate, beginning with the user')
    assert.ok(content.length > 0, 'no message is empty')
    checkBlocks(content)
    assert.ok(content.every((block) => role === 'user' ? block.toolUse === undefined && block.reasoningContent === undefined : block.toolResult === undefined), 'each side has its own blocks')
    const firstOther = content.findIndex((block) => block.toolResult === undefined && block.cachePoint === undefined)
    assert.ok(content.every((block, at) => block.toolResult === undefined || firstOther < 0 || at < firstOther), 'results of tools come first')
  }
  const called = new Set<string>()
  for (const { content } of messages) {
    for (const { toolUse, toolResult } of content) {
      if (toolUse !== undefined) called.add(toolUse.toolUseId)
      if (toolResult !== undefined) assert.ok(called.has(toolResult.toolUseId), 'a result follows its call')
    }
  }
  if (called.size > 0) assert.ok(toolConfig !== undefined && toolConfig.tools.length > 0, 'tools stand before a history that holds calls')
  for (const { toolSpec } of toolConfig?.tools ?? []) {
    if (toolSpec === undefined) continue
    assert.equal(toolSpec.inputSchema.json.type, 'object')
    assert.notEqual(toolSpec.description, '')
  }
  if (system !== undefined) assert.ok(system.length > 0 && system.every((block) => block.cachePoint !== undefined || (block.text ?? '').trim() !== ''))
  const names = messages.flatMap(({ content }) => content.flatMap(({ document, toolResult }) => [...document === undefined ? [] : [document.name], ...(toolResult?.content ?? []).flatMap((block) => block.document?.name ?? [])]))
  assert.equal(new Set(names).size, names.length, 'documents have names of their own')
  assert.ok(names.every((name) => /^[A-Za-z0-9()[\]-]+( [A-Za-z0-9()[\]-]+)*$/.test(name)))
  const { budget_tokens: budget } = body.additionalModelRequestFields?.thinking ?? {}
  if (budget !== undefined) {
    assert.ok(budget >= 1_024 && budget < (inferenceConfig?.['maxTokens'] as number | undefined ?? Infinity))
    assert.equal(inferenceConfig?.['temperature'], undefined)
  }
  const temperature = inferenceConfig?.['temperature'] as number | undefined
  assert.ok(temperature === undefined || (temperature >= 0 && temperature <= 1))
}

function checkBlocks (blocks: readonly Block[]): void {
  for (const block of blocks) {
    assert.ok(Object.keys(block).length === 1 && members.includes(Object.keys(block)[0] as string), 'a block has one known member')
    if (block.text !== undefined) assert.notEqual(block.text.trim(), '', 'no text is blank')
    if (block.toolUse !== undefined) {
      assert.match(block.toolUse.toolUseId, /^[a-zA-Z0-9_-]{1,64}$/)
      assert.ok(typeof block.toolUse.input === 'object' && block.toolUse.input !== null)
    }
    if (block.reasoningContent !== undefined) assert.ok(block.reasoningContent.redactedContent !== undefined || (block.reasoningContent.reasoningText?.signature ?? '') !== '', 'thoughts are signed')
    if (block.toolResult !== undefined) {
      checkBlocks(block.toolResult.content)
      assert.ok(block.toolResult.content.every(({ cachePoint }) => cachePoint === undefined))
    }
  }
}

test('1,000 random requests follow the rules of Converse, or are refused by name', (t) => {
  let accepted = 0
  fc.assert(fc.property(chatRequests, (request) => {
    let body: JsonObject
    try {
      body = chat.toChatRequest(request, createContext([], { model: request.model })).body
    } catch (error) {
      assert.ok(error instanceof GatewayError && error.code === 'BIFROST_INVALID_REQUEST' && error.param !== null, String(error))
      return
    }
    accepted++
    checkRules(JSON.parse(JSON.stringify(body)) as Body)
  }), { numRuns: 1_000, seed: 20_260_811 })
  t.diagnostic(`${accepted} of 1000 accepted`)
  assert.ok(accepted > 400, 'enough of them make sense')
})
