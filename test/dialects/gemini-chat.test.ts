import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatReply, ChatRequest, JsonObject } from '../../src/api/chat.ts'
import { geminiChat } from '../../src/dialects/gemini/chat.ts'
import type { AnswerContext } from '../../src/dialects/dialect.ts'

const context: AnswerContext = { model: 'asked', nowSeconds: 1, newId: () => 'newid', includeUsage: true, extraFields: '', jsonArray: false }
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const toMessages = (contents: unknown, more: JsonObject = {}): unknown => (asJson(geminiChat.toChatRequest({ contents, ...more }, 'm', false)) as ChatRequest).messages

test('a whole request is understood, in camel or snake case', () => {
  const body = (snake: boolean): JsonObject => {
    const name = (camel: string): string => (snake ? camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : camel)
    return {
      contents: [{ role: 'user', parts: [{ text: 'Hi' }, { [name('inlineData')]: { [name('mimeType')]: 'image/png', data: 'aGk=' } }] }],
      [name('systemInstruction')]: { parts: [{ text: 'Be terse.' }] },
      [name('generationConfig')]: { temperature: 0.1, [name('topP')]: 0.9, [name('topK')]: 3, [name('candidateCount')]: 2, [name('maxOutputTokens')]: 9, [name('stopSequences')]: ['x'], seed: 4, [name('responseMimeType')]: 'application/json', [name('responseSchema')]: { type: 'OBJECT', properties: { a_b: { type: 'STRING', nullable: true } } } },
      tools: [{ [name('functionDeclarations')]: [{ name: 'f', description: 'd', parameters: { type: 'OBJECT', properties: { x: { type: 'INTEGER', minimum: 1 }, y: { type: 'ARRAY', items: { type: 'NUMBER' }, [name('minItems')]: '2' } }, required: ['x'] } }] }],
      [name('toolConfig')]: { [name('functionCallingConfig')]: { mode: 'ANY', [name('allowedFunctionNames')]: ['f'] } }
    }
  }
  const expected = {
    model: 'm',
    messages: [
      { role: 'system', content: 'Be terse.' },
      { role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] }
    ],
    temperature: 0.1,
    top_p: 0.9,
    top_k: 3,
    n: 2,
    max_completion_tokens: 9,
    stop: ['x'],
    seed: 4,
    response_format: { type: 'json_schema', json_schema: { name: 'response', schema: { type: 'object', properties: { a_b: { type: ['string', 'null'] } } } } },
    tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object', properties: { x: { type: 'integer', minimum: 1 }, y: { type: 'array', items: { type: 'number' }, minItems: 2 } }, required: ['x'] } } }],
    tool_choice: { type: 'function', function: { name: 'f' } }
  }
  assert.deepEqual(asJson(geminiChat.toChatRequest(body(false), 'm', false)), expected)
  assert.deepEqual(asJson(geminiChat.toChatRequest(body(true), 'm', false)), expected)
})

test('what has no canonical word goes along in Google\'s', () => {
  const request = geminiChat.toChatRequest({
    contents: [],
    safetySettings: [{ category: 'c', threshold: 'OFF' }],
    cachedContent: 'cachedContents/1',
    serviceTier: 'standard',
    tools: [{ googleSearch: {} }],
    toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } },
    generationConfig: { thinkingConfig: { thinkingBudget: -1 }, speechConfig: {}, responseModalities: ['TEXT', 'IMAGE'] },
    fallbacks: ['openai/x']
  }, 'm', true)
  assert.deepEqual(asJson(request), {
    model: 'm',
    messages: [],
    stream: true,
    stream_options: { include_usage: true },
    service_tier: 'default',
    tool_choice: 'auto',
    modalities: ['text', 'image'],
    reasoning: { enabled: true },
    extra_body: {
      google: {
        safetySettings: [{ category: 'c', threshold: 'OFF' }],
        cachedContent: 'cachedContents/1',
        tools: [{ googleSearch: {} }],
        toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } },
        generationConfig: { speechConfig: {}, thinkingConfig: { thinkingBudget: -1 } }
      }
    }
  })
})

test('calls and answers without ids find each other by name and order', () => {
  assert.deepEqual(toMessages([
    { role: 'user', parts: [{ text: 'q' }] },
    { role: 'model', parts: [{ text: 'Wait.' }, { functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' }, { functionCall: { name: 'g' } }, { functionCall: { name: 'f' } }] },
    { role: 'user', parts: [{ functionResponse: { name: 'g', response: { result: 'text' } } }, { functionResponse: { name: 'f', response: { a: [1] } } }, { functionResponse: { name: 'f', response: { error: 'boom' } } }, { text: 'So?' }] }
  ]), [
    { role: 'user', content: 'q' },
    {
      role: 'assistant',
      content: 'Wait.',
      tool_calls: [
        { id: 'gemini_1_0', type: 'function', function: { name: 'f', arguments: '{"a":1}' }, extra_content: { google: { thought_signature: 'c2ln' } } },
        { id: 'gemini_1_1', type: 'function', function: { name: 'g', arguments: '{}' } },
        { id: 'gemini_1_2', type: 'function', function: { name: 'f', arguments: '{}' } }
      ]
    },
    { role: 'tool', tool_call_id: 'gemini_1_1', name: 'g', content: 'text' },
    { role: 'tool', tool_call_id: 'gemini_1_0', name: 'f', content: '{"a":[1]}' },
    { role: 'tool', tool_call_id: 'gemini_1_2', name: 'f', content: 'boom', is_error: true },
    { role: 'user', content: 'So?' }
  ])
})

test('an id that was given is kept and followed', () => {
  assert.deepEqual(toMessages([
    { role: 'model', parts: [{ functionCall: { id: 'a', name: 'f' } }, { functionCall: { id: 'b', name: 'f' } }] },
    { role: 'user', parts: [{ functionResponse: { id: 'b', name: 'f', response: {} } }, { functionResponse: { id: 'a', name: 'f', response: { result: '{"x":1}' }, parts: [{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }] } }] }
  ]), [
    { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }, { id: 'b', type: 'function', function: { name: 'f', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'b', name: 'f', content: '{}' },
    { role: 'tool', tool_call_id: 'a', name: 'f', content: [{ type: 'text', text: '{"result":"{\\"x\\":1}"}' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] }
  ])
})

test('turns that the SDK keeps of a stream, one for each event, are one', () => {
  assert.deepEqual(toMessages([
    { role: 'model', parts: [{ text: 'Thi', thought: true }] },
    { role: 'model', parts: [{ text: 'nk', thought: true }] },
    { role: 'model', parts: [{ text: 'Hel' }] },
    { role: 'model', parts: [{ text: 'lo' }] },
    { role: 'model', parts: [{ text: '', thoughtSignature: 'dGV4dA==' }] }
  ]), [{
    role: 'assistant',
    content: [{ type: 'text', text: 'Hello', extra_content: { google: { thought_signature: 'dGV4dA==' } } }],
    reasoning_content: 'Think',
    reasoning_details: [{ type: 'reasoning.text', text: 'Think', format: 'gemini', index: 0 }]
  }])
})

test('media are what they are', () => {
  assert.deepEqual(toMessages([{
    parts: [
      { inlineData: { mimeType: 'audio/mpeg', data: 'QQ==' } },
      { inlineData: { mimeType: 'application/pdf', data: 'QQ==' } },
      { fileData: { mimeType: 'image/png', fileUri: 'https://example.com/a.png' } },
      { fileData: { mimeType: 'application/pdf', fileUri: 'https://example.com/a.pdf' } },
      { fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/1' } },
      { executableCode: { code: '1' } }
    ]
  }]), [{
    role: 'user',
    content: [
      { type: 'input_audio', input_audio: { data: 'QQ==', format: 'mp3' } },
      { type: 'file', file: { file_data: 'data:application/pdf;base64,QQ==' } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'file', file: { file_url: 'https://example.com/a.pdf' } },
      { type: 'file', file: { file_id: 'https://generativelanguage.googleapis.com/v1beta/files/1' } },
      { type: 'opaque', dialect: 'gemini', value: { executableCode: { code: '1' } } }
    ]
  }])
})

const refused: [JsonObject, string][] = [
  [{ contents: 5 }, 'contents'],
  [{ contents: ['x'] }, 'contents[0]'],
  [{ contents: [{ parts: 'x' }] }, 'contents[0].parts'],
  [{ contents: [{ parts: [null, 5] }] }, 'contents[0].parts[1]'],
  [{ contents: [{ role: 'model', parts: [{ functionCall: {} }] }] }, 'contents[0].parts[0].functionCall.name'],
  [{ contents: [{ parts: [{ functionResponse: { name: 'f', response: {} } }] }] }, 'contents[0].parts[0].functionResponse'],
  [{ contents: [{ parts: [{ inlineData: { data: 'x' } }] }] }, 'contents[0].parts[0].inlineData'],
  [{ contents: [], tools: [{ functionDeclarations: [{}] }] }, 'tools[0].functionDeclarations[0].name'],
  [{ contents: [], generationConfig: 1 }, 'generationConfig']
]
for (const [body, param] of refused) {
  test(`${JSON.stringify(body)} is refused`, () => {
    assert.throws(() => geminiChat.toChatRequest(body, 'm', false), { code: 'BIFROST_INVALID_REQUEST', param })
  })
}

const reply = (message: object, more: object = {}, finish = 'stop'): ChatReply => ({ id: 'id-1', object: 'chat.completion', created: 1, model: 'served', choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish as 'stop' }], ...more })
const partsOf = (answer: ChatReply): unknown => (asJson(geminiChat.fromChatReply(answer, { model: 'm', messages: [] }, context)) as { candidates: { content: { parts: unknown } }[] }).candidates[0]?.content.parts

test('an answer in Gemini\'s words', () => {
  const usage = { prompt_tokens: 10, completion_tokens: 7, total_tokens: 17, prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 5 } }
  assert.deepEqual(asJson(geminiChat.fromChatReply(reply({ content: 'Hello' }, { usage }), { model: 'm', messages: [] }, context)), {
    candidates: [{ content: { parts: [{ text: 'Hello' }], role: 'model' }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 2, totalTokenCount: 17, thoughtsTokenCount: 5, cachedContentTokenCount: 4 },
    modelVersion: 'served',
    responseId: 'id-1'
  })
  const bare = asJson(geminiChat.fromChatReply({ ...reply({ content: '' }), id: '', model: '' }, { model: 'm', messages: [] }, context)) as JsonObject
  assert.deepEqual(bare, { candidates: [{ content: { parts: [], role: 'model' }, finishReason: 'STOP', index: 0 }], modelVersion: 'asked', responseId: 'newid' })
})

test('finish reasons in Gemini\'s words: STOP also for calls', () => {
  for (const [reason, word] of [['stop', 'STOP'], ['tool_calls', 'STOP'], ['length', 'MAX_TOKENS'], ['content_filter', 'SAFETY']] as const) {
    const answer = geminiChat.fromChatReply(reply({ content: 'x' }, {}, reason), { model: 'm', messages: [] }, context) as { candidates: { finishReason: string }[] }
    assert.equal(answer.candidates[0]?.finishReason, word)
  }
})

test('calls, thoughts, refusals and images of an answer are parts', () => {
  assert.deepEqual(partsOf(reply({
    content: null,
    refusal: 'No.',
    reasoning_content: 'Think',
    images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }],
    tool_calls: [
      { id: 'toolu_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
      { id: 'gemini_x_0', type: 'function', function: { name: 'g', arguments: '{cut off' }, extra_content: { google: { thought_signature: 'c2ln' } } }
    ]
  })), [
    { text: 'Think', thought: true },
    { text: 'No.' },
    { inlineData: { mimeType: 'image/png', data: 'aGk=' } },
    { functionCall: { id: 'toolu_1', name: 'f', args: { a: 1 } } },
    { functionCall: { name: 'g', args: {} }, thoughtSignature: 'c2ln' }
  ])
})

test('signatures of any provider survive the way through a client', () => {
  const details = [
    { type: 'reasoning.text', text: 'Think', signature: 'EqQB+/', format: 'anthropic', index: 0 },
    { type: 'reasoning.encrypted', data: 'redacted', format: 'anthropic', index: 1 },
    { type: 'reasoning.summary', summary: 'Short', id: 'rs_1', format: 'openai-responses', index: 2 },
    { type: 'reasoning.text', text: 'Own', signature: 'b3du', format: 'gemini', index: 3 }
  ]
  const parts = partsOf(reply({ content: 'A', reasoning_details: details })) as { text: string, thought?: boolean }[]
  assert.deepEqual(parts.map(({ text, thought }) => [text, thought]), [['Think', true], ['', true], ['Short', true], ['Own', true], ['A', undefined]])
  const [message] = toMessages([{ role: 'model', parts }]) as { reasoning_details: unknown, content: unknown }[]
  assert.deepEqual(message?.reasoning_details, details)
  assert.equal(message?.content, 'A')
})

test('a signature of a text stands on the text, one of a call on the call', () => {
  assert.deepEqual(partsOf(reply({
    content: 'A',
    reasoning_details: [{ type: 'reasoning.encrypted', data: 'dGV4dA==', format: 'gemini', index: 0 }, { type: 'reasoning.encrypted', data: 'Y2FsbA==', format: 'google-gemini-v1', id: 'c', index: 1 }],
    tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '' } }]
  })), [{ text: 'A', thoughtSignature: 'dGV4dA==' }, { functionCall: { id: 'c', name: 'f', args: {} }, thoughtSignature: 'Y2FsbA==' }])
})
