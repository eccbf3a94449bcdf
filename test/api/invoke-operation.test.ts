import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRequest } from '../../src/api/parse-request.ts'
import { findRoute } from '../../src/transport/routes.ts'
import type { RequestRoute } from '../../src/api/parsed-request.ts'

// Bodies as Amazon's user guide has them, family by family.
const rows: readonly [string, object, string][] = [
  ['Claude', { anthropic_version: 'bedrock-2023-05-31', max_tokens: 1, messages: [] }, 'chat_completion'],
  ['Nova', { schemaVersion: 'messages-v1', messages: [], inferenceConfig: {} }, 'chat_completion'],
  ['Command R', { message: 'Hi', chat_history: [] }, 'chat_completion'],
  ['Titan Text', { inputText: 'Hi', textGenerationConfig: {} }, 'text_completion'],
  ['Llama', { prompt: 'Hi', max_gen_len: 1 }, 'text_completion'],
  ['Titan Embeddings', { inputText: 'Hi', dimensions: 256 }, 'embedding'],
  ['Titan Multimodal Embeddings', { inputImage: 'aGk=' }, 'embedding'],
  ['Nova Multimodal Embeddings', { taskType: 'SINGLE_EMBEDDING', singleEmbeddingParams: {} }, 'embedding'],
  ['Cohere Embed', { texts: ['Hi'], input_type: 'search_query' }, 'embedding'],
  ['Cohere Embed, images', { images: ['data:'], input_type: 'image' }, 'embedding'],
  ['Cohere Embed v4', { inputs: [], input_type: 'search_query' }, 'embedding'],
  ['Cohere Rerank', { query: 'q', documents: [], api_version: 2 }, 'rerank'],
  ['nobody', {}, 'chat_completion']
]

for (const [family, body, operation] of rows) {
  test(`the body of ${family} asks for ${operation}`, () => {
    const parsed = parseRequest(findRoute('/model/m/invoke') as RequestRoute, Buffer.from(JSON.stringify({ ...body, stream: true })))
    assert.deepEqual([parsed.operation, parsed.model, parsed.stream], [operation, 'm', false])
  })
}

test('a member that decides may not stand there twice', () => {
  assert.throws(() => parseRequest(findRoute('/model/m/invoke') as RequestRoute, Buffer.from('{"texts":[],"texts":[]}')), { code: 'BIFROST_INVALID_REQUEST' })
})
