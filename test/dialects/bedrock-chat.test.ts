import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatReply, ChatUsage, JsonObject } from '../../src/api/chat.ts'
import type { AnswerContext, ChatEncoder } from '../../src/dialects/dialect.ts'
import { bedrockChat } from '../../src/dialects/bedrock/chat.ts'
import { bedrockTokenCount } from '../../src/dialects/bedrock/token-count.ts'
import { GatewayError } from '../../src/errors.ts'
import { readFrames } from '../providers/bedrock-frames.ts'

const context: AnswerContext = { model: 'm', nowSeconds: 1, newId: () => 'id', includeUsage: true, extraFields: '', jsonArray: false }
const user = (...content: unknown[]): JsonObject => ({ role: 'user', content })
const model = (...content: unknown[]): JsonObject => ({ role: 'assistant', content })
const canonical = (body: JsonObject, stream = false): unknown => JSON.parse(JSON.stringify(bedrockChat.toChatRequest(body, 'm', stream)))
const messagesOf = (...messages: unknown[]): unknown => (canonical({ messages }) as JsonObject)['messages']

test('text, system, limits and what else Converse names', () => {
  assert.deepEqual(canonical({
    messages: [user({ text: 'Hi' })],
    system: [{ text: 'Be short.' }, { cachePoint: { type: 'default', ttl: '1h' } }],
    inferenceConfig: { maxTokens: 9, temperature: 0, topP: 0.5, stopSequences: ['END'] },
    requestMetadata: { team: 'a' },
    serviceTier: { type: 'flex' },
    outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: '{"type":"object"}', name: 'n' } } }, effort: 'low' },
    guardrailConfig: { guardrailIdentifier: 'g' },
    additionalModelRequestFields: { top_k: 5, thinking: { type: 'enabled', budget_tokens: 2048 }, anthropic_beta: ['x'] }
  }, true), {
    model: 'm',
    stream: true,
    messages: [{ role: 'system', content: [{ type: 'text', text: 'Be short.', cache_control: { type: 'ephemeral', ttl: '1h' } }] }, { role: 'user', content: 'Hi' }],
    max_completion_tokens: 9,
    temperature: 0,
    top_p: 0.5,
    stop: ['END'],
    metadata: { team: 'a' },
    service_tier: 'flex',
    response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } },
    reasoning_effort: 'low',
    guardrailConfig: { guardrailIdentifier: 'g' },
    top_k: 5,
    reasoning: { enabled: true, max_tokens: 2048 },
    additionalModelRequestFields: { anthropic_beta: ['x'] }
  })
})

test('tools, their choice, and those that Amazon runs', () => {
  const spec = { toolSpec: { name: 'f', description: 'd', inputSchema: { json: { type: 'object' } } } }
  const tool = { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } }
  const ask = (toolConfig: object): unknown => {
    const { model: _model, messages: _messages, ...rest } = canonical({ messages: [user({ text: 'Hi' })], toolConfig }) as JsonObject
    return rest
  }
  assert.deepEqual(ask({ tools: [spec, { cachePoint: { type: 'default' } }], toolChoice: { any: {} } }), { tools: [{ ...tool, cache_control: { type: 'ephemeral' } }], tool_choice: 'required' })
  assert.deepEqual(ask({ tools: [spec], toolChoice: { auto: {} } }), { tools: [tool], tool_choice: 'auto' })
  assert.deepEqual(ask({ tools: [spec], toolChoice: { tool: { name: 'f' } } }), { tools: [tool], tool_choice: { type: 'function', function: { name: 'f' } } })
  assert.deepEqual(ask({ tools: [{ systemTool: { name: 'nova_grounding' } }] }), { system_tools: [{ name: 'nova_grounding' }] })
})

test('results of tools become messages of their own, before what the user says', () => {
  assert.deepEqual(messagesOf(
    user({ text: 'Weather?' }),
    model({ text: 'I look.' }, { toolUse: { toolUseId: 'a', name: 'f', input: { x: 1 } } }, { toolUse: { toolUseId: 'b', name: 'g', input: {} } }),
    user({ toolResult: { toolUseId: 'a', content: [{ json: { sunny: true } }] } }, { cachePoint: { type: 'default' } }, { toolResult: { toolUseId: 'b', content: [{ text: 'x' }, { image: { format: 'png', source: { bytes: 'aGk=' } } }], status: 'error' } }, { text: 'And?' })
  ), [
    { role: 'user', content: 'Weather?' },
    { role: 'assistant', content: 'I look.', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }, { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'a', content: '{"sunny":true}', cache_control: { type: 'ephemeral' } },
    { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'x' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }], is_error: true },
    { role: 'user', content: 'And?' }
  ])
})

test('bytes become data URLs, what only Bedrock has stays as it is', () => {
  const video = { video: { format: 'mp4', source: { s3Location: { uri: 's3://b/k' } } } }
  assert.deepEqual(messagesOf(user(
    { text: 'See' }, { cachePoint: { type: 'default' } }, { document: { format: 'pdf', name: 'Report', source: { bytes: 'JVBE' } } }, { document: { format: 'txt', name: 'facts', source: { text: 'hi' }, citations: { enabled: true } } },
    { audio: { format: 'mp3', source: { bytes: 'SUQz' } } }, video, { guardContent: { text: { text: 'guarded', qualifiers: ['query'] } } }
  )), [{
    role: 'user',
    content: [
      { type: 'text', text: 'See', cache_control: { type: 'ephemeral' } },
      { type: 'file', file: { filename: 'Report.pdf', file_data: 'data:application/pdf;base64,JVBE' } },
      { type: 'file', file: { filename: 'facts.txt', file_data: 'data:text/plain;base64,aGk=' } },
      { type: 'input_audio', input_audio: { data: 'SUQz', format: 'mp3' } },
      { type: 'opaque', dialect: 'bedrock', value: video },
      { type: 'text', text: 'guarded' }
    ]
  }])
})

test('thoughts keep their signatures and their order', () => {
  assert.deepEqual(messagesOf(user({ text: 'x' }), model({ reasoningContent: { reasoningText: { text: 'hm', signature: 's' } } }, { reasoningContent: { redactedContent: 'ZW5j' } }, { toolUse: { toolUseId: 'a', name: 'f', input: {} } })), [
    { role: 'user', content: 'x' },
    {
      role: 'assistant',
      content: null,
      reasoning_content: 'hm',
      reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: 's', index: 0 }, { type: 'reasoning.encrypted', data: 'ZW5j', index: 1 }],
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }]
    }
  ])
})

const wrong: [JsonObject, string][] = [
  [{}, 'messages'],
  [{ messages: [5] }, 'messages[0]'],
  [{ messages: [{ role: 'user', content: 'text' }] }, 'messages[0].content'],
  [{ messages: [{ role: 'user', content: [null] }] }, 'messages[0].content[0]'],
  [{ messages: [{ role: 'system', content: [] }] }, 'messages[0].role'],
  [{ messages: [user({ toolResult: { content: [] } })] }, 'messages[0].content[0].toolResult.toolUseId'],
  [{ messages: [model({ toolUse: { name: 'f' } })] }, 'messages[0].content[0].toolUse'],
  [{ messages: [], system: 'text' }, 'system'],
  [{ messages: [], toolConfig: {} }, 'toolConfig.tools'],
  [{ messages: [], toolConfig: { tools: [{}] } }, 'toolConfig.tools[0]'],
  [{ messages: [], outputConfig: { textFormat: { structure: { jsonSchema: { schema: '{' } } } } }, 'outputConfig.textFormat.structure.jsonSchema.schema']
]

for (const [body, param] of wrong) {
  test(`a body with a wrong ${param} is refused`, () => {
    assert.throws(() => bedrockChat.toChatRequest(body, 'm', false), (error) => error instanceof GatewayError && error.code === 'BIFROST_INVALID_REQUEST' && error.param === param)
  })
}

const usage: ChatUsage = { prompt_tokens: 110, completion_tokens: 5, total_tokens: 115, prompt_tokens_details: { cached_tokens: 70, cache_write_tokens: 30 } }
const answerOf = (choice: Partial<ChatReply['choices'][number]>, more: Partial<ChatReply> = {}): unknown => {
  const reply: ChatReply = { id: 'x', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop', ...choice }], ...more }
  return JSON.parse(JSON.stringify(bedrockChat.fromChatReply(reply, { model: 'm', messages: [] }, context)))
}

test('an answer with thoughts, text, citations, calls and cached input', () => {
  assert.deepEqual(answerOf({
    message: {
      role: 'assistant',
      content: 'a',
      reasoning_content: 'hm',
      reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: 's' }, { type: 'reasoning.encrypted', data: 'ZW5j' }],
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '' } }],
      annotations: [{ type: 'url_citation', url_citation: { url: 'https://a.example/', title: 't' } }]
    },
    finish_reason: 'tool_calls',
    native_finish_reason: 'tool_calls'
  }, { usage }), {
    output: {
      message: {
        role: 'assistant',
        content: [
          { reasoningContent: { reasoningText: { text: 'hm', signature: 's' } } },
          { reasoningContent: { redactedContent: 'ZW5j' } },
          { text: 'a' },
          { citationsContent: { citations: [{ title: 't', location: { web: { url: 'https://a.example/' } } }], content: [] } },
          { toolUse: { toolUseId: 'c', name: 'f', input: {} } }
        ]
      }
    },
    stopReason: 'tool_use',
    usage: { inputTokens: 10, outputTokens: 5, totalTokens: 115, cacheReadInputTokens: 70, cacheWriteInputTokens: 30 },
    metrics: { latencyMs: 0 }
  })
})

test('every finish reason has its word; Bedrock\'s own stay', () => {
  const stopOf = (choice: object): unknown => {
    const { stopReason, additionalModelResponseFields: fields } = answerOf(choice) as JsonObject
    return fields === undefined ? stopReason : [stopReason, fields]
  }
  assert.equal(stopOf({ finish_reason: 'stop' }), 'end_turn')
  assert.equal(stopOf({ finish_reason: 'length' }), 'max_tokens')
  assert.equal(stopOf({ finish_reason: 'tool_calls' }), 'tool_use')
  assert.equal(stopOf({ finish_reason: 'content_filter' }), 'content_filtered')
  assert.equal(stopOf({ finish_reason: 'content_filter', native_finish_reason: 'guardrail_intervened' }), 'guardrail_intervened')
  assert.equal(stopOf({ finish_reason: 'stop', native_finish_reason: 'max_tokens' }), 'end_turn')
  assert.deepEqual(stopOf({ finish_reason: 'stop', stop_sequence: 'END' }), ['stop_sequence', { stop_sequence: 'END' }])
})

/** The frames that a stream becomes; their checksums are checked. */
function framesOf (play: (encoder: ChatEncoder) => void): [string, unknown][] {
  const encoder = bedrockChat.createChatEncoder({ model: 'm', messages: [] }, context)
  const pieces: Buffer[] = []
  encoder.begin({ append: (bytes, start, end) => { pieces.push(Buffer.from(bytes.subarray(start, end))) }, appendAscii: () => assert.fail('frames are no text') }, 7)
  play(encoder)
  encoder.end()
  return readFrames(Buffer.concat(pieces))
}

const delta = (contentBlockIndex: number, value: object): [string, unknown] => ['contentBlockDelta', { contentBlockIndex, delta: value }]
const stop = (contentBlockIndex: number): [string, unknown] => ['contentBlockStop', { contentBlockIndex }]
const toolStart = (contentBlockIndex: number, toolUseId: string, name: string): [string, unknown] => ['contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId, name } } }]
const begin: [string, unknown] = ['messageStart', { role: 'assistant' }]
const metadata = (counts: object): [string, unknown] => ['metadata', { usage: counts, metrics: { latencyMs: 7 } }]
const nothing = metadata({ inputTokens: 0, outputTokens: 0, totalTokens: 0 })

test('a stream of text: no start of a block, the usage behind the end of the message', () => {
  assert.deepEqual(framesOf((encoder) => {
    encoder.start('id', 'model')
    encoder.usage({ prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 })
    encoder.delta(0, { role: 'assistant', content: '' })
    encoder.ping()
    encoder.delta(0, { content: 'Grüß' })
    encoder.delta(1, { content: 'another choice' })
    encoder.delta(0, { content: ' Gott' })
    encoder.finish(0, 'length')
    encoder.usage(usage)
  }), [begin, delta(0, { text: 'Grüß' }), delta(0, { text: ' Gott' }), stop(0), ['messageStop', { stopReason: 'max_tokens' }], metadata({ inputTokens: 10, outputTokens: 5, totalTokens: 115, cacheReadInputTokens: 70, cacheWriteInputTokens: 30 })])
})

test('thoughts, text and calls stand in blocks of their own, each closed before the next', () => {
  assert.deepEqual(framesOf((encoder) => {
    encoder.delta(0, { reasoning_content: 'h', reasoning_details: [{ type: 'reasoning.text', text: 'h', index: 0 }] })
    encoder.delta(0, { reasoning_details: [{ type: 'reasoning.text', text: '', signature: 's', index: 0 }] })
    encoder.delta(0, { reasoning_details: [{ type: 'reasoning.encrypted', data: 'ZW5j', index: 1 }] })
    encoder.delta(0, { content: 'a' })
    encoder.delta(0, { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '' } }] })
    encoder.delta(0, { tool_calls: [{ index: 0, function: { arguments: '{"x":1}' } }] })
    encoder.finish(0, 'tool_calls')
  }), [
    begin, delta(0, { reasoningContent: { text: 'h' } }), delta(0, { reasoningContent: { signature: 's' } }), stop(0), delta(1, { reasoningContent: { redactedContent: 'ZW5j' } }), stop(1), delta(2, { text: 'a' }), stop(2),
    toolStart(3, 'c', 'f'), delta(3, { toolUse: { input: '{"x":1}' } }), stop(3), ['messageStop', { stopReason: 'tool_use' }], nothing
  ])
})

test('calls whose pieces are mixed wait for each other; a call without arguments has empty ones', () => {
  const piece = (index: number, text: string, id?: string): object => ({ tool_calls: [{ index, ...id === undefined ? {} : { id, type: 'function' }, function: { ...id === undefined ? {} : { name: `f${index}` }, arguments: text } }] })
  assert.deepEqual(framesOf((encoder) => {
    encoder.delta(0, piece(0, '{"a"', 'c0'))
    encoder.delta(0, piece(1, '{"b"', 'c1'))
    encoder.delta(0, piece(2, '', 'c2'))
    encoder.delta(0, piece(0, ':1}'))
    encoder.delta(0, piece(1, ':2}'))
    encoder.finish(0, 'tool_calls')
  }), [
    begin, toolStart(0, 'c0', 'f0'), delta(0, { toolUse: { input: '{"a"' } }), delta(0, { toolUse: { input: ':1}' } }), stop(0),
    toolStart(1, 'c1', 'f1'), delta(1, { toolUse: { input: '{"b":2}' } }), stop(1), toolStart(2, 'c2', 'f2'), delta(2, { toolUse: { input: '{}' } }), stop(2),
    ['messageStop', { stopReason: 'tool_use' }], nothing
  ])
})

test('an empty answer still has a beginning and an end', () => {
  assert.deepEqual(framesOf((encoder) => { encoder.finish(0, 'stop') }), [begin, ['messageStop', { stopReason: 'end_turn' }], nothing])
})

test('refusals are text, citations stand where they are said', () => {
  assert.deepEqual(framesOf((encoder) => {
    encoder.delta(0, { refusal: 'No.' })
    encoder.delta(0, { annotations: [{ type: 'url_citation', url_citation: { url: 'https://a.example/', title: 't' } }] })
    encoder.finish(0, 'content_filter')
  }), [begin, delta(0, { text: 'No.' }), delta(0, { citation: { title: 't', location: { web: { url: 'https://a.example/' } } } }), stop(0), ['messageStop', { stopReason: 'content_filtered' }], nothing])
})

test('tokens are counted of a Converse body, and of nothing else', () => {
  assert.deepEqual(bedrockTokenCount.toChatRequest({ input: { converse: { messages: [user({ text: 'Hi' })] } } }, 'm'), { model: 'm', messages: [{ role: 'user', content: 'Hi' }] })
  assert.deepEqual(bedrockTokenCount.fromTokenCount(3), { inputTokens: 3 })
  for (const body of [{}, { input: null }, { input: { invokeModel: { body: 'e30=' } } }]) assert.throws(() => bedrockTokenCount.toChatRequest(body, 'm'), (error) => error instanceof GatewayError && error.param === 'input.converse')
})
