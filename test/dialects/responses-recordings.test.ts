import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/api/chat.ts'
import type { ChatSink } from '../../src/api/chat-sink.ts'
import { chatDialectOf } from '../../src/dialects/registry.ts'
import { OpenAiChatDecoder } from '../../src/providers/openai/chat-decoder.ts'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'
import { countByProvider, noRecordings, readRecordings } from '../providers/recordings.ts'
import type { Recording } from '../providers/recordings.ts'
import { countsOf, dataOf, lastUsage } from '../providers/replay-stream.ts'
import { createAnswerContext } from './answer-context.ts'
import { encode } from './encode.ts'
import type { SinkCall } from './encode.ts'
import { checkEvents, eventsOf } from './responses-rules.ts'

const dialect = chatDialectOf('openai', 'responses', {})
const streams = readRecordings('stream')
const skip = streams.length === 0 ? noRecordings : false
const responsesOf = (list: readonly Recording[]): Recording[] => list.filter(({ operation }) => operation === 'responses')

/** Events that only tools which OpenAI runs itself have, or that come of models which think aloud. */
const beyondRules = /_call\.|_call_|reasoning_text|response\.queued|custom_tool/

test('the rules that our own streams are held to hold for recorded ones', { skip }, (t) => {
  const checked = responsesOf(streams).filter(({ body }) => {
    const events = eventsOf(body)
    if (events.some(({ type }) => beyondRules.test(type.replace('function_call_', '')))) return false
    checkEvents(events)
    return true
  })
  assert.ok(checked.length >= 10, String(checked.length))
  t.diagnostic(countByProvider(checked))
})

test('recorded requests can be asked in chat, with every call and output in its place', { skip }, (t) => {
  const recordings = responsesOf([...streams, ...readRecordings('unary'), ...readRecordings('error')])
  const refused: string[] = []
  for (const { name, request } of recordings) {
    const body = request as JsonObject & { input: string | JsonObject[] }
    let messages: JsonObject[]
    try {
      messages = dialect.toChatRequest(body, 'm', body['stream'] === true).messages as unknown as JsonObject[]
    } catch (error) {
      refused.push(`${name}: ${String((error as { param?: unknown }).param)}`)
      continue
    }
    const items = typeof body.input === 'string' ? [] : body.input
    const calls = messages.flatMap((message) => (message['tool_calls'] ?? []) as { id: string, function: { name: string, arguments: string } }[])
    assert.deepEqual(calls.map((call) => [call.id, call.function.name, call.function.arguments]), items.filter(({ type }) => type === 'function_call').map((item) => [item['call_id'], item['name'], item['arguments']]), name)
    assert.deepEqual(messages.filter(({ role }) => role === 'tool').map((message) => message['tool_call_id']), items.filter(({ type }) => type === 'function_call_output').map((item) => item['call_id']), name)
    const encrypted = messages.flatMap((message) => (message['reasoning_details'] ?? []) as JsonObject[]).filter(({ type }) => type === 'reasoning.encrypted').map(({ data }) => data)
    assert.deepEqual(encrypted, items.filter((item) => item['type'] === 'reasoning' && item['encrypted_content'] !== undefined).map((item) => item['encrypted_content']), name)
    for (const [index, message] of messages.entries()) assert.ok(index === 0 || message['role'] !== 'assistant' || messages[index - 1]?.['role'] !== 'assistant', `${name}: two messages of one answer`)
  }
  t.diagnostic(`${recordings.length - refused.length} of ${countByProvider(recordings)}`)
  for (const line of refused) t.diagnostic(`refused: ${line}`)
  assert.ok(refused.length <= recordings.length / 5, refused.join('\n'))
})

/** What a provider's recorded chat stream says. */
function callsOf ({ body, provider }: Recording): SinkCall[] {
  const calls: SinkCall[] = []
  const sink: ChatSink = {
    start: (...call) => { calls.push(['start', ...call]) },
    delta: (choice, delta) => { calls.push(['delta', choice, structuredClone(delta)]) },
    finish: (...call) => { calls.push(['finish', ...call]) },
    usage: (...call) => { calls.push(['usage', ...call]) }
  }
  const decoder = new OpenAiChatDecoder(provider)
  new SseSplitter(1 << 20).push(body, (event) => { decoder.decode(event, sink) })
  assert.ok(decoder.finished)
  return calls
}

interface RecordedChunk { choices?: { delta?: { content?: unknown, tool_calls?: { function?: { name?: string, arguments?: string } }[] } }[] }

/** Text and arguments of a recorded chat stream, read without any of our code; null where the text is not plain. */
function saidBy (body: Uint8Array): { text: string, arguments: string } | null {
  const said = { text: '', arguments: '' }
  for (const data of dataOf(body)) {
    if (data === '[DONE]') continue
    for (const { delta } of (JSON.parse(data) as RecordedChunk).choices ?? []) {
      if (Array.isArray(delta?.content)) return null
      said.text += typeof delta?.content === 'string' ? delta.content : ''
      said.arguments += (delta?.tool_calls ?? []).map((call) => call.function?.arguments ?? '').join('')
    }
  }
  return said
}

test('recorded chat streams become legal Responses that say the same', { skip }, (t) => {
  const recordings = streams.filter(({ operation, body }) => operation === 'chat_completion' && saidBy(body) !== null)
  for (const recording of recordings) {
    const { name, body } = recording
    const request = dialect.toChatRequest({ input: 'x' }, 'm', true)
    const events = eventsOf(encode(dialect.createChatEncoder(request, createAnswerContext()), callsOf(recording)))
    checkEvents(events)
    const { output, usage } = events.at(-1)?.['response'] as { output: { type: string, content?: { text: string }[], arguments?: string }[], usage: Record<string, unknown> | null }
    const said = saidBy(body)
    assert.equal(output.flatMap(({ content = [] }) => content.map((part) => part.text)).join(''), said?.text, name)
    const calls = output.filter(({ type }) => type === 'function_call').map((item) => item.arguments).join('')
    assert.equal(calls === '{}' && said?.arguments === '' ? '' : calls, said?.arguments, name)
    assert.deepEqual(countsOf(usage), lastUsage(body), name)
  }
  assert.ok(recordings.length >= 10, String(recordings.length))
  t.diagnostic(countByProvider(recordings))
})

test('recorded chat streams become text completions that say the same', { skip }, (t) => {
  const completions = chatDialectOf('openai', 'text_completion', {})
  const recordings = streams.filter(({ operation, body }) => operation === 'chat_completion' && saidBy(body) !== null)
  for (const recording of recordings) {
    const { name, body } = recording
    const request = completions.toChatRequest({ prompt: 'x' }, 'm', true)
    const data = dataOf(encode(completions.createChatEncoder(request, createAnswerContext()), callsOf(recording)))
    assert.equal(data.at(-1), '[DONE]', name)
    const chunks = data.slice(0, -1).map((text) => JSON.parse(text) as { object: string, choices: { text: string, finish_reason: string | null }[] })
    assert.equal(chunks.flatMap(({ choices }) => choices.map((choice) => choice.text)).join(''), saidBy(body)?.text, name)
    assert.ok(chunks.every(({ object }) => object === 'text_completion'), name)
    assert.ok(chunks.some(({ choices }) => choices[0]?.finish_reason === 'stop' || choices[0]?.finish_reason === 'length'), name)
  }
  t.diagnostic(countByProvider(recordings))
})
