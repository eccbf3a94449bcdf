import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatUsage, JsonObject } from '../../src/api/chat.ts'
import { anthropicChat } from '../../src/dialects/anthropic/chat.ts'
import { anthropicTokenCount } from '../../src/dialects/anthropic/token-count.ts'
import { AnthropicChatDecoder } from '../../src/providers/anthropic/chat-decoder.ts'
import { fromMessage } from '../../src/providers/anthropic/chat-reply.ts'
import { toAnthropicError } from '../../src/providers/anthropic/errors.ts'
import { createAnthropicFamily } from '../../src/providers/anthropic/provider.ts'
import { createContext, createSettings, decode } from '../providers/anthropic-harness.ts'
import { noRecordings, readRecordingsOf } from '../providers/recordings.ts'
import { dataOf } from '../providers/replay-stream.ts'
import { encode } from './anthropic-harness.ts'

const chatPath = /\/v1\/messages$/
const countPath = /\/v1\/messages\/count_tokens$/
const unary = readRecordingsOf('anthropic', 'unary', chatPath)
const streams = readRecordingsOf('anthropic', 'stream', chatPath)
const errors = readRecordingsOf('anthropic', 'error', chatPath)
const counts = readRecordingsOf('anthropic', 'unary', countPath)
const skip = unary.length === 0 ? noRecordings : false
const family = createAnthropicFamily(createSettings())
const copyOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

type Message = JsonObject & { content: JsonObject[], usage: JsonObject }

test('recorded requests come out as they went in, but for `stream: false`, which says nothing', { skip }, (t) => {
  for (const { name, request } of [...unary, ...streams, ...errors]) {
    const { stream, ...rest } = request as JsonObject & { model: string }
    const context = createContext({ model: rest.model, stream: stream === true })
    const made = family.chat(rest.model)?.toChatRequest(anthropicChat.toChatRequest(request as JsonObject, rest.model, stream === true), context)
    assert.deepEqual(copyOf(made?.body), stream === true ? { ...rest, stream } : rest, name)
    assert.deepEqual(context.dropped, [], name)
  }
  t.diagnostic(`${unary.length + streams.length + errors.length} recorded requests`)
})

test('recorded counts come out as they went in', { skip }, (t) => {
  for (const { name, request, body } of counts) {
    const { model } = request as { model: string }
    const made = family.tokenCounter(model)?.toCountRequest(anthropicTokenCount.toChatRequest(request as JsonObject, model), createContext({ model }))
    const answer = JSON.parse(body.toString()) as JsonObject
    assert.deepEqual(copyOf(made?.body), request, name)
    assert.deepEqual(anthropicTokenCount.fromTokenCount(family.tokenCounter(model)?.fromCountReply(answer) ?? -1), answer, name)
  }
  assert.ok(counts.length > 0)
  t.diagnostic(`${counts.length} recorded counts`)
})

test('recorded answers come out as they went in, but for what the canonical form leaves out', { skip }, (t) => {
  for (const { name, body } of unary) {
    const recorded = JSON.parse(body.toString()) as Message
    const answer = anthropicChat.fromChatReply(fromMessage('anthropic', recorded), { model: 'm', messages: [] }, { model: 'm', nowSeconds: 0, newId: () => 'x', includeUsage: true, extraFields: '', jsonArray: false })
    // A call without a caller is a direct one. Tiers, places and numbers of searches are no tokens. The container is the provider's own.
    const { cache_creation: _creation, service_tier: _tier, inference_geo: _place, server_tool_use: _searches, ...usage } = recorded.usage
    const { container: _container, ...rest } = recorded
    const content = recorded.content.map(({ caller, ...block }) => block['type'] !== 'tool_use' && caller !== undefined ? { ...block, caller } : block)
    assert.deepEqual(copyOf(answer), { ...rest, content, usage }, name)
  }
  t.diagnostic(`${unary.length} recorded answers`)
})

interface Block { type: string, text?: string, thinking?: string, signature?: string, input?: unknown, json?: string, citations?: unknown[] }

/** The blocks that a stream of Anthropic's builds up, read as its SDK does and without any of our code. */
function blocksOf (bytes: Buffer): { blocks: Block[], stop: unknown, usage: JsonObject } {
  const blocks: Block[] = []
  const open = new Set<number>()
  let stop: unknown
  let usage: JsonObject = {}
  for (const data of dataOf(bytes)) {
    const event = JSON.parse(data) as { type: string, index: number, content_block: Block, delta: Record<string, string>, usage?: JsonObject, message?: { usage: JsonObject } }
    if (event.type === 'content_block_start') {
      open.add(event.index)
      blocks[event.index] = { ...event.content_block, json: '' }
    } else if (event.type === 'content_block_delta') {
      assert.ok(open.has(event.index))
      const block = blocks[event.index] as Block
      const { delta } = event
      if (delta.type === 'text_delta') block.text += delta.text as string
      else if (delta.type === 'thinking_delta') block.thinking += delta.thinking as string
      else if (delta.type === 'signature_delta') block.signature = delta.signature
      else if (delta.type === 'input_json_delta') block.json += delta.partial_json as string
      else if (delta.type === 'citations_delta') block.citations = [...(block.citations ?? []), delta.citation]
    } else if (event.type === 'content_block_stop') assert.ok(open.delete(event.index))
    else if (event.type === 'message_delta') {
      stop = event.delta.stop_reason
      usage = { ...usage, ...event.usage }
    } else if (event.type === 'message_start') usage = { ...event.message?.usage }
  }
  for (const block of blocks) if (block.json !== '' && block.json !== undefined) block.input = JSON.parse(block.json)
  return { blocks, stop, usage }
}

test('recorded streams end with the recorded usage, and say the same to a client of the dialect', { skip }, (t) => {
  for (const { name, body } of streams) {
    const decoder = new AnthropicChatDecoder('anthropic')
    const { calls } = decode(decoder, body)
    assert.deepEqual([decoder.error, decoder.finished, decoder.complete], [null, true, true], name)
    const recorded = blocksOf(body)
    const usage = calls.filter((call) => call[0] === 'usage').at(-1)?.[1] as ChatUsage
    const counted = (member: string): number => (recorded.usage[member] ?? 0) as number
    assert.deepEqual([usage.prompt_tokens, usage.completion_tokens], [counted('input_tokens') + counted('cache_read_input_tokens') + counted('cache_creation_input_tokens'), counted('output_tokens')], name)
    const seen = blocksOf(encode(calls))
    assert.equal(seen.stop, recorded.stop, name)
    const textOf = (blocks: Block[]): string => blocks.map(({ type, text }) => type === 'text' ? text : '').join('')
    assert.equal(textOf(seen.blocks), textOf(recorded.blocks), name)
    // Its own tools run on the provider's side, and their blocks do not cross a translated stream.
    const others = (blocks: Block[]): unknown[] => blocks.filter(({ type }) => type === 'thinking' || type === 'redacted_thinking' || type === 'tool_use')
      .map(({ json: _json, ...block }) => ({ ...block, caller: undefined }))
    assert.deepEqual(others(seen.blocks), others(recorded.blocks), name)
    assert.deepEqual(seen.blocks.flatMap(({ citations = [] }) => citations), recorded.blocks.flatMap(({ citations = [] }) => citations), name)
  }
  t.diagnostic(`${streams.length} recorded streams`)
})

test('recorded errors keep their status and type', { skip }, (t) => {
  const seen = errors.map(({ status, contentType, body }) => {
    const error = toAnthropicError('anthropic', status, { 'content-type': contentType }, body)
    return [error.status, error.type, error.upstreamCode]
  })
  assert.deepEqual(seen.sort(), [[400, 'invalid_request_error', 'context_length_exceeded'], [401, 'authentication_error', null]])
  t.diagnostic(`${errors.length} recorded errors`)
})
