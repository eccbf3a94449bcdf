import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EmbeddingProvider, RerankProvider, TokenCounter } from '../../src/providers/family.ts'
import { GatewayError } from '../../src/errors.ts'
import { createBedrockFamily } from '../../src/providers/bedrock/provider.ts'
import { createBedrockProvider, createContext } from './bedrock-calls.ts'

const family = createBedrockFamily(createBedrockProvider())

const asked: [string, object, object, string[]][] = [
  ['amazon.titan-embed-text-v2:0', { input: 'a', dimensions: 256, encoding_format: 'base64' }, { inputText: 'a', dimensions: 256 }, []],
  ['amazon.titan-embed-text-v2:0', { input: ['a'], input_type: 'search_query', user: 'u' }, { inputText: 'a' }, ['input_type', 'user']],
  ['amazon.titan-embed-text-v1', { input: 'a', dimensions: 256 }, { inputText: 'a' }, ['dimensions']],
  ['amazon.titan-embed-image-v1', { input: 'a', dimensions: 256 }, { inputText: 'a', embeddingConfig: { outputEmbeddingLength: 256 } }, []],
  ['amazon.nova-2-multimodal-embeddings-v1:0', { input: 'a', dimensions: 384, input_type: 'search_query' }, { taskType: 'SINGLE_EMBEDDING', singleEmbeddingParams: { embeddingPurpose: 'GENERIC_RETRIEVAL', embeddingDimension: 384, text: { truncationMode: 'END', value: 'a' } } }, []],
  ['amazon.nova-2-multimodal-embeddings-v1:0', { input: ['a'] }, { taskType: 'SINGLE_EMBEDDING', singleEmbeddingParams: { embeddingPurpose: 'GENERIC_INDEX', text: { truncationMode: 'END', value: 'a' } } }, []],
  ['cohere.embed-multilingual-v3', { input: ['a', 'b'], dimensions: 256 }, { texts: ['a', 'b'], input_type: 'search_document', embedding_types: ['float'] }, ['dimensions']],
  ['us.cohere.embed-v4:0', { input: ['a', 'b'], input_type: 'clustering', dimensions: 512 }, { texts: ['a', 'b'], input_type: 'clustering', embedding_types: ['float'], output_dimension: 512 }, []]
]

for (const [model, request, body, drops] of asked) {
  test(`an embedding of ${model}: ${JSON.stringify(request)}`, () => {
    const dropped: string[] = []
    const found = (family.embedding(model) as EmbeddingProvider).toEmbeddingRequest({ model, ...request } as never, createContext(dropped, { model }))
    assert.deepEqual(found.body, body)
    assert.deepEqual(dropped.sort(), drops)
    assert.equal(found.url.pathname, `/model/${model.replaceAll(':', '%3A')}/invoke`)
  })
}

test('members that Bedrock knows go along where the client wants it', () => {
  const model = 'amazon.titan-embed-text-v2:0'
  const { body } = (family.embedding(model) as EmbeddingProvider).toEmbeddingRequest({ model, input: 'a', normalize: true }, createContext([], { model, passExtraParams: true }))
  assert.deepEqual(body, { inputText: 'a', normalize: true })
})

test('what a model cannot embed is refused and named', () => {
  for (const [model, input] of [['amazon.titan-embed-text-v2:0', ['a', 'b']], ['amazon.nova-2-multimodal-embeddings-v1:0', ['a', 'b']], ['cohere.embed-english-v3', Array(97).fill('a')], ['amazon.titan-embed-text-v2:0', []], ['amazon.titan-embed-text-v2:0', [1, 2]]] as const) {
    assert.throws(() => (family.embedding(model) as EmbeddingProvider).toEmbeddingRequest({ model, input: input as string[] }, createContext([], { model })), (error) => error instanceof GatewayError && error.code === 'BIFROST_INVALID_REQUEST' && error.param === 'input')
  }
  assert.equal(family.embedding('anthropic.claude-haiku-4-5-20251001-v1:0'), null)
  const refuse = (model: string, count: number): void => { (family.embedding(model) as EmbeddingProvider).toEmbeddingRequest({ model, input: Array<string>(count).fill('a') }, createContext([], { model })) }
  assert.throws(() => { refuse('amazon.titan-embed-text-v2:0', 2) }, { message: 'input holds 2 texts; amazon.titan-embed-text-v2:0 takes at most 1 per request: send each in a request of its own.' })
  assert.throws(() => { refuse('cohere.embed-english-v3', 97) }, { message: 'input holds 97 texts; cohere.embed-english-v3 takes at most 96 per request: send the others in further requests.' })
})

const answers: [string, unknown, number[][], number][] = [
  ['amazon.titan-embed-text-v2:0', { embedding: [1, 2], inputTextTokenCount: 3 }, [[1, 2]], 3],
  ['amazon.nova-2-multimodal-embeddings-v1:0', { embeddings: [{ embeddingType: 'TEXT', embedding: [1] }] }, [[1]], 0],
  ['cohere.embed-english-v3', { id: 'x', embeddings: [[1], [2]], response_type: 'embeddings_floats' }, [[1], [2]], 0],
  ['cohere.embed-v4:0', { id: 'x', embeddings: { float: [[1], [2]] }, response_type: 'embeddings_by_type' }, [[1], [2]], 0]
]

for (const [model, body, vectors, tokens] of answers) {
  test(`vectors of ${model}`, () => {
    const provider = family.embedding(model) as EmbeddingProvider
    const context = createContext([], { model })
    assert.deepEqual(provider.fromEmbeddingReply(body, { model, input: 'a' }, context), {
      object: 'list', model, data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })), usage: { prompt_tokens: tokens, total_tokens: tokens }
    })
    for (const odd of [null, {}, { embedding: 5 }, { embeddings: 5 }, { embeddings: [5] }, { embeddings: { float: 5 } }]) {
      assert.throws(() => provider.fromEmbeddingReply(odd, { model, input: 'a' }, context), (error) => error instanceof GatewayError && error.code === 'BIFROST_UPSTREAM_BAD_RESPONSE')
    }
  })
}

test('documents are ranked by InvokeModel, in the words of the model', () => {
  const request = { model: 'x', query: 'q', documents: ['a', { text: 'b' }], top_n: 1, return_documents: true, max_tokens_per_doc: 9 }
  const dropped: string[] = []
  const provider = family.rerank('cohere.rerank-v3-5:0') as RerankProvider
  const context = createContext(dropped, { model: 'cohere.rerank-v3-5:0' })
  const { url, body } = provider.toRerankRequest(request, context)
  assert.equal(url.pathname, '/model/cohere.rerank-v3-5%3A0/invoke')
  assert.deepEqual(body, { query: 'q', documents: ['a', 'b'], top_n: 1, api_version: 2 })
  assert.deepEqual(dropped, ['max_tokens_per_doc'])
  assert.deepEqual((family.rerank('amazon.rerank-v1:0') as RerankProvider).toRerankRequest({ model: 'x', query: 'q', documents: ['a', { title: 't' } as never] }, createContext([])).body, { query: 'q', documents: ['a', '{"title":"t"}'] })
  assert.deepEqual(provider.fromRerankReply({ results: [{ index: 1, relevance_score: 0.9 }] }, request, context), { model: 'cohere.rerank-v3-5:0', results: [{ index: 1, relevance_score: 0.9, document: { text: 'b' } }] })
  assert.throws(() => provider.fromRerankReply({}, request, context), (error) => error instanceof GatewayError && error.code === 'BIFROST_UPSTREAM_BAD_RESPONSE')
  assert.equal(family.rerank('amazon.titan-embed-text-v2:0'), null)
})

test('tokens are counted of what Converse would be asked', () => {
  const counter = family.tokenCounter('m') as TokenCounter
  const { url, body } = counter.toCountRequest({ model: 'm', messages: [{ role: 'system', content: 's' }, { role: 'user', content: 'x' }], max_tokens: 5, tools: [{ type: 'function', function: { name: 'f' } }] }, createContext([], { model: 'a:0' }))
  assert.equal(url.pathname, '/model/a%3A0/count-tokens')
  assert.deepEqual(JSON.parse(JSON.stringify(body)), {
    input: { converse: { messages: [{ role: 'user', content: [{ text: 'x' }] }], system: [{ text: 's' }], toolConfig: { tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object' } } } }] } } }
  })
  assert.equal(counter.fromCountReply({ inputTokens: 12 }), 12)
  assert.throws(() => counter.fromCountReply({}), (error) => error instanceof GatewayError && error.code === 'BIFROST_UPSTREAM_BAD_RESPONSE')
})

test('Converse and CountTokens in Bedrock\'s own words go through as they are', () => {
  assert.equal(family.isNative('bedrock', 'chat_completion', 'm'), true)
  assert.equal(family.isNative('bedrock', 'count_tokens', 'm'), true)
  assert.equal(family.isNative('openai', 'chat_completion', 'm'), false)
  assert.equal(family.isNative('bedrock', 'embedding', 'm'), false)
  assert.equal(family.streamFraming('m'), 'event-stream')
})
