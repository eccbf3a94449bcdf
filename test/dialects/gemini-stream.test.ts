import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { GoogleGenAI } from '@google/genai'
import { geminiChat } from '../../src/dialects/gemini/chat.ts'
import type { ChatEncoder } from '../../src/dialects/dialect.ts'
import { answersOf } from '../../src/transport/dialect-answers.ts'
import { GatewayError } from '../../src/errors.ts'

/** What an encoder writes for these calls, one text for each event of the provider. */
function encode (...events: ((encoder: ChatEncoder) => void)[]): string[] {
  const encoder = geminiChat.createChatEncoder({ model: 'm', messages: [] }, { model: 'asked', nowSeconds: 1, newId: () => 'newid', includeUsage: true, extraFields: '', jsonArray: false })
  return events.map((event) => {
    let text = ''
    encoder.begin({ append: (bytes, start, end) => { text += Buffer.from(bytes.subarray(start, end)).toString('utf8') }, appendAscii: (ascii) => { text += ascii } }, 5)
    event(encoder)
    return text
  })
}

const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7, completion_tokens_details: { reasoning_tokens: 1 } }

test('a stream of text is events with CR LF, the usage beside the finish reason, and no end mark', () => {
  assert.deepEqual(encode(
    (encoder) => { encoder.start('id', 'served'); encoder.delta(0, { role: 'assistant' }) },
    (encoder) => { encoder.delta(0, { content: 'Grüße' }) },
    (encoder) => { encoder.ping() },
    (encoder) => { encoder.finish(0, 'stop'); encoder.usage(usage) },
    (encoder) => { encoder.end() }
  ), [
    '',
    'data: {"candidates":[{"content":{"parts":[{"text":"Grüße"}],"role":"model"},"index":0}],"modelVersion":"served","responseId":"id"}\r\n\r\n',
    '\r\n',
    '',
    'data: {"candidates":[{"content":{"parts":[],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":3,"totalTokenCount":7,"thoughtsTokenCount":1},"modelVersion":"served","responseId":"id"}\r\n\r\n'
  ])
})

test('calls whose arguments come in pieces, side by side, are whole in the last event', () => {
  const [, last] = encode(
    (encoder) => {
      encoder.delta(0, { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":' } }] })
      encoder.delta(0, { tool_calls: [{ index: 1, id: 'gemini_9_1', type: 'function', function: { name: 'g', arguments: '' }, extra_content: { google: { thought_signature: 'c2ln' } } }] })
      encoder.delta(0, { tool_calls: [{ index: 0, function: { arguments: '1}' } }] })
    },
    (encoder) => { encoder.finish(0, 'tool_calls'); encoder.end() }
  )
  assert.equal(last, 'data: {"candidates":[{"content":{"parts":[{"functionCall":{"id":"a","name":"f","args":{"x":1}}},{"functionCall":{"name":"g","args":{}},"thoughtSignature":"c2ln"}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"asked","responseId":"newid"}\r\n\r\n')
})

test('thoughts are parts of their own, with the signature when it comes', () => {
  const texts = encode(
    (encoder) => { encoder.delta(0, { reasoning_content: 'a', reasoning_details: [{ type: 'reasoning.text', text: 'a', format: 'gemini', index: 0 }] }) },
    (encoder) => { encoder.delta(0, { reasoning_content: 'b' }) },
    (encoder) => { encoder.delta(0, { reasoning_details: [{ type: 'reasoning.text', text: '', signature: 'c2ln', format: 'gemini', index: 0 }] }) },
    (encoder) => { encoder.delta(0, { reasoning_details: [{ type: 'reasoning.encrypted', data: 'dGV4dA==', format: 'gemini', index: 1 }] }) }
  )
  const parts = texts.map((text) => (JSON.parse(text.slice('data: '.length)) as { candidates: { content: { parts: unknown[] } }[] }).candidates[0]?.content.parts)
  assert.deepEqual(parts, [[{ text: 'a', thought: true }], [{ text: 'b', thought: true }], [{ text: '', thought: true, thoughtSignature: 'c2ln' }], [{ text: '', thoughtSignature: 'dGV4dA==' }]])
})

test('several choices end together, and a stream that said nothing owes nothing', () => {
  const [text] = encode((encoder) => { encoder.finish(1, 'length'); encoder.finish(0, 'content_filter'); encoder.end() })
  const { candidates } = JSON.parse((text as string).slice('data: '.length)) as { candidates: { index: number, finishReason: string }[] }
  assert.deepEqual(candidates.map(({ index, finishReason }) => [index, finishReason]), [[1, 'MAX_TOKENS'], [0, 'SAFETY']])
  assert.deepEqual(encode((encoder) => { encoder.end() }), [''])
})

test('Google\'s SDK reads every event, whatever stands between two of them, and the error at the end', async (t) => {
  const { filler, toStreamError } = answersOf('gemini', false)
  const events = encode(
    (encoder) => { encoder.start('id', 'served'); encoder.delta(0, { content: 'one ' }); encoder.ping() },
    (encoder) => { encoder.delta(0, { content: 'two ' }) },
    (encoder) => { encoder.delta(0, { content: 'three' }); encoder.delta(0, { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }] }) },
    (encoder) => { encoder.finish(0, 'tool_calls'); encoder.usage(usage); encoder.end() }
  )
  const failure = toStreamError(new GatewayError('BIFROST_UPSTREAM_TRUNCATED'), { identity: null, requestId: 'r', trail: '', operation: 'chat_completion', sentBytes: 0, nowSeconds: 0 })
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(request.url?.includes('broken') === true ? Buffer.concat([Buffer.from(events[0] as string), failure]) : events.join(filler) + filler)
  }).listen(0, '127.0.0.1')
  t.after(() => { server.closeAllConnections(); server.close() })
  await once(server, 'listening')
  const client = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } })
  let text = ''
  const calls: unknown[] = []
  let last
  for await (const chunk of await client.models.generateContentStream({ model: 'm', contents: 'x' })) {
    text += (chunk.candidates?.[0]?.content?.parts ?? []).map((part) => part.text ?? '').join('')
    calls.push(...chunk.functionCalls ?? [])
    last = chunk
  }
  assert.equal(text, 'one two three')
  assert.deepEqual(calls, [{ id: 'a', name: 'f', args: { x: 1 } }])
  assert.equal(last?.candidates?.[0]?.finishReason, 'STOP')
  assert.equal(last?.usageMetadata?.totalTokenCount, 7)
  await assert.rejects(async () => { for await (const chunk of await client.models.generateContentStream({ model: 'broken', contents: 'x' })) assert.ok(chunk) }, /ended the stream|UNAVAILABLE/)
})
