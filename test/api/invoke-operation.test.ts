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
  ['Titan Image Generator', { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat' } }, 'image_generation'],
  ['Nova Canvas, colors', { taskType: 'COLOR_GUIDED_GENERATION', colorGuidedGenerationParams: {} }, 'image_generation'],
  ['Nova Canvas, a task of tomorrow', { taskType: 'DREAM' }, 'image_generation'],
  ['Titan Image Generator, variations', { taskType: 'IMAGE_VARIATION', imageVariationParams: {} }, 'image_variation'],
  ['Titan Image Generator, inpainting', { taskType: 'INPAINTING', inPaintingParams: {} }, 'image_edit'],
  ['Titan Image Generator, outpainting', { taskType: 'OUTPAINTING', outPaintingParams: {} }, 'image_edit'],
  ['Titan Image Generator, background', { taskType: 'BACKGROUND_REMOVAL', backgroundRemovalParams: {} }, 'image_edit'],
  ['Nova Canvas, clothes', { taskType: 'VIRTUAL_TRY_ON', virtualTryOnParams: {} }, 'image_edit'],
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

test('a task is text', () => {
  assert.throws(() => parseRequest(findRoute('/model/m/invoke') as RequestRoute, Buffer.from('{"taskType":5}')), { code: 'BIFROST_INVALID_REQUEST', param: 'taskType', message: 'taskType must be a string, not 5.' })
})

test('models that draw have no streams', () => {
  for (const [taskType, operation] of [['TEXT_IMAGE', 'image_generation'], ['INPAINTING', 'image_edit'], ['IMAGE_VARIATION', 'image_variation']]) {
    assert.throws(() => parseRequest(findRoute('/model/m/invoke-with-response-stream') as RequestRoute, Buffer.from(JSON.stringify({ taskType }))), { code: 'BIFROST_INVALID_REQUEST', message: `This body asks for ${operation}, which has no streams: send it to the path without a stream.` })
  }
})
