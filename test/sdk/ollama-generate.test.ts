import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { Ollama } from 'ollama'
import { chatAnswer, sendEvents, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import type { CapturedRequest } from './capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'

/** `POST /api/generate` with Ollama's own client: put into chat for everybody else, and as it is for Ollama. */
const upstream = await startCaptureUpstream({ after })
const network = { network_config: { base_url: upstream.url, allow_private_network: true, max_retries: 0 } }
const gateway = await startTestGateway({ after }, {
  providers: {
    openai: { keys: [{ name: 'main', value: 'sk-upstream', models: ['*'] }], ...network },
    ollama: { keys: [{ name: 'main', models: ['*'], ollama_key_config: { url: upstream.url, native: true } }], network_config: { allow_private_network: true, max_retries: 0 } }
  }
})
const client = new Ollama({ host: gateway.url })
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

beforeEach(() => {
  upstream.requests.length = 0
  upstream.answer = (response) => { sendJson(response, 200, chatAnswer) }
})

function last (): CapturedRequest {
  return upstream.requests.at(-1) as CapturedRequest
}

test('a prompt is what the user says, and the answer is a response', async () => {
  const answer = await client.generate({ model: 'openai/gpt-4o', prompt: 'What is this?', system: 'Be brief.', images: [png], options: { temperature: 0.5, num_predict: 9 }, format: 'json', suffix: 'never' })
  assert.deepEqual([answer.response, answer.done, answer.done_reason, answer.prompt_eval_count, answer.eval_count, 'message' in answer], ['Hello', true, 'stop', 3, 1, false])
  assert.equal(last().path, '/v1/chat/completions')
  const { messages, temperature, response_format: format } = JSON.parse(last().body) as Record<string, unknown>
  assert.deepEqual(messages, [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }] }
  ])
  assert.deepEqual([temperature, format], [0.5, { type: 'json_object' }])
})

test('a stream is pieces of a response, and the last one has the counts', async () => {
  const chunk = (delta: object, finish: string | null = null, more: object = {}): object => ({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }], ...more })
  upstream.answer = (response) => { sendEvents(response, [chunk({ role: 'assistant', content: 'Hel' }), chunk({ content: 'lo' }), chunk({}, 'stop'), { ...chunk({}), choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } }]) }
  const pieces = []
  for await (const piece of await client.generate({ model: 'openai/gpt-4o', prompt: 'Hi', stream: true })) pieces.push(piece)
  assert.equal(pieces.map(({ response }) => response).join(''), 'Hello')
  assert.deepEqual(pieces.map(({ done }) => done), [false, false, true])
  assert.deepEqual([pieces.at(-1)?.prompt_eval_count, pieces.at(-1)?.eval_count], [5, 2])
})

test('to Ollama itself it goes as it is, and its usage is counted', async () => {
  const lines = [{ model: 'llama3.2', created_at: '2026-01-01T00:00:00Z', response: 'Hel', done: false }, { model: 'llama3.2', created_at: '2026-01-01T00:00:00Z', response: 'lo', done: true, done_reason: 'stop', context: [1, 2], prompt_eval_count: 11, eval_count: 7 }]
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    for (const line of lines) response.write(`${JSON.stringify(line)}\n`)
    response.end()
  }
  const pieces: unknown[] = []
  for await (const piece of await client.generate({ model: 'ollama/llama3.2', prompt: 'Hi', suffix: '.', raw: true, stream: true })) pieces.push(piece)
  assert.deepEqual(pieces, lines)
  assert.deepEqual([last().path, JSON.parse(last().body)], ['/api/generate', { model: 'llama3.2', prompt: 'Hi', suffix: '.', raw: true, stream: true }])
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_output_tokens_total', { provider: 'ollama' }), 7)

  upstream.answer = (response) => { sendJson(response, 200, { ...lines[1], response: 'Hello' }) }
  assert.equal((await client.generate({ model: 'ollama/llama3.2', prompt: 'Hi' })).response, 'Hello')
})
