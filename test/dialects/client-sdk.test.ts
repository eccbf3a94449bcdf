import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { CohereClientV2 } from 'cohere-ai'
import { Ollama } from 'ollama'
import { cohereChat } from '../../src/dialects/cohere/chat.ts'
import { ollamaChat } from '../../src/dialects/ollama/chat.ts'
import type { ChatDialect } from '../../src/dialects/dialect.ts'
import { encode } from './client-golden.ts'
import type { Call } from '../providers/golden.ts'

const said: Call[] = [
  ['start', 'r1', 'm'],
  ['delta', 0, { reasoning_content: 'hm' }],
  ['delta', 0, { content: 'Grüß' }],
  ['delta', 0, { content: 'e' }],
  ['delta', 0, { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'weather', arguments: '' } }] }],
  ['delta', 0, { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }],
  ['delta', 0, { tool_calls: [{ index: 0, function: { arguments: '"Bonn"}' } }] }],
  ['finish', 0, 'tool_calls', 'tool_calls'],
  ['usage', { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }]
]

/** @returns the address of a server that answers everything with this stream */
async function serve (t: TestContext, dialect: ChatDialect, contentType: string): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': contentType }).end(encode(dialect, said))
  })
  t.after(() => { server.close() })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('Cohere\'s own client understands the stream', async (t) => {
  const client = new CohereClientV2({ token: 'x', environment: await serve(t, cohereChat, 'text/event-stream') })
  const types: string[] = []
  let text = ''
  let thinking = ''
  let args = ''
  let end: unknown = null
  for await (const event of await client.chatStream({ model: 'm', messages: [{ role: 'user', content: 'x' }] })) {
    types.push(event.type)
    if (event.type === 'content-delta') {
      text += event.delta?.message?.content?.text ?? ''
      thinking += event.delta?.message?.content?.thinking ?? ''
    } else if (event.type === 'tool-call-delta') args += event.delta?.message?.toolCalls?.function?.arguments ?? ''
    else if (event.type === 'message-end') end = { finishReason: event.delta?.finishReason, tokens: event.delta?.usage?.tokens }
  }
  assert.deepEqual(types, ['message-start', 'content-start', 'content-delta', 'content-end', 'content-start', 'content-delta', 'content-delta', 'content-end', 'tool-call-start', 'tool-call-delta', 'tool-call-delta', 'tool-call-end', 'message-end'])
  assert.deepEqual({ text, thinking, args, end }, { text: 'Grüße', thinking: 'hm', args: '{"city":"Bonn"}', end: { finishReason: 'TOOL_CALL', tokens: { inputTokens: 3, outputTokens: 4 } } })
})

test('Ollama\'s own client understands the stream', async (t) => {
  const client = new Ollama({ host: await serve(t, ollamaChat, 'application/x-ndjson') })
  const messages: unknown[] = []
  let last: unknown = null
  for await (const { message, done, done_reason: reason, prompt_eval_count: input, eval_count: output } of await client.chat({ model: 'm', messages: [{ role: 'user', content: 'x' }], stream: true })) {
    messages.push(message)
    last = { done, reason, input, output }
  }
  assert.deepEqual(messages, [
    { role: 'assistant', content: '', thinking: 'hm' },
    { role: 'assistant', content: 'Grüß' },
    { role: 'assistant', content: 'e' },
    { role: 'assistant', content: '', tool_calls: [{ id: 'a', function: { index: 0, name: 'weather', arguments: { city: 'Bonn' } } }] },
    { role: 'assistant', content: '' }
  ])
  assert.deepEqual(last, { done: true, reason: 'stop', input: 3, output: 4 })
})
