import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, test } from 'node:test'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { startTestGateway } from '../helpers/gateway.ts'
import { chatAnswer, startCaptureUpstream } from './capture-upstream.ts'

const google = await startCaptureUpstream({ after })
const other = await startCaptureUpstream({ after })
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } })
const account = { type: 'service_account', project_id: 'p-1', private_key: privateKey, client_email: 'a@p-1.iam.gserviceaccount.com', token_uri: `${google.url}/token` }
const network = (url: string): object => ({ network_config: { base_url: url, allow_private_network: true } })
const gateway = await startTestGateway({ after }, {
  providers: {
    openai: { keys: [{ name: 'o', value: 'o-key' }], ...network(other.url) },
    gemini: { keys: [{ name: 'g', value: 'g-key' }], ...network(google.url) },
    vertex: { keys: [{ name: 'v', vertex_key_config: { auth_credentials: JSON.stringify(account), region: 'us' } }], ...network(google.url) }
  }
})
const openai = new OpenAI({ apiKey: 'x', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
const genai = new GoogleGenAI({ apiKey: 'x', httpOptions: { baseUrl: `${gateway.url}/genai` } })

const geminiAnswer = { candidates: [{ content: { parts: [{ text: 'Hello' }], role: 'model' }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 1, totalTokenCount: 4 }, modelVersion: 'gemini-2.5-flash', responseId: 'r-1' }
const callAnswer = { candidates: [{ content: { parts: [{ functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' }], role: 'model' }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 }, modelVersion: 'gemini-3-flash', responseId: 'r-2' }
type Answer = typeof google.answer
const json = (body: unknown, status = 200): Answer => (response) => { response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)) }
const sse = (...events: unknown[]): Answer => (response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\r\n\r\n`).join('')) }

test('a client of OpenAI talks to Gemini', async () => {
  google.answer = json(geminiAnswer)
  const reply = await openai.chat.completions.create({ model: 'gemini/gemini-2.5-flash', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5, store: true })
  assert.equal(reply.choices[0]?.message.content, 'Hello')
  assert.equal(reply.usage?.total_tokens, 4)
  assert.deepEqual((reply as unknown as { extra_fields: { dropped_params: string[] } }).extra_fields.dropped_params, ['store'])
  const sent = google.requests.at(-1)
  assert.equal(sent?.path, '/v1beta/models/gemini-2.5-flash:generateContent')
  assert.equal(sent.headers['x-goog-api-key'], 'g-key')
  assert.deepEqual(JSON.parse(sent.body), { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }], generationConfig: { maxOutputTokens: 5 } })
})

test('a client of OpenAI streams a call from Gemini, and its signature comes back with the answer', async () => {
  google.answer = sse(callAnswer)
  const runner = openai.chat.completions.stream({ model: 'gemini/gemini-3-flash', messages: [{ role: 'user', content: 'Hi' }], tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: { a: { type: 'number' } } } } }] })
  const { message, finish_reason: reason } = (await runner.finalChatCompletion()).choices[0] as { message: OpenAI.ChatCompletionMessage, finish_reason: string }
  assert.equal(reason, 'tool_calls')
  const [call] = message.tool_calls as OpenAI.ChatCompletionMessageFunctionToolCall[]
  assert.deepEqual(call?.function, { name: 'f', arguments: '{"a":1}' })
  assert.equal(google.requests.at(-1)?.path, '/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse')
  google.answer = json(geminiAnswer)
  await openai.chat.completions.create({ model: 'gemini/gemini-3-flash', messages: [{ role: 'user', content: 'Hi' }, message, { role: 'tool', tool_call_id: call.id, content: 'done' }] })
  assert.deepEqual((JSON.parse(google.requests.at(-1)?.body ?? '') as { contents: unknown[] }).contents.slice(1), [
    { role: 'model', parts: [{ functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' }] },
    { role: 'user', parts: [{ functionResponse: { name: 'f', response: { result: 'done' } } }] }
  ])
})

test('a client of Google goes to Gemini byte for byte', async () => {
  google.answer = json({ ...geminiAnswer, unheardOf: { kept: true } })
  const body = '{ "contents": [{"parts":[{"text":"Hi"}]}], "unheardOf": 1.0 }'
  const response = await fetch(`${gateway.url}/genai/v1beta/models/gemini-2.5-flash:generateContent`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  assert.equal(await response.text(), JSON.stringify({ ...geminiAnswer, unheardOf: { kept: true } }))
  assert.equal(google.requests.at(-1)?.body, body)
  google.answer = sse({ ...geminiAnswer, candidates: [{ content: { parts: [{ text: 'Hel' }] } }] }, geminiAnswer)
  let text = ''
  for await (const chunk of await genai.models.generateContentStream({ model: 'gemini-2.5-flash', contents: 'Hi' })) text += chunk.text ?? ''
  assert.equal(text, 'HelHello')
})

test('a client of Google talks to OpenAI, whole and streamed', async () => {
  other.answer = json({ ...chatAnswer, choices: [{ index: 0, message: { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] }, finish_reason: 'tool_calls' }] })
  const reply = await genai.models.generateContent({ model: 'openai/gpt', contents: 'Hi', config: { safetySettings: [], temperature: 0.5, systemInstruction: 'Be terse.' } })
  assert.deepEqual(reply.functionCalls, [{ id: 'call_1', name: 'f', args: { a: 1 } }])
  assert.equal(reply.usageMetadata?.totalTokenCount, 4)
  assert.deepEqual(JSON.parse(other.requests.at(-1)?.body ?? ''), { model: 'gpt', messages: [{ role: 'system', content: 'Be terse.' }, { role: 'user', content: 'Hi' }], temperature: 0.5 })
  const chunk = (delta: object, finish: string | null = null): object => ({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt', choices: [{ index: 0, delta, finish_reason: finish }] })
  other.answer = sse(chunk({ role: 'assistant', content: '' }), chunk({ content: 'Hel' }), chunk({ content: 'lo' }), chunk({}, 'length'), { ...chunk({}), choices: [], usage: chatAnswer.usage }, '[DONE]')
  let text = ''
  let last
  for await (const part of await genai.models.generateContentStream({ model: 'openai/gpt', contents: 'Hi' })) { text += part.text ?? ''; last = part }
  assert.equal(text, 'Hello')
  assert.equal(last?.candidates?.[0]?.finishReason, 'MAX_TOKENS')
  assert.equal(last?.usageMetadata?.promptTokenCount, 3)
})

test('embeddings and counts go to Gemini for both kinds of clients', async () => {
  google.answer = json({ embeddings: [{ values: [0.5, 0.25] }] })
  const vectors = await openai.embeddings.create({ model: 'gemini/gemini-embedding-001', input: 'Hi' })
  assert.deepEqual(vectors.data[0]?.embedding, [0.5, 0.25])
  const native = await genai.models.embedContent({ model: 'gemini-embedding-001', contents: 'Hi' })
  assert.deepEqual(native.embeddings?.[0]?.values, [0.5, 0.25])
  google.answer = json({ totalTokens: 8 })
  assert.equal((await genai.models.countTokens({ model: 'gemini-2.5-flash', contents: 'Hi' })).totalTokens, 8)
})

test('Vertex AI gets a token first, then every request with it', async () => {
  google.answer = (response, request) => { json(request.path === '/token' ? { access_token: 't-1', expires_in: 3600, token_type: 'Bearer' } : geminiAnswer)(response, request) }
  const before = google.requests.length
  const ask = async (): Promise<unknown> => (await openai.chat.completions.create({ model: 'vertex/gemini-2.5-flash', messages: [{ role: 'user', content: 'Hi' }] })).choices[0]?.message.content
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), ['Hello', 'Hello', 'Hello'])
  const sent = google.requests.slice(before)
  assert.equal(sent.filter(({ path }) => path === '/token').length, 1)
  for (const { path, headers } of sent.filter(({ path }) => path !== '/token')) {
    assert.equal(path, '/v1beta1/projects/p-1/locations/us/publishers/google/models/gemini-2.5-flash:generateContent')
    assert.equal(headers.authorization, 'Bearer t-1')
  }
})

test('errors of Gemini are typed for a client of OpenAI', async () => {
  google.answer = json({ error: { code: 400, message: 'The input token count (9) exceeds the maximum number of tokens allowed (8).', status: 'INVALID_ARGUMENT' } }, 400)
  await assert.rejects(async () => await openai.chat.completions.create({ model: 'gemini/gemini-2.5-flash', messages: [{ role: 'user', content: 'Hi' }] }), { status: 400, code: 'context_length_exceeded' })
  google.answer = sse({ ...geminiAnswer, candidates: [{ content: { parts: [{ text: 'Hel' }] } }] }, { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } })
  await assert.rejects(async () => { for await (const chunk of await openai.chat.completions.create({ model: 'gemini/gemini-2.5-flash', stream: true, messages: [{ role: 'user', content: 'Hi' }] })) assert.ok(chunk) }, /overloaded/)
})
