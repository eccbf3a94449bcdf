import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { startTestGateway } from '../helpers/gateway.ts'
import { chatAnswer, sdk, sendEvents, sendJson, startCaptureUpstream } from './capture-upstream.ts'

/** Both ways through the whole gateway: Anthropic's SDK to whomever, and OpenAI's to Anthropic. */
const upstream = await startCaptureUpstream({ after })
const gateway = await startTestGateway({ after }, {
  providers: {
    anthropic: { keys: [{ value: 'sk-ant' }], network_config: { base_url: upstream.url } },
    openai: { keys: [{ value: 'sk-a' }], network_config: { base_url: upstream.url } }
  }
})
const client = new Anthropic({ apiKey: 'client-key', baseURL: gateway.url, maxRetries: 0 })
const openai = sdk(gateway.url)
const messages = [{ role: 'user' as const, content: 'Hi' }]
const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x', content: [{ type: 'text', text: 'Hello' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 3, cache_read_input_tokens: 2, output_tokens: 1 } }
const streamText = readFileSync(join(process.cwd(), 'test/fixtures/anthropic/parallel-tools.1.chunks.txt'))

beforeEach(() => {
  upstream.requests.length = 0
  upstream.answer = (response) => { sendJson(response, 200, message) }
})

function sendStream (): void {
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.end(streamText)
  }
}

test('Anthropic\'s SDK to Anthropic: body and answer go through as they are, with its version', async () => {
  const answer = await client.messages.create({ model: 'claude-x', max_tokens: 5, messages }, { headers: { 'anthropic-beta': 'b1' } })
  assert.deepEqual(JSON.parse(JSON.stringify(answer)), message)
  const [request] = upstream.requests
  assert.equal(request?.path, '/v1/messages')
  assert.deepEqual(JSON.parse(request.body), { model: 'claude-x', max_tokens: 5, messages })
  assert.deepEqual([request.headers['anthropic-version'], request.headers['anthropic-beta'], request.headers['x-api-key'], request.headers.authorization], ['2026-10-21', 'b1', 'sk-ant', undefined])
})

test('Anthropic\'s SDK to Anthropic: a stream goes through byte for byte', async () => {
  sendStream()
  const answer = await fetch(`${gateway.url}/v1/messages`, { method: 'POST', headers: { 'anthropic-version': '2023-06-01', 'x-api-key': 'client-key', 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-x', max_tokens: 5, messages, stream: true }) })
  assert.equal(Buffer.from(await answer.arrayBuffer()).toString(), streamText.toString())
  const final = await client.messages.stream({ model: 'claude-x', max_tokens: 5, messages }).finalMessage()
  assert.deepEqual(final.content.map((block) => block.type === 'tool_use' ? [block.name, block.input] : block.type), ['text', ['weather', { city: 'Bonn' }], ['now', {}], ['whole', { a: 1 }]])
})

test('Anthropic\'s SDK counts tokens', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { input_tokens: 14 }) }
  assert.equal((await client.messages.countTokens({ model: 'claude-x', messages })).input_tokens, 14)
  assert.equal(upstream.requests[0]?.path, '/v1/messages/count_tokens')
})

test('Anthropic\'s SDK to a provider of OpenAI\'s API', async () => {
  upstream.answer = (response) => { sendJson(response, 200, chatAnswer) }
  const answer = await client.messages.create({ model: 'openai/gpt-x', max_tokens: 5, messages, system: 'Be terse.' })
  assert.deepEqual(answer.content, [{ type: 'text', text: 'Hello' }])
  assert.deepEqual([answer.stop_reason, answer.usage.input_tokens, answer.usage.output_tokens], ['end_turn', 3, 1])
  const [request] = upstream.requests
  assert.equal(request?.path, '/v1/chat/completions')
  assert.deepEqual(JSON.parse(request.body), { model: 'gpt-x', messages: [{ role: 'system', content: 'Be terse.' }, ...messages], max_completion_tokens: 5 })
  assert.equal(request.headers['anthropic-version'], undefined)
})

test('Anthropic\'s SDK reads the stream of a provider of OpenAI\'s API', async () => {
  const chunk = (delta: object, finish: string | null = null): object => ({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'gpt-x', choices: [{ index: 0, delta, finish_reason: finish }] })
  upstream.answer = (response) => {
    sendEvents(response, [
      chunk({ role: 'assistant', content: '' }), chunk({ content: 'I look' }),
      chunk({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'w', arguments: '' } }, { index: 1, id: 'call_2', type: 'function', function: { name: 'n', arguments: '' } }] }),
      chunk({ tool_calls: [{ index: 1, function: { arguments: '{"b":2}' } }] }), chunk({ tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] }),
      chunk({}, 'tool_calls'), { ...chunk({}), choices: [], usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13, prompt_tokens_details: { cached_tokens: 8 } } }
    ])
  }
  const final = await client.messages.stream({ model: 'openai/gpt-x', max_tokens: 5, messages }).finalMessage()
  assert.deepEqual(final.content.map((block) => block.type === 'tool_use' ? [block.id, block.name, block.input] : block), [{ type: 'text', text: 'I look' }, ['call_1', 'w', { a: 1 }], ['call_2', 'n', { b: 2 }]])
  assert.deepEqual([final.stop_reason, final.usage.input_tokens, final.usage.cache_read_input_tokens, final.usage.output_tokens], ['tool_use', 1, 8, 4])
})

test('OpenAI\'s SDK to Anthropic', async () => {
  const answer = await openai.chat.completions.create({ model: 'anthropic/claude-haiku-4-5', messages, seed: 1 })
  assert.equal(answer.choices[0]?.message.content, 'Hello')
  assert.deepEqual([answer.choices[0].finish_reason, answer.usage?.prompt_tokens, answer.usage?.prompt_tokens_details?.cached_tokens, answer.usage?.total_tokens], ['stop', 5, 2, 6])
  assert.deepEqual((answer as unknown as { extra_fields: { dropped_params: string[] } }).extra_fields.dropped_params, ['seed'])
  const [request] = upstream.requests
  assert.deepEqual(JSON.parse(request?.body ?? ''), { model: 'claude-haiku-4-5', max_tokens: 64000, messages })
  assert.deepEqual([request?.path, request?.headers['x-api-key'], request?.headers['anthropic-version']], ['/v1/messages', 'sk-ant', '2023-06-01'])
})

test('OpenAI\'s SDK reads a stream of Anthropic', async () => {
  sendStream()
  const final = await openai.chat.completions.stream({ model: 'anthropic/claude-haiku-4-5', messages, stream_options: { include_usage: true } }).finalChatCompletion()
  const [choice] = final.choices
  assert.equal(choice?.message.content, 'I look')
  assert.deepEqual((choice.message.tool_calls ?? []).map((call) => [call.id, call.function]), [
    ['toolu_1', { name: 'weather', arguments: '{"city": "Bonn"}' }], ['toolu_2', { name: 'now', arguments: '{}' }], ['toolu_3', { name: 'whole', arguments: '{"a":1}' }]
  ])
  assert.deepEqual([choice.finish_reason, final.usage?.prompt_tokens, final.usage?.completion_tokens], ['tool_calls', 15, 30])
})

test('errors of Anthropic reach both kinds of client as their own', async () => {
  upstream.answer = (response) => { sendJson(response, 529, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }) }
  await assert.rejects(client.messages.create({ model: 'claude-x', max_tokens: 5, messages }), (error) => error instanceof Anthropic.APIError && error.status === 529 && /Overloaded/.test(error.message))
  upstream.answer = (response) => { sendJson(response, 400, { type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 3 tokens > 2 maximum' } }) }
  await assert.rejects(openai.chat.completions.create({ model: 'anthropic/claude-x', messages }), (error) => (error as { code?: string }).code === 'context_length_exceeded' && (error as { status?: number }).status === 400)
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end('event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}\n\n')
  }
  for (const asked of [client.messages.create({ model: 'claude-x', max_tokens: 5, messages, stream: true }), openai.chat.completions.create({ model: 'anthropic/claude-x', messages, stream: true })]) {
    await assert.rejects(Promise.resolve(asked), (error) => (error as { status?: number }).status === 429)
  }
})
