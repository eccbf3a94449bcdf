import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { chatAnswer, sdk, sendEvents, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'

/** What reaches the upstream, and what the gateway says about it in its answer. */
const upstream = await startCaptureUpstream({ after })
const network = { base_url: upstream.url, extra_headers: { 'x-team': 'search' } }
const gateway = await startTestGateway({ after }, {
  client: { prometheus_labels: ['team'] },
  providers: {
    openai: {
      keys: [
        { id: 'id-a', name: 'key-a', value: 'sk-a', models: ['*'], weight: 1, aliases: { fast: 'gpt-4o-mini-2024' } },
        { id: 'id-b', name: 'key-b', value: 'sk-b', models: ['*'], weight: 0 },
        { id: 'id-c', name: 'key-c', value: 'sk-c', models: ['only-c'], weight: 1 }
      ],
      network_config: network
    },
    groq: { keys: [{ value: 'gsk', models: ['shared-model', 'llama-3'] }], network_config: { base_url: upstream.url } },
    xai: { keys: [{ value: 'x', models: ['shared-model'] }], network_config: { base_url: upstream.url } },
    replicate: { keys: [{ value: 'a' }] },
    deepseek: { keys: [{ value: 'env.NO_SUCH_VARIABLE_HERE' }] }
  }
})
const client = sdk(gateway.url)
const messages = [{ role: 'user' as const, content: 'Hello' }]

beforeEach(() => {
  upstream.requests.length = 0
  upstream.answer = (response) => { sendJson(response, 200, chatAnswer) }
})

test('tools and every other member go upstream byte for byte; only the model name changes', async () => {
  const body = {
    model: 'openai/gpt-4o-mini',
    messages: [
      { role: 'system' as const, content: 'Grüße 👋 \u2028 "quoted" \\ </script>' },
      { role: 'user' as const, content: [{ type: 'text' as const, text: 'What is it?' }, { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }] },
      { role: 'assistant' as const, content: null, tool_calls: [{ id: 'call_1', type: 'function' as const, function: { name: 'weather', arguments: '{"city":"K\\u00f6ln"}' } }] },
      { role: 'tool' as const, tool_call_id: 'call_1', content: '{"t":1.0e2}' }
    ],
    tools: [{ type: 'function' as const, function: { name: 'weather', strict: true, parameters: { type: 'object', properties: { city: { type: 'string', enum: ['Köln'] } }, required: ['city'], additionalProperties: false } } }],
    tool_choice: { type: 'function' as const, function: { name: 'weather' } },
    parallel_tool_calls: false,
    response_format: { type: 'json_schema' as const, json_schema: { name: 'x', schema: { $defs: { a: { const: 1e-7 } } } } },
    temperature: 0.1,
    logit_bias: { 50256: -100 },
    metadata: { model: 'not-this-one' }
  }
  await client.chat.completions.create(body)
  const [request] = upstream.requests
  assert.equal(request?.body, JSON.stringify({ ...body, model: 'gpt-4o-mini' }))
  assert.equal(request.path, '/v1/chat/completions')
  assert.equal(request.headers['content-length'], String(Buffer.byteLength(request.body)))
})

test('an unusual spelling of the body survives, numbers beyond doubles included', async () => {
  const body = '{ "big" : 12345678901234567890.123456789012345 ,\n"model":"openai\\/m\\u0031", "messages" : [ ] , "x":{"model":"openai/y"}}'
  const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body })
  assert.equal(response.status, 200)
  assert.equal(upstream.requests[0]?.body, body.replace('"openai\\/m\\u0031"', '"m1"'))
})

test('the upstream gets the stored key and no header that the client meant for us', async () => {
  await client.chat.completions.create({ model: 'openai/m', messages }, {
    headers: { 'x-bf-api-key': 'key-a', cookie: 'session=1', 'x-forwarded-for': '1.2.3.4', 'x-bf-eh-anthropic-beta': 'tools', 'x-bf-eh-authorization': 'Bearer evil', 'openai-organization': 'client-org' }
  })
  assert.ok(upstream.requests[0] !== undefined)
  const { headers } = upstream.requests[0]
  assert.equal(headers.authorization, 'Bearer sk-a')
  assert.equal(headers['anthropic-beta'], 'tools')
  assert.equal(headers['x-team'], 'search')
  assert.equal(headers.host, new URL(upstream.url).host)
  const leaked = Object.keys(headers).filter((name) => /^x-bf-|^x-stainless|cookie|forwarded|organization|^x-request-id/.test(name))
  assert.deepEqual(leaked, [])
  assert.ok(!JSON.stringify(headers).includes('client-key'))
})

test('a key is pinned by its name or its id; the id wins', async () => {
  const keyOf = async (headers: Record<string, string>): Promise<string> => {
    const { response } = await client.chat.completions.create({ model: 'openai/m', messages }, { headers }).withResponse()
    const sent = String(upstream.requests.at(-1)?.headers.authorization)
    return `${sent} ${String(response.headers.get('x-bifrost-routing-info-key'))}`
  }
  assert.equal(await keyOf({}), 'Bearer sk-a key-a')
  assert.equal(await keyOf({ 'x-bf-api-key': 'key-b' }), 'Bearer sk-b key-b')
  assert.equal(await keyOf({ 'x-bf-api-key-id': 'id-b' }), 'Bearer sk-b key-b')
  assert.equal(await keyOf({ 'x-bf-api-key-id': 'id-b', 'x-bf-api-key': 'key-a' }), 'Bearer sk-b key-b')
})

test('a pinned key that does not exist or does not serve the model is refused before anything is sent', async () => {
  const refused = (headers: Record<string, string>): Promise<unknown> => client.chat.completions.create({ model: 'openai/m', messages }, { headers })
  await assert.rejects(refused({ 'x-bf-api-key': 'nobody' }), { status: 400, code: 'BIFROST_KEY_NOT_FOUND', message: /no supported key found with name nobody/ })
  await assert.rejects(refused({ 'x-bf-api-key-id': 'id-c' }), { status: 400, code: 'BIFROST_KEY_NOT_FOUND' })
  assert.equal(upstream.requests.length, 0)
})

test('an alias goes upstream as the model that it stands for', async () => {
  const { data, response } = await client.chat.completions.create({ model: 'openai/fast', messages }).withResponse()
  assert.equal((JSON.parse(String(upstream.requests[0]?.body)) as { model: string }).model, 'gpt-4o-mini-2024')
  assert.equal(response.headers.get('x-bifrost-original-model'), 'fast')
  assert.equal(response.headers.get('x-bifrost-resolved-model'), 'gpt-4o-mini-2024')
  const { extra_fields: extra } = data as unknown as { extra_fields: Record<string, unknown> }
  assert.equal(extra['original_model_requested'], 'fast')
  assert.equal(extra['resolved_model_used'], 'gpt-4o-mini-2024')
})

test('a bare model goes to the one provider that names it, a key model list counts as naming', async () => {
  const { response } = await client.chat.completions.create({ model: 'llama-3', messages }).withResponse()
  assert.equal(response.headers.get('x-bifrost-provider'), 'groq')
  const alias = await client.chat.completions.create({ model: 'fast', messages }).withResponse()
  assert.equal(alias.response.headers.get('x-bifrost-provider'), 'openai')
})

test('what cannot be resolved is refused with the choices', async () => {
  const create = (model: string): Promise<unknown> => client.chat.completions.create({ model, messages })
  await assert.rejects(create('shared-model'), { status: 400, code: 'BIFROST_MODEL_AMBIGUOUS', param: 'model', message: /groq\/shared-model, xai\/shared-model/ })
  await assert.rejects(create('nobody/model'), { status: 400, code: 'BIFROST_UNKNOWN_PROVIDER', message: /"nobody\/model".*configured providers: openai, groq, xai, replicate, deepseek/ })
  await assert.rejects(create('groq/other'), { status: 400, code: 'BIFROST_NO_KEY_FOR_MODEL', message: /no keys found that support model: other \(provider groq\)/ })
  await assert.rejects(create('groq/'), { status: 400, code: 'BIFROST_MODEL_REQUIRED' })
  await assert.rejects(create(''), { status: 400, code: 'BIFROST_MODEL_REQUIRED' })
  await assert.rejects(client.embeddings.create({ model: 'groq/llama-3', input: 'x' }), { status: 400, code: 'BIFROST_UNSUPPORTED_OPERATION', message: /embedding is not supported by groq/ })
  assert.equal(upstream.requests.length, 0)
})

test('a provider that only the original serves answers 503 with that reason, one without a key with the variable', async () => {
  const create = (model: string): Promise<unknown> => client.chat.completions.create({ model, messages })
  await assert.rejects(create('replicate/llama-3'), { status: 503, code: 'BIFROST_PROVIDER_UNAVAILABLE', message: /not supported by this version yet: provider replicate/ })
  await assert.rejects(create('deepseek/x'), { status: 503, message: /no key: set NO_SUCH_VARIABLE_HERE/ })
})

test('x-request-id is taken from the client and returned; without one the gateway makes one', async () => {
  const given = await client.chat.completions.create({ model: 'openai/m', messages }, { headers: { 'x-request-id': 'my-request-1' } }).withResponse()
  assert.equal(given.request_id, 'my-request-1')
  const completion = await client.chat.completions.create({ model: 'openai/m', messages }, { headers: { 'x-request-id': 'my-request-2' } })
  assert.equal(completion._request_id, 'my-request-2')
  const made = await client.chat.completions.create({ model: 'openai/m', messages }).withResponse()
  assert.match(String(made.request_id), /^[0-9a-f-]{36}$/)
})

test('the answer says who served it, in headers and in extra_fields', async () => {
  upstream.answer = (response) => { sendJson(response, 200, chatAnswer, { 'x-ratelimit-remaining-requests': '9', 'x-request-id': 'req_up', 'set-cookie': 'a=1', server: 'up' }) }
  const { data, response } = await client.chat.completions.create({ model: 'openai/m', messages }, { headers: { 'x-bf-api-key': 'key-a' } }).withResponse()
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('x-')))
  const { 'x-bifrost-upstream-latency-ms': latency, 'x-request-id': requestId, ...rest } = headers
  assert.match(String(latency), /^\d+$/)
  assert.notEqual(requestId, 'req_up')
  assert.deepEqual(rest, {
    'x-bifrost-provider': 'openai',
    'x-bifrost-original-model': 'm',
    'x-bifrost-resolved-model': 'm',
    'x-bifrost-request-type': 'chat_completion',
    'x-bifrost-routing-info-provider': 'openai',
    'x-bifrost-routing-info-model': 'm',
    'x-bifrost-routing-info-key': 'key-a',
    'x-ratelimit-remaining-requests': '9',
    'x-upstream-request-id': 'req_up'
  })
  assert.equal(response.headers.get('set-cookie'), null)
  const { latency: latencyMs, ...extra } = (data as unknown as { extra_fields: Record<string, unknown> }).extra_fields
  assert.equal(typeof latencyMs, 'number')
  assert.deepEqual(extra, {
    request_type: 'chat_completion', provider: 'openai', original_model_requested: 'm', resolved_model_used: 'm', routing_info: { provider: 'openai', model: 'm', key: 'key-a' }
  })
})

test('every chunk of a stream says who served it and its index, and the headers come first', async () => {
  const chunk = (delta: object, finish: string | null): object => ({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })
  upstream.answer = (response) => { sendEvents(response, [chunk({ role: 'assistant', content: 'a' }, null), chunk({ content: 'b' }, null), chunk({}, 'stop')]) }
  const { data, response } = await client.chat.completions.create({ model: 'openai/m', messages, stream: true }).withResponse()
  assert.equal(response.headers.get('x-bifrost-request-type'), 'chat_completion_stream')
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const extras: Array<Record<string, unknown>> = []
  for await (const one of data) extras.push((one as unknown as { extra_fields: Record<string, unknown> }).extra_fields)
  assert.deepEqual(extras.map((extra) => extra['chunk_index']), [0, 1, 2])
  for (const extra of extras) assert.equal(extra['provider'], 'openai')
  assert.equal((JSON.parse(String(upstream.requests[0]?.body)) as { stream_options: unknown }).stream_options !== undefined, true)
})

test('an upstream that only knows float arrays gives the right numbers to an SDK that asked for base64', async () => {
  const vector = [0.25, -1.5, 3]
  upstream.answer = (response) => { sendJson(response, 200, { object: 'list', model: 'm', data: [{ object: 'embedding', index: 0, embedding: vector }, { object: 'embedding', index: 1, embedding: [0, 1, 2] }], usage: { prompt_tokens: 1, total_tokens: 1 } }) }
  const { data } = await client.embeddings.create({ model: 'openai/m', input: ['x', 'y'] })
  assert.match(String(upstream.requests[0]?.body), /"encoding_format":"base64"/)
  assert.deepEqual(data.map(({ embedding }) => [...embedding]), [vector, [0, 1, 2]])
  const plain = await client.embeddings.create({ model: 'openai/m', input: ['x', 'y'], encoding_format: 'float' })
  assert.deepEqual(plain.data[0]?.embedding, vector)
})
