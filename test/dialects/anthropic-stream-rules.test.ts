import assert from 'node:assert/strict'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import fc from 'fast-check'
import type { SinkCall } from '../providers/anthropic-harness.ts'
import { dataOf } from '../providers/replay-stream.ts'
import { encode } from './anthropic-harness.ts'

interface Event { type: string, index?: number, content_block?: { type: string, id?: string }, delta?: { type?: string, stop_reason?: string }, usage?: { output_tokens?: number } }

const deltaOfBlock: Readonly<Record<string, readonly string[]>> = { text: ['text_delta', 'citations_delta'], thinking: ['thinking_delta', 'signature_delta'], tool_use: ['input_json_delta'], redacted_thinking: [] }

/** The order that Anthropic's own streams keep. */
function checkOrder (bytes: Buffer): void {
  const events = dataOf(bytes).map((data) => JSON.parse(data) as Event)
  assert.equal(events[0]?.type, 'message_start')
  assert.deepEqual(events.slice(-2).map(({ type }) => type), ['message_delta', 'message_stop'])
  assert.equal(typeof events.at(-2)?.usage?.output_tokens, 'number')
  let open = ''
  let next = 0
  for (const { type, index, content_block: block, delta } of events.slice(1, -2)) {
    if (type === 'content_block_start') {
      assert.equal(open, '', 'one block at a time')
      assert.equal(index, next)
      open = block?.type ?? ''
      assert.ok(open in deltaOfBlock)
    } else if (type === 'content_block_delta') {
      assert.equal(index, next)
      assert.ok(deltaOfBlock[open]?.includes(delta?.type ?? ''), `${delta?.type} in ${open}`)
    } else if (type === 'content_block_stop') {
      assert.notEqual(open, '', 'one stop for one start')
      assert.equal(index, next++)
      open = ''
    } else assert.equal(type, 'ping')
  }
  assert.equal(open, '')
  assert.equal(new Set(events.filter(({ content_block: block }) => block?.type === 'tool_use').map(({ content_block: block }) => block?.id)).size, events.filter(({ content_block: block }) => block?.type === 'tool_use').length)
}

/** What Anthropic's SDK makes of a stream. */
async function finalMessage (bytes: Buffer): Promise<Anthropic.Message> {
  const client = new Anthropic({ apiKey: 'x', maxRetries: 0, fetch: async () => new Response(new Uint8Array(bytes), { headers: { 'content-type': 'text/event-stream' } }) })
  return await client.messages.stream({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] }).finalMessage()
}

type Piece = { kind: 'text', text: string } | { kind: 'thinking', text: string } | { kind: 'ping' } | { kind: 'tool', tool: number }

const piece: fc.Arbitrary<Piece> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: fc.string({ unit: 'grapheme', maxLength: 4 }) }),
  fc.record({ kind: fc.constant('thinking' as const), text: fc.string({ maxLength: 4 }) }),
  fc.constant({ kind: 'ping' as const }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('tool' as const), tool: fc.nat(2) }) }
)

const argumentTexts = ['', '{}', '{"city":"Bonn","n":[1,{"a":"}"}]}']

/** A stream whose parts come in any order; each tool's arguments in pieces of one size. */
function toCalls (pieces: readonly Piece[], texts: readonly string[], size: number): { calls: (SinkCall | 'ping')[], text: string, thinking: string, tools: Map<number, string> } {
  const calls: (SinkCall | 'ping')[] = [['start', 'msg_1', 'm']]
  const told = new Map<number, number>()
  let text = ''
  let thinking = ''
  const more = (tool: number): void => {
    const at = told.get(tool)
    const whole = texts[tool] as string
    const next = at === undefined ? 0 : Math.min(at + size, whole.length)
    told.set(tool, next)
    calls.push(['delta', 0, { tool_calls: [at === undefined ? { index: tool, id: `call.${tool}`, type: 'function', function: { name: `f${tool}`, arguments: '' } } : { index: tool, function: { arguments: whole.slice(at, next) } }] }])
  }
  for (const one of pieces) {
    if (one.kind === 'ping') calls.push('ping')
    else if (one.kind === 'tool') more(one.tool)
    else if (one.kind === 'text') {
      text += one.text
      calls.push(['delta', 0, { content: one.text }])
    } else {
      thinking += one.text
      calls.push(['delta', 0, { reasoning_content: one.text }])
    }
  }
  for (const tool of told.keys()) while ((told.get(tool) as number) < (texts[tool] as string).length) more(tool)
  calls.push(['finish', 0, told.size > 0 ? 'tool_calls' : 'stop'], ['usage', { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }])
  return { calls, text, thinking, tools: new Map([...told.keys()].map((tool) => [tool, texts[tool] as string])) }
}

test('whatever the order of what a provider says, the stream is legal and Anthropic\'s SDK gets all of it', async () => {
  await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 16 }), fc.array(fc.constantFrom(...argumentTexts), { minLength: 3, maxLength: 3 }), fc.integer({ min: 1, max: 9 }), async (pieces, texts, size) => {
    const { calls, text, thinking, tools } = toCalls(pieces, texts, size)
    const bytes = encode(calls)
    checkOrder(bytes)
    const message = await finalMessage(bytes)
    assert.equal(message.content.map((block) => block.type === 'text' ? block.text : '').join(''), text)
    assert.equal(message.content.map((block) => block.type === 'thinking' ? block.thinking : '').join(''), thinking)
    const seen = new Map(message.content.flatMap((block) => block.type === 'tool_use' ? [[Number(block.name.slice(1)), block.input] as const] : []))
    assert.deepEqual([...seen].sort(), [...tools].map(([tool, args]) => [tool, args === '' ? {} : JSON.parse(args) as unknown]).sort())
    assert.equal(message.stop_reason, tools.size > 0 ? 'tool_use' : 'end_turn')
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [5, 7])
  }), { numRuns: 500, seed: 20261125 })
})

test('a stream that says nothing is a legal one all the same', async () => {
  checkOrder(encode([]))
  assert.deepEqual((await finalMessage(encode([]))).content, [])
})
