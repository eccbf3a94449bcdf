import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import OpenAI from 'openai'
import { chatAnswer, sdk, sendEvents, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'

/** The official SDK's Responses and text completions, through the gateway to a provider that only has chat. */
const upstream = await startCaptureUpstream({ after })
const gateway = await startTestGateway({ after }, {
  providers: { deepseek: { keys: [{ name: 'main', value: 'sk-upstream' }], network_config: { base_url: upstream.url, max_retries: 0 } } }
})
const model = 'deepseek/up-model'
const client = sdk(gateway.url)

beforeEach(() => {
  upstream.requests.length = 0
  upstream.answer = (response) => { sendJson(response, 200, chatAnswer) }
})

function asked (): Record<string, unknown> {
  assert.equal(upstream.requests.length, 1)
  assert.equal(upstream.requests[0]?.path, '/v1/chat/completions')
  return JSON.parse(upstream.requests[0].body) as Record<string, unknown>
}

const chunk = (delta: object, finish: string | null = null, more: object = {}): object => ({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'up-model', choices: [{ index: 0, delta, finish_reason: finish }], ...more })
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const weather = { type: 'function' as const, name: 'weather', strict: false, parameters: { type: 'object', properties: { city: { type: 'string' } } } }

test('a Response comes of a chat completion, and says what could not be asked', async () => {
  const response = await client.responses.create({ model, instructions: 'Be brief.', input: [{ role: 'developer', content: 'No lists.' }, { role: 'user', content: 'Hello' }], max_output_tokens: 9, store: true })
  assert.equal(response.output_text, 'Hello')
  assert.equal(response.status, 'completed')
  assert.deepEqual([response.usage?.input_tokens, response.usage?.output_tokens, response.usage?.total_tokens], [3, 1, 4])
  assert.equal(response.instructions, 'Be brief.')
  const { extra_fields: extra } = response as unknown as { extra_fields: { provider: string, request_type: string, dropped_params: string[] } }
  assert.deepEqual([extra.provider, extra.request_type, extra.dropped_params], ['deepseek', 'responses', ['store']])
  // An API older than reasoning models knows neither the role nor the newer name of the limit.
  assert.deepEqual(asked(), { model: 'up-model', max_tokens: 9, messages: [{ role: 'system', content: 'Be brief.' }, { role: 'system', content: 'No lists.' }, { role: 'user', content: 'Hello' }] })
})

test('the .stream() helper follows text and calls, and the next turn finds them again', async () => {
  upstream.answer = (response) => {
    sendEvents(response, [
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'a city' }),
      chunk({ content: 'I look.' }),
      chunk({ tool_calls: [{ index: 0, id: 'call_a', type: 'function', function: { name: 'weather', arguments: '' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":"Köln"}' } }] }),
      chunk({}, 'tool_calls'),
      { ...chunk({}), choices: [], usage }
    ])
  }
  const stream = client.responses.stream({ model, input: 'Weather in Köln?', tools: [weather] })
  let text = ''
  stream.on('response.output_text.delta', ({ delta }) => { text += delta })
  const final = await stream.finalResponse()
  assert.equal(text, 'I look.')
  assert.deepEqual(final.output.map(({ type }) => type), ['reasoning', 'message', 'function_call'])
  assert.equal(final.usage?.total_tokens, 5)
  assert.equal(asked()['stream'], true)

  upstream.requests.length = 0
  upstream.answer = (response) => { sendJson(response, 200, chatAnswer) }
  const call = final.output.find((item) => item.type === 'function_call')
  assert.ok(call !== undefined)
  await client.responses.create({ model, tools: [weather], input: [{ role: 'user', content: 'Weather in Köln?' }, ...final.output as OpenAI.Responses.ResponseInputItem[], { type: 'function_call_output', call_id: call.call_id, output: 'rain' }] })
  assert.deepEqual(asked()['messages'], [
    { role: 'user', content: 'Weather in Köln?' },
    { role: 'assistant', content: 'I look.', reasoning_content: 'a city', tool_calls: [{ id: 'call_a', type: 'function', function: { name: 'weather', arguments: '{"city":"Köln"}' } }] },
    { role: 'tool', tool_call_id: 'call_a', content: 'rain' }
  ])
})

test('what needs an earlier Response is refused before anybody is asked', async () => {
  await assert.rejects(client.responses.create({ model, input: 'x', previous_response_id: 'resp_1' }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError)
    assert.equal(error.param, 'previous_response_id')
    return true
  })
  assert.equal(upstream.requests.length, 0)
})

test('a stream that breaks ends with error and response.failed, counting on', async () => {
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`data: ${JSON.stringify(chunk({ role: 'assistant', content: 'Hel' }))}\n\n`)
    response.end(`data: ${JSON.stringify({ error: { message: 'The server had an error.', type: 'server_error', code: 'server_error' } })}\n\n`)
  }
  const answer = await fetch(`${gateway.url}/v1/responses`, { method: 'POST', body: JSON.stringify({ model, input: 'x', stream: true }) })
  const text = await answer.text()
  const events = text.trim().split('\n\n').map((event) => {
    const [name, data] = event.split('\n') as [string, string]
    const parsed = JSON.parse(data.slice('data: '.length)) as { type: string, sequence_number: number, error?: object, response?: Record<string, unknown> }
    assert.equal(name, `event: ${parsed.type}`)
    return parsed
  })
  assert.deepEqual(events.map(({ type }) => type), ['response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added', 'response.output_text.delta', 'error', 'response.failed'])
  for (const [index, event] of events.entries()) assert.ok(index === 0 || event.sequence_number > (events[index - 1]?.sequence_number ?? 0), event.type)
  assert.deepEqual(events[5]?.error, { message: 'The server had an error.', type: 'server_error', param: null, code: 'server_error' })
  const { status, error, model: named } = events[6]?.response ?? {}
  assert.deepEqual([status, error, named], ['failed', { code: 'server_error', message: 'The server had an error.' }, 'up-model'])
  await assert.rejects(client.responses.stream({ model, input: 'x' }).finalResponse(), /The server had an error/)
})

test('text completions, unary and streamed, are asked as what a user says', async () => {
  const completion = await client.completions.create({ model, prompt: ['Once'], max_tokens: 7, echo: true })
  assert.equal(completion.object, 'text_completion')
  assert.deepEqual(completion.choices, [{ text: 'Hello', index: 0, logprobs: null, finish_reason: 'stop' }])
  assert.deepEqual((completion as unknown as { extra_fields: { dropped_params: string[] } }).extra_fields.dropped_params, ['echo'])
  assert.deepEqual(asked(), { model: 'up-model', max_tokens: 7, messages: [{ role: 'user', content: 'Once' }] })

  upstream.answer = (response) => { sendEvents(response, [chunk({ role: 'assistant', content: '' }), chunk({ content: 'He' }), chunk({ content: 'y' }), chunk({}, 'length'), { ...chunk({}), choices: [], usage }]) }
  const chunks: OpenAI.Completion[] = []
  for await (const piece of await client.completions.create({ model, prompt: 'Once', stream: true, stream_options: { include_usage: true } })) chunks.push(piece)
  assert.deepEqual(chunks.map(({ choices, usage: counted }) => [choices[0]?.text, choices[0]?.finish_reason, counted?.total_tokens]), [['He', null, undefined], ['y', null, undefined], ['', 'length', undefined], [undefined, undefined, 5]])
  chunks.length = 0
  for await (const piece of await client.completions.create({ model, prompt: 'Once', stream: true })) chunks.push(piece)
  assert.equal(chunks.length, 3, 'usage that was not asked for does not come')
})

test('several prompts at once are refused by name', async () => {
  await assert.rejects(client.completions.create({ model, prompt: ['a', 'b'] }), (error) => error instanceof OpenAI.BadRequestError && error.param === 'prompt')
})
