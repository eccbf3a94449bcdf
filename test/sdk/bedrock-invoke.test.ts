import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { InvokeModelCommand, InvokeModelWithResponseStreamCommand, ThrottlingException, ValidationException } from '@aws-sdk/client-bedrock-runtime'
import type { BedrockRuntimeClient, InvokeModelCommandInput } from '@aws-sdk/client-bedrock-runtime'
import { startTestGateway } from '../helpers/gateway.ts'
import { toEventFrame } from '../providers/bedrock-frames.ts'
import { chatAnswer, sendEvents, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import { invokeClientOf } from './matrix/clients/bedrock-invoke.ts'

/** Amazon's SDK with InvokeModel: to Bedrock as it is, and in the formats of its models to others. */
const upstream = await startCaptureUpstream({ after })
const network = { network_config: { base_url: upstream.url, max_retries: 0 } }
const gateway = await startTestGateway({ after }, {
  providers: {
    bedrock: { keys: [{ value: 'bearer' }], ...network },
    openai: { keys: [{ value: 'sk-a' }], ...network },
    anthropic: { keys: [{ value: 'sk-ant' }], ...network },
    cohere: { keys: [{ value: 'co' }], ...network },
    mock: { mock: { text: 'Hi', tokens: 2 } }
  }
})
const client: BedrockRuntimeClient = invokeClientOf(gateway.url)
after(() => { client.destroy() })

type Json = Record<string, unknown>

async function invoke (modelId: string, body: object | string, more: Partial<InvokeModelCommandInput> = {}): Promise<Json> {
  const { body: answer } = await client.send(new InvokeModelCommand({ modelId, contentType: 'application/json', body: typeof body === 'string' ? body : JSON.stringify(body), ...more }))
  return JSON.parse(answer.transformToString()) as Json
}

async function invokeStream (modelId: string, body: object): Promise<Json[]> {
  const { body: stream } = await client.send(new InvokeModelWithResponseStreamCommand({ modelId, contentType: 'application/json', body: JSON.stringify(body) }))
  const events: Json[] = []
  for await (const { chunk } of stream ?? []) events.push(JSON.parse(Buffer.from(chunk?.bytes ?? []).toString('utf8')) as Json)
  return events
}

const tokens = async (provider: string): Promise<[number, number]> => [await gateway.metric('bifrost_input_tokens_total', { provider }), await gateway.metric('bifrost_output_tokens_total', { provider })]

/** @returns the tokens that were counted meanwhile */
async function counting (provider: string, run: () => Promise<void>): Promise<[number, number]> {
  const [input, output] = await tokens(provider)
  await run()
  await gateway.whenIdle()
  const [inputAfter, outputAfter] = await tokens(provider)
  return [inputAfter - input, outputAfter - output]
}

const toChunk = (event: object): Buffer => toEventFrame('chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abc' })
function sendFrames (frames: readonly Buffer[]): void {
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream', 'x-amzn-bedrock-content-type': 'application/json' })
    response.end(Buffer.concat(frames))
  }
}
const chatChunk = (delta: object, finish: string | null = null): object => ({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'gpt-x', choices: [{ index: 0, delta, finish_reason: finish }] })
const usageChunk = { ...chatChunk({}), choices: [], usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13, prompt_tokens_details: { cached_tokens: 2 } } }
const sentBody = (): Json => JSON.parse(upstream.requests[0]?.body ?? '') as Json
/** Time is nobody's promise. */
const withoutTimes = ({ 'amazon-bedrock-invocationMetrics': metrics, ...event }: Json): Json => {
  if (metrics === undefined) return event
  const { invocationLatency, firstByteLatency, ...counts } = metrics as Json
  assert.ok((invocationLatency as number) >= (firstByteLatency as number))
  return { ...event, counts }
}
const counts = { inputTokenCount: 7, outputTokenCount: 4, cacheReadInputTokenCount: 2, cacheWriteInputTokenCount: 0 }

beforeEach(() => {
  upstream.requests.length = 0
  upstream.answer = (response) => { sendJson(response, 200, chatAnswer) }
})

test('Bedrock gets body and headers as they are, and its answer comes back so', async () => {
  const body = '{ "any" : [1.0, "\\u00fc"],"prompt":"Hi"}'
  const answer = '{"generation": "Hello", "extra":1.0}'
  upstream.answer = (response) => { response.writeHead(200, { 'content-type': 'application/json', 'x-amzn-bedrock-input-token-count': '5', 'x-amzn-bedrock-output-token-count': '3' }).end(answer) }
  const counted = await counting('bedrock', async () => {
    const said = await client.send(new InvokeModelCommand({ modelId: 'meta.llama3-8b-instruct-v1:0', contentType: 'application/json', body, guardrailIdentifier: 'g1', guardrailVersion: '2', trace: 'ENABLED' }))
    assert.equal(said.body.transformToString(), answer)
  })
  assert.deepEqual(counted, [5, 3])
  const [request] = upstream.requests
  assert.deepEqual([request?.path, request?.body, request?.headers.authorization], ['/model/meta.llama3-8b-instruct-v1%3A0/invoke', body, 'Bearer bearer'])
  assert.deepEqual(['guardrailidentifier', 'guardrailversion', 'trace'].map((name) => request?.headers[`x-amzn-bedrock-${name}`]), ['g1', '2', 'ENABLED'])
})

const usages: [string, object, Record<string, string>, [number, number]][] = [
  ['Claude', { type: 'message', usage: { input_tokens: 3, cache_read_input_tokens: 10, cache_creation_input_tokens: 1, output_tokens: 2 } }, { 'x-amzn-bedrock-input-token-count': '3' }, [14, 2]],
  ['Nova', { output: {}, usage: { inputTokens: 3, outputTokens: 2, totalTokens: 15, cacheReadInputTokenCount: 10, cacheWriteInputTokenCount: 0 } }, {}, [13, 2]],
  ['another model', { choices: [] }, { 'x-amzn-bedrock-input-token-count': '3', 'x-amzn-bedrock-output-token-count': '2', 'x-amzn-bedrock-cache-read-input-token-count': '10' }, [13, 2]],
  ['nobody', { images: [] }, {}, [0, 0]]
]
for (const [name, answer, headers, expected] of usages) {
  test(`tokens as ${name} counts them`, async () => {
    upstream.answer = (response) => { sendJson(response, 200, answer, headers) }
    assert.deepEqual(await counting('bedrock', async () => { assert.deepEqual(await invoke('m', { messages: [] }), answer) }), expected)
  })
}

const metrics = { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 5, outputTokenCount: 3, invocationLatency: 9, firstByteLatency: 4 } }
const streams: [string, object[], [number, number]][] = [
  ['Claude', [
    { type: 'message_start', message: { id: 'msg_1', usage: { input_tokens: 5, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'ping' },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 3 } },
    { type: 'message_stop', ...metrics }
  ], [5, 3]],
  ['Nova', [
    { messageStart: { role: 'assistant' } }, { contentBlockDelta: { delta: { text: 'Hi' }, contentBlockIndex: 0 } }, { contentBlockStop: { contentBlockIndex: 0 } }, { messageStop: { stopReason: 'end_turn' } },
    { metadata: { usage: { inputTokens: 5, outputTokens: 3, cacheReadInputTokenCount: 2, cacheWriteInputTokenCount: 0 }, metrics: {}, trace: {} }, ...metrics }
  ], [7, 3]],
  ['Llama', [{ generation: 'Hi', prompt_token_count: 5, stop_reason: null }, { generation: '', generation_token_count: 3, stop_reason: 'stop', ...metrics }], [5, 3]],
  ['Mistral without a count', [{ outputs: [{ text: 'Hi', stop_reason: null }] }, { outputs: [{ text: '', stop_reason: 'stop' }] }], [0, 0]]
]
for (const [name, events, expected] of streams) {
  test(`a stream of ${name} goes through as it is`, async () => {
    sendFrames(events.map(toChunk))
    assert.deepEqual(await counting('bedrock', async () => { assert.deepEqual(await invokeStream('us.model-v1:0', { messages: [] }), events) }), expected)
    assert.deepEqual([upstream.requests[0]?.path, upstream.requests[0]?.headers.accept], ['/model/us.model-v1%3A0/invoke-with-response-stream', 'application/vnd.amazon.eventstream'])
  })
}

test('a stream that breaks off, or ends in an exception, fails at the client', async () => {
  const said = toChunk({ generation: 'Hi', stop_reason: null })
  sendFrames([said])
  await assert.rejects(invokeStream('m', { prompt: 'x' }), /ended the stream before it was finished/)
  sendFrames([said, toEventFrame('!throttlingException', { message: 'slow down' })])
  await assert.rejects(invokeStream('m', { prompt: 'x' }), (error) => error instanceof ThrottlingException && error.message === 'slow down')
})

test('an exception before anything is said is an error status', async () => {
  sendFrames([toChunk({ type: 'message_start', message: {} }), toEventFrame('!throttlingException', { message: 'slow down' })])
  await assert.rejects(invokeStream('m', { messages: [] }), (error) => error instanceof ThrottlingException && error.$metadata.httpStatusCode === 429)
})

test('an error inside a stream of Claude is one', async () => {
  sendFrames([toChunk({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })])
  await assert.rejects(invokeStream('m', { messages: [] }), (error) => (error as { $metadata: { httpStatusCode: number } }).$metadata.httpStatusCode === 529)
})

const novaTool = { toolSpec: { name: 'weather', description: 'd', inputSchema: { json: { type: 'object' } } } }
const novaBody = { schemaVersion: 'messages-v1', system: [{ text: 'Be terse.' }], messages: [{ role: 'user', content: [{ text: 'Hi' }] }], inferenceConfig: { max_new_tokens: 5, temperature: 0.5, topP: 0.9, topK: 20 }, toolConfig: { tools: [novaTool] } }
const novaAsChat = {
  model: 'gpt-x',
  messages: [{ role: 'system', content: 'Be terse.' }, { role: 'user', content: 'Hi' }],
  temperature: 0.5,
  top_p: 0.9,
  max_completion_tokens: 5,
  tools: [{ type: 'function', function: { name: 'weather', description: 'd', parameters: { type: 'object' } } }]
}

test('Nova\'s body to a provider of OpenAI\'s API', async () => {
  const answer = await invoke('openai/gpt-x', novaBody, { guardrailIdentifier: 'g1', guardrailVersion: '2' })
  assert.deepEqual(answer, { output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } }, stopReason: 'end_turn', usage: { inputTokens: 3, outputTokens: 1, totalTokens: 4 } })
  assert.deepEqual(sentBody(), novaAsChat)
  assert.deepEqual(Object.keys(upstream.requests[0]?.headers ?? {}).filter((name) => name.startsWith('x-amzn')), [])
})

test('Nova\'s stream from a provider of OpenAI\'s API', async () => {
  upstream.answer = (response) => {
    sendEvents(response, [
      chatChunk({ role: 'assistant', content: '' }), chatChunk({ content: 'I look' }),
      chatChunk({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } }] }), chatChunk({ tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] }),
      chatChunk({}, 'tool_calls'), usageChunk
    ])
  }
  const events = await invokeStream('openai/gpt-x', novaBody)
  assert.deepEqual(events.map(withoutTimes), [
    { messageStart: { role: 'assistant' } },
    { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'I look' } } },
    { contentBlockStop: { contentBlockIndex: 0 } },
    { contentBlockStart: { contentBlockIndex: 1, start: { toolUse: { toolUseId: 'call_1', name: 'weather' } } } },
    { contentBlockDelta: { contentBlockIndex: 1, delta: { toolUse: { input: '{"a":1}' } } } },
    { contentBlockStop: { contentBlockIndex: 1 } },
    { messageStop: { stopReason: 'tool_use' } },
    { metadata: { usage: { inputTokens: 7, outputTokens: 4, totalTokens: 13, cacheReadInputTokenCount: 2, cacheWriteInputTokenCount: 0 }, metrics: {} }, counts }
  ])
})

test('Nova is known by its blocks alone', async () => {
  const { output } = await invoke('openai/gpt-x', { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] })
  assert.deepEqual(output, { message: { role: 'assistant', content: [{ text: 'Hello' }] } })
})

test('Claude\'s body to Anthropic goes in Anthropic\'s words, without what only Bedrock knows', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x', content: [{ type: 'text', text: 'Hello' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 3, output_tokens: 1 } }) }
  const answer = await invoke('anthropic/claude-x', { anthropic_version: 'bedrock-2023-05-31', anthropic_beta: ['b1'], max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] })
  assert.deepEqual([answer['type'], answer['content'], answer['stop_reason']], ['message', [{ type: 'text', text: 'Hello' }], 'end_turn'])
  assert.deepEqual(sentBody(), { model: 'claude-x', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] })
})

const openAiBody = { messages: [{ role: 'user', content: 'Hi' }], max_completion_tokens: 5 }

test('the body of an open model is OpenAI\'s', async () => {
  assert.deepEqual(await invoke('openai/gpt-x', openAiBody), chatAnswer)
  assert.deepEqual(sentBody(), { model: 'gpt-x', ...openAiBody })
  upstream.answer = (response) => { sendEvents(response, [chatChunk({ role: 'assistant', content: 'Hello' }), chatChunk({}, 'stop'), usageChunk]) }
  const events = await invokeStream('openai/gpt-x', openAiBody)
  assert.deepEqual(events.map(withoutTimes).map((event) => [(event['choices'] as { delta: unknown }[])[0]?.delta, event['usage'] === undefined, event['counts'], event['extra_fields']]), [
    [{ role: 'assistant', content: 'Hello' }, true, undefined, undefined], [{}, true, undefined, undefined], [undefined, false, counts, undefined]
  ])
})

const completions: [string, object, object, object, object[]][] = [
  ['Titan', { inputText: 'Hi', textGenerationConfig: { maxTokenCount: 5, temperature: 0.5, topP: 0.9, stopSequences: ['User:'] } }, { max_completion_tokens: 5, temperature: 0.5, top_p: 0.9, stop: ['User:'] },
    { inputTextTokenCount: 3, results: [{ tokenCount: 1, outputText: 'Hello', completionReason: 'FINISH' }] },
    [{ index: 0, outputText: 'Hel', completionReason: null }, { index: 0, outputText: 'lo', completionReason: null }, { index: 0, outputText: '', inputTextTokenCount: 9, totalOutputTextTokenCount: 4, completionReason: 'LENGTH', counts }]],
  ['Llama', { prompt: 'Hi', max_gen_len: 5, temperature: 0.5, top_p: 0.9 }, { max_completion_tokens: 5, temperature: 0.5, top_p: 0.9 },
    { generation: 'Hello', prompt_token_count: 3, generation_token_count: 1, stop_reason: 'stop' },
    [
      { generation: 'Hel', prompt_token_count: null, generation_token_count: null, stop_reason: null }, { generation: 'lo', prompt_token_count: null, generation_token_count: null, stop_reason: null },
      { generation: '', prompt_token_count: 9, generation_token_count: 4, stop_reason: 'length', counts }
    ]],
  ['Mistral', { prompt: 'Hi', max_tokens: 5, stop: ['</s>'] }, { max_completion_tokens: 5, stop: ['</s>'] },
    { outputs: [{ text: 'Hello', stop_reason: 'stop' }] },
    [{ outputs: [{ text: 'Hel', stop_reason: null }] }, { outputs: [{ text: 'lo', stop_reason: null }] }, { outputs: [{ text: '', stop_reason: 'length' }], counts }]]
]
for (const [name, body, asked, answer, events] of completions) {
  test(`${name}'s completion of a text, whole and as a stream`, async () => {
    assert.deepEqual(await invoke('openai/gpt-x', body), answer)
    assert.deepEqual(sentBody(), { model: 'gpt-x', messages: [{ role: 'user', content: 'Hi' }], ...asked })
    upstream.answer = (response) => { sendEvents(response, [chatChunk({ role: 'assistant', content: '' }), chatChunk({ content: 'Hel' }), chatChunk({ content: 'lo' }), chatChunk({}, 'length'), usageChunk]) }
    assert.deepEqual((await invokeStream('openai/gpt-x', body)).map(withoutTimes), events)
  })
}

const vectors = [[0.25, -0.5], [0.125, 2]]
const embeddings: [string, object, object, (answer: Json) => unknown, unknown][] = [
  ['Titan', { inputText: 'one', dimensions: 256, normalize: true, embeddingTypes: ['float'] }, { input: 'one', dimensions: 256 }, (answer) => answer, { embedding: [0.25, -0.5], embeddingsByType: { float: [0.25, -0.5] }, inputTextTokenCount: 2 }],
  ['Titan for images', { inputText: 'one', embeddingConfig: { outputEmbeddingLength: 256 } }, { input: 'one', dimensions: 256 }, ({ embedding }) => embedding, [0.25, -0.5]],
  ['Nova', { schemaVersion: 'nova-multimodal-embed-v1', taskType: 'SINGLE_EMBEDDING', singleEmbeddingParams: { embeddingPurpose: 'GENERIC_INDEX', embeddingDimension: 384, text: { truncationMode: 'END', value: 'one' } } }, { input: 'one', dimensions: 384 }, ({ embeddings: found }) => (found as unknown[])[0], { embeddingType: 'TEXT', embedding: [0.25, -0.5] }],
  ['Cohere', { texts: ['one', 'two'], input_type: 'search_query' }, { input: ['one', 'two'] }, ({ id: _id, ...answer }) => answer, { response_type: 'embeddings_floats', embeddings: vectors, texts: ['one', 'two'] }],
  ['Cohere by type', { texts: ['one', 'two'], input_type: 'search_query', embedding_types: ['float'] }, { input: ['one', 'two'] }, ({ id: _id, ...answer }) => answer, { response_type: 'embeddings_by_type', embeddings: { float: vectors }, texts: ['one', 'two'] }]
]
for (const [name, body, asked, read, expected] of embeddings) {
  test(`an embedding in the words of ${name} from a provider of OpenAI's API`, async () => {
    upstream.answer = (response, { body: text }) => {
      const { input } = JSON.parse(text) as { input: string | string[] }
      const found = vectors.slice(0, Array.isArray(input) ? input.length : 1)
      sendJson(response, 200, { object: 'list', model: 'e', data: found.map((embedding, index) => ({ object: 'embedding', index, embedding })), usage: { prompt_tokens: 2, total_tokens: 2 } })
    }
    assert.deepEqual(read(await invoke('openai/text-embedding-3-small', body)), expected)
    assert.deepEqual(sentBody(), { model: 'text-embedding-3-small', encoding_format: 'float', ...asked })
  })
}

test('counts stand in the headers of an answer, where Amazon\'s clients look for them', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { ...chatAnswer, usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13, prompt_tokens_details: { cached_tokens: 2 } } }) }
  const { headers } = await fetch(`${gateway.url}/model/openai%2Fgpt-x/invoke`, { method: 'POST', body: JSON.stringify(openAiBody) })
  assert.deepEqual(['input', 'output'].map((kind) => headers.get(`x-amzn-bedrock-${kind}-token-count`)), ['7', '4'])
})

test('tokens of an embedding that Bedrock counts in a header alone', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { id: 'x', response_type: 'embeddings_floats', embeddings: vectors, texts: ['one', 'two'] }, { 'x-amzn-bedrock-input-token-count': '6' }) }
  const counted = await counting('bedrock', async () => {
    const answer = await fetch(`${gateway.url}/v1/embeddings`, { method: 'POST', body: JSON.stringify({ model: 'bedrock/cohere.embed-english-v3', input: ['one', 'two'] }) })
    assert.deepEqual((await answer.json() as Json)['usage'], { prompt_tokens: 6, total_tokens: 6 })
  })
  assert.deepEqual(counted, [6, 0])
})

for (const [operation, body] of [
  ['image_generation', '{ "taskType":"TEXT_IMAGE", "textToImageParams":{"text":"a cat"},\n"imageGenerationConfig":{"seed":1.0} }'],
  ['image_edit', '{"inPaintingParams":{"image":"aGk=","maskPrompt":"the cat"},"taskType":"INPAINTING"}'],
  ['image_variation', '{"taskType":"IMAGE_VARIATION","imageVariationParams":{"images":["aGk="]}}']
] as const) {
  test(`${operation} in the words of Nova goes to Bedrock byte for byte, and its answer back`, async () => {
    upstream.answer = (response) => { sendJson(response, 200, { images: ['aGk='], error: null }) }
    const before = await gateway.metric('bifrost_upstream_requests_total', { provider: 'bedrock', method: operation })
    assert.deepEqual(await invoke('amazon.nova-canvas-v1:0', body), { images: ['aGk='], error: null })
    assert.deepEqual([upstream.requests[0]?.path, upstream.requests[0]?.body], ['/model/amazon.nova-canvas-v1%3A0/invoke', body])
    await gateway.whenIdle()
    assert.equal(await gateway.metric('bifrost_upstream_requests_total', { provider: 'bedrock', method: operation }), before + 1)
  })
}

test('a ranking from Cohere', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { id: 'x', results: [{ index: 1, relevance_score: 0.9 }], meta: { billed_units: { search_units: 1 } } }) }
  assert.deepEqual(await invoke('cohere/rerank-v3.5', { query: 'q', documents: ['a', 'b'], top_n: 1, api_version: 2 }), { results: [{ index: 1, relevance_score: 0.9 }] })
  assert.deepEqual(sentBody(), { model: 'rerank-v3.5', query: 'q', documents: ['a', 'b'], top_n: 1 })
})

test('the mock answers in these words, too', async () => {
  const body = { anthropic_version: 'bedrock-2023-05-31', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] }
  const [block] = (await invoke('mock/m', body))['content'] as [{ type: string, text: string }]
  assert.match(block.text, /^Hi/)
  assert.equal((await invokeStream('mock/m', body)).map((event) => (event['delta'] as Json | undefined)?.['text'] ?? '').join(''), block.text)
})

const refusals: [string, boolean, object, RegExp][] = [
  ['openai/gpt-image-1', false, { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat' } }, /^image_generation of gpt-image-1 in the words of invoke is not supported by openai\.$/],
  ['openai/gpt-image-1', false, { taskType: 'INPAINTING', inPaintingParams: { image: 'aGk=', maskPrompt: 'the cat' } }, /^image_edit of gpt-image-1 in the words of invoke is not supported by openai\.$/],
  ['openai/dall-e-2', false, { taskType: 'IMAGE_VARIATION', imageVariationParams: { images: ['aGk='] } }, /^image_variation of dall-e-2 in the words of invoke is not supported by openai\.$/],
  ['cohere/command-a', false, { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat' } }, /image/],
  ['bedrock/amazon.nova-canvas-v1:0', true, { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat' } }, /^This body asks for image_generation, which has no streams/],
  ['openai/e', true, { inputText: 'one' }, /^This body asks for embedding, which has no streams/],
  ['openai/gpt-x', false, { message: 'Hi', chat_history: [] }, /^messages must be an array: for this provider the body must be one of/],
  ['openai/gpt-x', false, { anthropic_version: 'bedrock-2023-05-31', messages: [{ role: 'user', content: [{ type: 'text' }] }] }, /^messages\[0\]\.content\[0\]\.text must be text/],
  ['openai/gpt-x', false, { prompt: ['Hi'] }, /^prompt must be text, not \["Hi"\]/],
  ['openai/e', false, { inputImage: 'aGk=' }, /^inputImage cannot be embedded by this provider/],
  ['openai/e', false, { inputText: 'a', embeddingTypes: ['binary'] }, /^embeddingTypes must be \["float"\] for this provider, not \["binary"\]/],
  ['openai/e', false, { taskType: 'SINGLE_EMBEDDING', singleEmbeddingParams: { image: {} } }, /^singleEmbeddingParams\.text\.value must be text, not undefined/],
  ['anthropic/claude-x', false, { inputText: 'one' }, /embedding/]
]
for (const [modelId, isStream, body, message] of refusals) {
  test(`${modelId} refuses ${JSON.stringify(body)}${isStream ? ' as a stream' : ''}`, async () => {
    await assert.rejects(isStream ? invokeStream(modelId, body) : invoke(modelId, body), (error) => error instanceof ValidationException && error.$metadata.httpStatusCode === 400 && message.test(error.message))
    assert.equal(upstream.requests.length, 0)
  })
}

test('a provider\'s error is an exception of Amazon\'s', async () => {
  upstream.answer = (response) => { sendJson(response, 429, { error: { message: 'slow down', type: 'rate_limit_error' } }) }
  await assert.rejects(invoke('openai/gpt-x', novaBody), (error) => error instanceof ThrottlingException && /slow down/.test(error.message))
})
