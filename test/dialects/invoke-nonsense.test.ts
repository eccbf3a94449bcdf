import { test } from 'node:test'
import fc from 'fast-check'
import { parseRequest } from '../../src/api/parse-request.ts'
import type { RequestRoute } from '../../src/api/parsed-request.ts'
import type { JsonObject } from '../../src/api/chat.ts'
import { chatDialectOf, embeddingDialectOf, rerankDialectOf } from '../../src/dialects/registry.ts'
import { GatewayError } from '../../src/errors.ts'
import { createCohereFamily } from '../../src/providers/cohere/provider.ts'
import { InvokeDecoder } from '../../src/providers/bedrock/invoke-decoder.ts'
import { findRoute } from '../../src/transport/routes.ts'
import { createContext, replaceAt } from '../providers/anthropic-harness.ts'
import { toEventFrame } from '../providers/bedrock-frames.ts'
import { createProvider } from '../router/settings.ts'

const family = createCohereFamily(createProvider('cohere', { kind: 'cohere', baseUrl: 'https://api.cohere.example', operations: ['chat_completion', 'text_completion', 'embedding', 'rerank'], nativeOperations: ['chat_completion', 'embedding', 'rerank'] }))
const turns = fc.array(fc.nat(50), { minLength: 1, maxLength: 6 })
const junk = fc.jsonValue({ maxDepth: 2 })
const weather = { name: 'weather', description: 'd' }

const bodies: JsonObject[] = [
  {
    anthropic_version: 'bedrock-2023-05-31',
    max_tokens: 5,
    system: [{ type: 'text', text: 's' }],
    messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'weather', input: {} }] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'x' }] }],
    tools: [{ ...weather, input_schema: { type: 'object' } }],
    tool_choice: { type: 'auto' }
  },
  {
    schemaVersion: 'messages-v1',
    system: [{ text: 's' }],
    messages: [{ role: 'user', content: [{ text: 'Hi' }] }, { role: 'assistant', content: [{ toolUse: { toolUseId: 't', name: 'weather', input: {} } }] }, { role: 'user', content: [{ toolResult: { toolUseId: 't', content: [{ text: 'x' }] } }] }],
    inferenceConfig: { maxTokens: 5, temperature: 0.5, topP: 0.5, topK: 4, stopSequences: ['a'] },
    toolConfig: { tools: [{ toolSpec: { ...weather, inputSchema: { json: { type: 'object' } } } }], toolChoice: { auto: {} } }
  },
  { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5, stop: ['a'] },
  { inputText: 'Hi', textGenerationConfig: { maxTokenCount: 5, temperature: 0.5, topP: 0.5, stopSequences: ['a'] } },
  { prompt: 'Hi', max_gen_len: 5, temperature: 0.5 },
  { prompt: 'Hi', max_tokens: 5, stop: ['a'] },
  { inputText: 'Hi', dimensions: 5, normalize: true, embeddingTypes: ['float'], embeddingConfig: { outputEmbeddingLength: 5 } },
  { taskType: 'SINGLE_EMBEDDING', singleEmbeddingParams: { embeddingPurpose: 'GENERIC_INDEX', embeddingDimension: 5, text: { value: 'Hi' } } },
  { texts: ['Hi'], input_type: 'search_query', embedding_types: ['float'], output_dimension: 5 },
  { query: 'q', documents: ['a'], top_n: 1 }
]

test('nonsense in a body for InvokeModel is refused or passed on', () => {
  const route = findRoute('/model/m/invoke') as RequestRoute
  fc.assert(fc.property(fc.constantFrom(...bodies), turns, junk, (body, place, value) => {
    const changed = replaceAt(body, place, value) as JsonObject
    const context = createContext({ model: 'm' })
    try {
      const { operation } = parseRequest(route, Buffer.from(JSON.stringify(changed)))
      if (operation === 'embedding') family.embedding('m')?.toEmbeddingRequest(embeddingDialectOf('invoke', changed).toEmbeddingRequest(changed, 'm'), context)
      else if (operation === 'rerank') family.rerank('m')?.toRerankRequest(rerankDialectOf('invoke').toRerankRequest(changed, 'm'), context)
      else family.chat('m')?.toChatRequest(chatDialectOf('invoke', operation, changed).toChatRequest(changed, 'm', false), context)
    } catch (error) {
      if (!(error instanceof GatewayError) || !['BIFROST_INVALID_REQUEST', 'BIFROST_INVALID_JSON'].includes(error.code)) throw error
    }
  }), { numRuns: 5_000, seed: 20261129 })
})

const metrics = { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 5, outputTokenCount: 3 } }
const streams: JsonObject[][] = [
  [
    { type: 'message_start', message: { usage: { input_tokens: 5 } } }, { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{}' } }, { type: 'content_block_stop', index: 0 }, { type: 'message_delta', delta: { stop_reason: 'end_turn' } }, { type: 'message_stop', ...metrics }
  ],
  [
    { messageStart: { role: 'assistant' } }, { contentBlockStart: { contentBlockIndex: 0, start: { toolUse: { toolUseId: 't', name: 'f' } } } }, { contentBlockDelta: { contentBlockIndex: 0, delta: { toolUse: { input: '{}' } } } },
    { contentBlockDelta: { contentBlockIndex: 1, delta: { reasoningContent: { text: 'a' } } } }, { contentBlockDelta: { contentBlockIndex: 2, delta: { citation: { location: { web: { url: 'u' } } } } } },
    { contentBlockStop: { contentBlockIndex: 0 } }, { messageStop: { stopReason: 'tool_use' } }, { metadata: { usage: { inputTokens: 1, outputTokens: 2 } }, ...metrics }
  ],
  [{ generation: 'Hi', stop_reason: null }, { generation: '', stop_reason: 'stop', ...metrics }],
  [{ choices: [{ delta: {}, finish_reason: 'stop' }], ...metrics }]
]

test('nonsense in a stream of InvokeModel does not harm who follows it', () => {
  fc.assert(fc.property(fc.constantFrom(...streams), turns, junk, (events, place, value) => {
    const decoder = new InvokeDecoder('bedrock')
    const changed = replaceAt(events, place, value) as unknown
    for (const event of Array.isArray(changed) ? changed : [changed]) {
      const bytes = toEventFrame('chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64') })
      const end = bytes.length
      decoder.decode({ bytes, start: 0, end, dataLines: 1, dataStart: 0, dataEnd: end, nameStart: 0, nameEnd: 0 }, { start: () => {}, delta: () => {}, finish: () => {}, usage: () => {} })
    }
  }), { numRuns: 5_000, seed: 20261129 })
})
