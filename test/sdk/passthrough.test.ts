import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { chatAnswer, sendEvents, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import type { CapturedRequest } from './capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'

/** `/{provider}_passthrough`: the vendors' own SDKs, whose bytes nobody on the way reads or changes. */
const upstream = await startCaptureUpstream({ after })
const network = { network_config: { base_url: upstream.url, allow_private_network: true, max_retries: 0 } }
const keyed = (value: string): object => ({ keys: [{ name: 'main', value, models: ['*'], aliases: { 'gpt-4o': 'renamed' } }], ...network })
const gateway = await startTestGateway({ after }, { providers: { openai: keyed('sk-openai'), anthropic: keyed('sk-ant'), gemini: keyed('g-key'), perplexity: keyed('pplx') } })

beforeEach(() => {
  upstream.requests.length = 0
  upstream.answer = (response) => { sendJson(response, 200, chatAnswer) }
})

function last (): CapturedRequest {
  return upstream.requests.at(-1) as CapturedRequest
}

test('a body and its answer go through byte for byte, with the gateway\'s key', async () => {
  const body = '{ "model":"gpt-4o",\t"fallbacks":["x/y"], "messages" : [{"role":"user","content":"\\u0048i"}] , "unknown": 1e2 }'
  const answer = await fetch(`${gateway.url}/openai_passthrough/v1/chat/completions`, { method: 'POST', headers: { authorization: 'Bearer client-secret', 'content-type': 'application/json' }, body })
  assert.equal(await answer.text(), JSON.stringify(chatAnswer))
  assert.deepEqual([last().path, last().body, last().headers.authorization], ['/v1/chat/completions', body, 'Bearer sk-openai'])
  assert.deepEqual([answer.headers.get('x-bifrost-request-type'), answer.headers.get('x-bifrost-provider')], ['passthrough', 'openai'])
  assert.equal(await gateway.metric('bifrost_input_tokens_total', { method: 'passthrough', provider: 'openai' }), 3)
})

test('a stream goes through as it came, and its usage is counted', async () => {
  const chunk = (more: object): object => ({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: {}, finish_reason: null }], ...more })
  const chunks = [chunk({ choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] }), chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 } })]
  upstream.answer = (response) => { sendEvents(response, chunks) }
  const client = new OpenAI({ apiKey: 'client-secret', baseURL: `${gateway.url}/openai_passthrough/v1`, maxRetries: 0 })
  const seen: unknown[] = []
  for await (const piece of await client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }], stream: true })) seen.push(piece)
  assert.deepEqual(seen, chunks)
  assert.deepEqual(JSON.parse(last().body), { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }], stream: true })
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_output_tokens_total', { method: 'passthrough_stream' }), 6)
})

test('Anthropic\'s SDK', async () => {
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 4, output_tokens: 2 } }
  upstream.answer = (response) => { sendJson(response, 200, message) }
  const client = new Anthropic({ apiKey: 'client-secret', baseURL: `${gateway.url}/anthropic_passthrough`, maxRetries: 0 })
  const answer = await client.messages.create({ model: 'claude-haiku-4-5', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] })
  assert.deepEqual({ ...answer }, message)
  assert.deepEqual([last().path, last().headers['x-api-key'], JSON.parse(last().body)], ['/v1/messages', 'sk-ant', { model: 'claude-haiku-4-5', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] }])
})

test('Google\'s SDK', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { candidates: [{ content: { role: 'model', parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 } }) }
  const client = new GoogleGenAI({ apiKey: 'client-secret', httpOptions: { baseUrl: `${gateway.url}/genai_passthrough` } })
  assert.equal((await client.models.generateContent({ model: 'gemini-2.5-flash', contents: 'Hi' })).text, 'Hi')
  assert.deepEqual([last().path, last().headers['x-goog-api-key']], ['/v1beta/models/gemini-2.5-flash:generateContent', 'g-key'])
})

test('what is no inference is refused before a key is chosen', async () => {
  for (const path of ['/openai_passthrough/v1/fine_tuning/jobs', '/openai_passthrough/v1/files', '/anthropic_passthrough/v1/organizations/users']) {
    const answer = await fetch(gateway.url + path, { method: 'POST', body: '{}' })
    assert.equal(answer.status, 403, path)
  }
  assert.equal(upstream.requests.length, 0)
})

test('words that are not the provider\'s own are refused, and nothing is translated', async () => {
  const answer = await fetch(`${gateway.url}/anthropic_passthrough/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'claude', messages: [] }) })
  assert.equal(answer.status, 400)
  assert.equal((await answer.json() as { error: { type: string } }).error.type, 'unsupported_operation')
  // Perplexity has chat, but its Responses come through it.
  const responses = await fetch(`${gateway.url}/perplexity_passthrough/v1/responses`, { method: 'POST', body: JSON.stringify({ model: 'sonar', input: 'x' }) })
  assert.equal(responses.status, 400)
  assert.equal(upstream.requests.length, 0)
})

test('a provider that is not configured, and a header that names another one, are refused', async () => {
  const ask = (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(gateway.url + path, { method: 'POST', headers, body: JSON.stringify({ model: 'm', messages: [] }) })
  assert.equal((await ask('/groq_passthrough/v1/chat/completions')).status, 400)
  assert.equal((await ask('/openai_passthrough/v1/chat/completions', { 'x-model-provider': 'anthropic' })).status, 400)
  assert.equal((await ask('/openai_passthrough/v1/chat/completions', { 'x-model-provider': 'openai' })).status, 200)
  assert.equal(upstream.requests.length, 1)
})

test('Anthropic\'s files and batches are kept at Anthropic', async () => {
  const client = new Anthropic({ apiKey: 'client-secret', baseURL: gateway.url, maxRetries: 0 })
  const batch = { id: 'msgbatch_1', type: 'message_batch', processing_status: 'in_progress' }
  upstream.answer = (response) => { sendJson(response, 200, batch) }
  const params = { model: 'claude-haiku-4-5', max_tokens: 5, messages: [{ role: 'user' as const, content: 'Hi' }] }
  assert.equal((await client.messages.batches.create({ requests: [{ custom_id: 'a', params }] })).id, 'msgbatch_1')
  assert.deepEqual([last().method, last().path, last().headers['x-api-key'], JSON.parse(last().body)], ['POST', '/v1/messages/batches', 'sk-ant', { requests: [{ custom_id: 'a', params }] }])
  assert.equal((await client.messages.batches.retrieve('msgbatch_1')).id, 'msgbatch_1')
  await client.messages.batches.cancel('msgbatch_1')
  assert.deepEqual([last().method, last().path], ['POST', '/v1/messages/batches/msgbatch_1/cancel'])
  const result = { custom_id: 'a', result: { type: 'canceled' } }
  upstream.answer = (response, { path }) => {
    if (!path.endsWith('/results')) return sendJson(response, 200, { ...batch, results_url: `${gateway.url}/v1/messages/batches/msgbatch_1/results` })
    response.writeHead(200, { 'content-type': 'application/x-jsonl' })
    response.end(`${JSON.stringify(result)}\n`)
  }
  const seen: unknown[] = []
  for await (const line of await client.messages.batches.results('msgbatch_1')) seen.push(line)
  assert.deepEqual(seen, [result])
  upstream.answer = (response) => { sendJson(response, 200, { id: 'file_1', type: 'file', filename: 'a.txt', mime_type: 'text/plain', size_bytes: 1, created_at: '2026-01-01T00:00:00Z' }) }
  const file = await client.beta.files.upload({ file: await Anthropic.toFile(Buffer.from('x'), 'a.txt', { type: 'text/plain' }) })
  assert.deepEqual([file.id, last().path, last().headers['x-api-key'], typeof last().headers['anthropic-version']], ['file_1', '/v1/files', 'sk-ant', 'string'])
  assert.match(String(last().headers['content-type']), /^multipart\/form-data; boundary=/)
})

test('nobody else is asked: the body is in one provider\'s words, whatever the config or the body say of fallbacks', async (t) => {
  const bound = await startTestGateway(t, {
    providers: {
      openai: { ...keyed('sk-openai'), fallbacks: ['perplexity/sonar'], context_length_fallbacks: ['perplexity/sonar'], stream_recovery: { enabled: true } },
      perplexity: keyed('pplx')
    }
  })
  const ask = (more: object): Promise<Response> => fetch(`${bound.url}/openai_passthrough/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }], ...more }) })
  upstream.answer = (response) => { sendJson(response, 500, { error: { message: 'down', type: 'server_error' } }) }
  assert.equal((await ask({ fallbacks: ['perplexity/sonar'] })).status, 500)
  assert.equal((await ask({})).status, 500)
  upstream.answer = (response) => { sendJson(response, 400, { error: { message: 'too long', type: 'invalid_request_error', code: 'context_length_exceeded' } }) }
  assert.equal((await ask({})).status, 400)
  // A stream that breaks is broken: to go on with it would be to change it.
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n', () => { response.socket?.destroy() })
  }
  assert.match(await (await ask({ stream: true })).text(), /upstream_truncated/)
  assert.deepEqual(upstream.requests.map(({ headers }) => headers.authorization), Array.from({ length: 4 }, () => 'Bearer sk-openai'))
})
