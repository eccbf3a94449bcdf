import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobFrame } from '../../src/api/job.ts'
import { builtInProvider } from '../../src/config/providers.ts'
import { isPlain } from '../../src/providers/mistral/plain.ts'
import { createMistralFamily } from '../../src/providers/mistral/provider.ts'
import { toToolId } from '../../src/providers/mistral/tool-id.ts'
import { toOutcome } from '../../src/router/outcomes.ts'
import { createProvider } from '../router/settings.ts'
import { createAdapter } from './create-adapter.ts'
import { createContext } from './golden.ts'
import { createSettings, emptyRequest, errorOf, testGoldenFiles } from './family-tests.ts'
import { createJob } from './recordings.ts'

const { baseUrl, paths, operations } = builtInProvider('mistral') ?? assert.fail()
const family = createMistralFamily(createSettings('mistral', { baseUrl, paths, operations }))
const chat = family.chat('m') ?? assert.fail()
const embedding = family.embedding('m') ?? assert.fail()
const refused = (param: string) => ({ name: 'GatewayError', code: 'BIFROST_INVALID_REQUEST', param })

testGoldenFiles('mistral', family)

test('tool ids are nine letters and digits, the same for the same id', () => {
  assert.equal(toToolId('g6fVbXS8K'), 'g6fVbXS8K')
  // sha256 of the id, the first nine bytes modulo 62.
  assert.equal(toToolId('toolu_01A'), 'cCRDVY8T4')
  for (const id of ['', 'call_1', 'g6fVbXS8', 'g6fVbXS8K0', 'g6fVbXS-K', 'ü'.repeat(9)]) assert.match(toToolId(id), /^[a-zA-Z0-9]{9}$/)
})

test('a request goes to the path of its operation, with the key', async () => {
  assert.equal(chat.toChatRequest(emptyRequest, createContext()).url.href, 'https://api.mistral.ai/v1/chat/completions')
  assert.equal(embedding.toEmbeddingRequest({ model: 'm', input: 'a' }, createContext()).url.href, 'https://api.mistral.ai/v1/embeddings')
  assert.deepEqual((await family.authorize({ origin: '', path: '', headers: [], body: Buffer.alloc(0) }, 0)).headers, ['authorization', 'Bearer secret'])
})

test('what cannot be asked names the member, and answers that are none are told apart', () => {
  assert.throws(() => chat.toChatRequest({ model: 'm', messages: [{ role: 'user', content: [{ type: 'opaque', dialect: 'gemini', value: 1 }] }] }, createContext()), refused('messages[0].content'))
  assert.throws(() => embedding.toEmbeddingRequest({ model: 'm', input: [1, 2] }, createContext()), refused('input'))
  for (const body of [null, 5, {}]) assert.throws(() => chat.fromChatReply(body, emptyRequest, createContext()), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
  assert.throws(() => embedding.fromEmbeddingReply({}, { model: 'm', input: 'a' }, createContext()), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
  assert.throws(() => chat.fromChatReply({ choices: [{ finish_reason: 'error' }] }, emptyRequest, createContext()), { code: 'BIFROST_UPSTREAM_STATUS', status: 500 })
})

test('embeddings: request and reply', () => {
  const context = createContext()
  assert.deepEqual(embedding.toEmbeddingRequest({ model: 'c', input: ['a'], dimensions: 256, encoding_format: 'base64', user: 'u', input_type: 'search_query' }, context).body, { model: 'm', input: ['a'], output_dimension: 256 })
  assert.deepEqual(context.dropped, ['user', 'input_type'])
  assert.deepEqual(embedding.fromEmbeddingReply({ id: 'x', object: 'list', model: 'mistral-embed', data: [{ object: 'embedding', embedding: [1], index: 0 }], usage: { prompt_tokens: 5, total_tokens: 5, request_count: null } }, { model: 'm', input: 'a' }, context), {
    object: 'list', model: 'mistral-embed', data: [{ object: 'embedding', index: 0, embedding: [1] }], usage: { prompt_tokens: 5, total_tokens: 5 }
  })
})

test('errors by class', () => {
  assert.deepEqual(errorOf(family, 401, { detail: 'Invalid API Key' }), [401, null, 'Invalid API Key'])
  assert.deepEqual(errorOf(family, 429, { object: 'error', message: 'Requests rate limit exceeded', type: 'rate_limited', param: null, code: '1300' }), [429, '1300', 'Requests rate limit exceeded'])
  assert.deepEqual(errorOf(family, 400, { object: 'error', message: 'Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.', type: 'invalid_request_error', code: 3280 }), [400, '3280', 'Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.'])
  assert.deepEqual(errorOf(family, 422, { detail: [{ type: 'extra_forbidden', loc: ['body', 'seed'], msg: 'Extra inputs are not permitted', input: 1 }] }), [422, null, 'seed: Extra inputs are not permitted'])
  assert.deepEqual(errorOf(family, 422, { object: 'error', message: { detail: [{ loc: ['body', 'messages', 0], msg: 'bad' }, { msg: 'worse' }] }, type: 'invalid_request_error' }), [422, null, 'messages.0: bad; worse'])
  assert.deepEqual(errorOf(family, 503, 'busy', 'text/plain'), [503, null, 'busy'])
  const long = { object: 'error', message: 'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length', type: 'invalid_request_error', code: '3051' }
  assert.equal(errorOf(family, 400, long)[1], 'context_length_exceeded')
  assert.equal(toOutcome(family.toError(400, {}, Buffer.from(JSON.stringify(long)))), 'context_length')
})

const plainBody = { model: 'm', messages: [{ role: 'system', content: 's' }, { role: 'user', content: 'say "seed": 1' }, { role: 'assistant', content: 'x' }, { role: 'user', content: 'y' }], temperature: 1, max_tokens: 5, stream: true, response_format: { type: 'json_object' } }
const jobOf = (body: object, more: Partial<JobFrame> = {}): JobFrame => createJob('chat_completion', { body: Buffer.from(JSON.stringify(body)), ...more })

test('what needs no change goes through as it is', () => {
  assert.equal(isPlain(jobOf(plainBody)), true)
  assert.equal(isPlain(jobOf({ model: 'm', input: ['a'], encoding_format: 'base64' }, { operation: 'embedding' })), true)
  for (const temperature of [0, 0.25, 1, 1.49, null]) assert.equal(isPlain(jobOf({ ...plainBody, temperature })), true, String(temperature))
  // Python's spaces, and a role that is only spoken of.
  assert.equal(isPlain(createJob('chat_completion', { body: Buffer.from('{"model": "m", "temperature": 0.7, "messages": [{"role": "user", "content": "my \\"role\\": \\"assistant\\""}]}') })), true)
})

test('what Mistral refuses or words otherwise does not', () => {
  const messages = plainBody.messages
  for (const more of [
    { tools: [] }, { seed: 1 }, { max_completion_tokens: 5 }, { stream_options: {} }, { user: 'u' }, { store: false }, { logprobs: true }, { top_k: 1 }, { reasoning_effort: 'high' }, { service_tier: 'auto' }, { prompt_mode: 'reasoning' },
    { messages: [{ role: 'developer', content: 's' }, ...messages] }, { messages: [{ role: 'user', content: 'x', name: 'ann' }] }, { messages: [...messages, { role: 'assistant', content: 'go on' }] },
    { messages: [{ content: 'go on', role: 'assistant' }] }, { messages: [{ role: 'tool', tool_call_id: 'a', content: '' }, messages[1]] },
    { temperature: 1.6 }, { temperature: 2 }, { messages: [...messages, { role: 'assistant', content: [{ type: 'text', text: '' }] }, ...messages] },
    { messages: [{ role: 'user', content: [{ type: 'file', file: {} }] }] }, { messages: [{ role: 'user', content: [{ type: 'text', text: '', cache_control: {} }] }] }
  ]) assert.equal(isPlain(jobOf({ ...plainBody, ...more })), false, JSON.stringify(more))
  assert.equal(isPlain(jobOf(plainBody, { model: 'magistral-medium-latest' })), false)
  assert.equal(isPlain(jobOf(plainBody, { operation: 'responses' })), false)
  assert.equal(isPlain(jobOf({ model: 'm', input: 'a', dimensions: 5 }, { operation: 'embedding' })), false)
})

test('the adapter keeps the bytes of the one and translates the other', async () => {
  const adapter = createAdapter(createProvider('mistral', { kind: 'mistral', baseUrl, paths, operations }))
  const plain = jobOf(plainBody)
  assert.equal((await adapter.open(plain).toRequest()).body, plain.body)
  const translated = await adapter.open(jobOf({ ...plainBody, seed: 4 })).toRequest()
  assert.deepEqual(JSON.parse(Buffer.from(translated.body).toString()), { ...plainBody, random_seed: 4 })
  assert.equal(translated.path, '/v1/chat/completions')
})

test('errors are read alike whether the chat was translated or not', () => {
  const adapter = createAdapter(createProvider('mistral', { kind: 'mistral', baseUrl, paths, operations }))
  const refused = Buffer.from('{"detail":[{"type":"extra_forbidden","loc":["body","store"],"msg":"Extra inputs are not permitted","input":false}]}')
  const slow = Buffer.from('{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}')
  for (const job of [jobOf(plainBody), jobOf({ ...plainBody, seed: 4 })]) {
    const call = adapter.open(job)
    assert.ok(!(call.toRequest() instanceof Promise))
    assert.equal(call.fromErrorReply(422, {}, refused).message, 'store: Extra inputs are not permitted')
    assert.throws(() => call.fromReply(slow, {}), { code: 'BIFROST_UPSTREAM_STATUS', status: 429, upstreamCode: '1300', message: 'Rate limit exceeded' })
  }
})
