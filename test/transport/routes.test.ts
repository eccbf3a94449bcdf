import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findResourceRoutes, findRoute } from '../../src/transport/routes.ts'

type Row = [path: string, dialect: string, operation: string, model: string | null, stream: boolean | null, provider: string | null, template: string]

// The paths that the vendors' SDKs ask for, from their own sources.
const rows: readonly Row[] = [
  ['/v1/chat/completions', 'openai', 'chat_completion', null, null, null, '/v1/chat/completions'],
  ['/v1/responses/input_tokens', 'openai', 'count_tokens', null, null, null, '/v1/responses/input_tokens'],
  ['/openai/responses/input_tokens', 'openai', 'count_tokens', null, null, 'openai', '/openai/responses/input_tokens'],
  ['/v1/count_tokens', 'openai', 'count_tokens', null, null, null, '/v1/count_tokens'],
  ['/v1/rerank', 'openai', 'rerank', null, null, null, '/v1/rerank'],
  ['/openai/v1/chat/completions', 'openai', 'chat_completion', null, null, 'openai', '/openai/v1/chat/completions'],
  ['/openai/chat/completions', 'openai', 'chat_completion', null, null, 'openai', '/openai/chat/completions'],
  ['/openai/v1/responses', 'openai', 'responses', null, null, 'openai', '/openai/v1/responses'],
  ['/openai/deployments/gpt-4o/chat/completions', 'openai', 'chat_completion', 'gpt-4o', null, 'openai', '/openai/deployments/{model}/chat/completions'],
  ['/openai/openai/deployments/azure%2Fgpt-4o/embeddings', 'openai', 'embedding', 'azure/gpt-4o', null, 'openai', '/openai/deployments/{model}/embeddings'],
  ['/openai/deployments/azure/gpt-4o/chat/completions', 'openai', 'chat_completion', 'azure/gpt-4o', null, 'openai', '/openai/deployments/{model}/chat/completions'],
  ['/openai/openai/deployments/openrouter/meta/llama/completions', 'openai', 'text_completion', 'openrouter/meta/llama', null, 'openai', '/openai/deployments/{model}/completions'],
  ['/litellm/v1/chat/completions', 'openai', 'chat_completion', null, null, null, '/litellm/v1/chat/completions'],
  ['/langchain/anthropic/v1/messages', 'anthropic', 'chat_completion', null, null, 'anthropic', '/langchain/anthropic/v1/messages'],
  ['/v1/messages', 'anthropic', 'chat_completion', null, null, 'anthropic', '/v1/messages'],
  ['/anthropic/v1/messages/count_tokens', 'anthropic', 'count_tokens', null, null, 'anthropic', '/anthropic/v1/messages/count_tokens'],
  ['/genai/v1beta/models/gemini-2.5-pro:generateContent', 'gemini', 'chat_completion', 'gemini-2.5-pro', false, 'gemini', '/genai/models/{model}:generateContent'],
  ['/v1/models/gemini-3-pro:streamGenerateContent', 'gemini', 'chat_completion', 'gemini-3-pro', true, 'gemini', '/models/{model}:streamGenerateContent'],
  ['/v1beta/models/openai/gpt-4o:generateContent', 'gemini', 'chat_completion', 'openai/gpt-4o', false, 'gemini', '/models/{model}:generateContent'],
  ['/v1beta1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash:countTokens', 'gemini', 'count_tokens', 'gemini-2.5-flash', false, 'gemini', '/models/{model}:countTokens'],
  ['/v1beta1/publishers/google/models/gemini-2.5-flash:batchEmbedContents', 'gemini', 'embedding', 'gemini-2.5-flash', false, 'gemini', '/models/{model}:batchEmbedContents'],
  ['/bedrock/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse', 'bedrock', 'chat_completion', 'anthropic.claude-3-haiku-20240307-v1:0', false, 'bedrock', '/bedrock/model/{model}/converse'],
  ['/model/us.amazon.nova-pro-v1:0/converse-stream', 'bedrock', 'chat_completion', 'us.amazon.nova-pro-v1:0', true, 'bedrock', '/model/{model}/converse-stream'],
  ['/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse', 'bedrock', 'chat_completion', 'arn:aws:bedrock:us-east-1:1:inference-profile/x', false, 'bedrock', '/model/{model}/converse'],
  ['/model/us.anthropic.claude-sonnet-4-20250514-v1:0/invoke', 'invoke', 'chat_completion', 'us.anthropic.claude-sonnet-4-20250514-v1:0', false, 'bedrock', '/model/{model}/invoke'],
  ['/bedrock/model/openai%2Fgpt-4o/invoke-with-response-stream', 'invoke', 'chat_completion', 'openai/gpt-4o', true, 'bedrock', '/bedrock/model/{model}/invoke-with-response-stream'],
  ['/cohere/v2/chat', 'cohere', 'chat_completion', null, null, 'cohere', '/cohere/v2/chat'],
  ['/v2/embed', 'cohere', 'embedding', null, null, 'cohere', '/v2/embed'],
  ['/api/chat', 'ollama', 'chat_completion', null, null, 'ollama', '/api/chat'],
  ['/api/v1/chat/completions', 'openai', 'chat_completion', null, null, null, '/api/v1/chat/completions'],
  ['/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict', 'anthropic', 'chat_completion', 'claude-sonnet-4-5@20250929', false, 'vertex', '/models/{model}:rawPredict'],
  ['/v1beta1/projects/p/locations/global/publishers/anthropic/models/claude-opus-4-5:streamRawPredict', 'anthropic', 'chat_completion', 'claude-opus-4-5', true, 'vertex', '/models/{model}:streamRawPredict'],
  ['/v1/projects/p/locations/global/publishers/anthropic/models/count-tokens:rawPredict', 'anthropic', 'count_tokens', null, false, 'vertex', '/models/count-tokens:rawPredict'],
  ['/api/generate', 'ollama', 'text_completion', null, null, 'ollama', '/api/generate'],
  ['/v1/images/generations', 'openai', 'image_generation', null, null, null, '/v1/images/generations'],
  ['/openai/v1/images/edits', 'openai', 'image_edit', null, null, 'openai', '/openai/v1/images/edits'],
  ['/openai/images/variations', 'openai', 'image_variation', null, null, 'openai', '/openai/images/variations'],
  ['/openai/deployments/whisper/audio/transcriptions', 'openai', 'transcription', 'whisper', null, 'openai', '/openai/deployments/{model}/audio/transcriptions'],
  ['/v1/audio/translations', 'openai', 'translation', null, null, null, '/v1/audio/translations'],
  ['/litellm/v1/audio/speech', 'openai', 'speech', null, null, null, '/litellm/v1/audio/speech'],
  ['/v1/moderations', 'openai', 'moderation', null, null, null, '/v1/moderations']
]

for (const [path, dialect, operation, model, stream, defaultProvider, template] of rows) {
  test(`${path} is ${dialect}'s ${operation}`, () => {
    assert.deepEqual(findRoute(path), { dialect, operation, model, stream, defaultProvider, template, method: 'POST', resource: '', passthroughTo: null })
  })
}

test('what no SDK asks for is no route', () => {
  for (const path of [
    '/', '/v1', '/v1/chat', '/v1/chat/completions/', '//v1/chat/completions', '/V1/chat/completions', '/chat/completions', '/v1/models', '/v1/models/gpt-4o', '/v1/models/x:nothing',
    '/anthropic/v2/chat', '/cohere/v1/messages', '/bedrock/v1/chat/completions', '/openai/v1/messages', '/deployments/x/chat/completions', '/model/x/invoke-async', '/model//converse',
    '/api/config', '/api/providers', '/litellm', '/litellm/litellm/v1/chat/completions'
  ]) assert.equal(findRoute(path), null, path)
})

test('a model that is no valid percent-encoding is refused by name', () => {
  assert.throws(() => findRoute('/model/%zz/converse'), { code: 'BIFROST_INVALID_REQUEST', param: 'model', message: 'The model in the path is not valid percent-encoding: %zz.' })
})

test('a long path takes time in proportion to its length', () => {
  const path = `/v1beta/models/${'a/'.repeat(4_000)}`
  const startedMs = performance.now()
  for (let index = 0; index < 100; index++) assert.equal(findRoute(path), null)
  assert.ok(performance.now() - startedMs < 2_000)
})

// [path, has Anthropic's header, dialect, provider, by method: operation and what goes upstream after the root]
const resourceRows: readonly [string, boolean, string, string | null, Record<string, [string, string]>][] = [
  ['/v1/files', false, 'openai', null, { POST: ['file_upload', ''], GET: ['file_list', ''] }],
  ['/v1/files', true, 'anthropic', 'anthropic', { POST: ['file_upload', ''], GET: ['file_list', ''] }],
  ['/openai/files/file-abc', false, 'openai', 'openai', { GET: ['file_retrieve', '/file-abc'], DELETE: ['file_delete', '/file-abc'] }],
  ['/anthropic/v1/files/file_011/content', false, 'anthropic', 'anthropic', { GET: ['file_content', '/file_011/content'] }],
  ['/v1/batches', false, 'openai', null, { POST: ['batch_create', ''], GET: ['batch_list', ''] }],
  ['/litellm/openai/v1/batches/batch_1/cancel', false, 'openai', 'openai', { POST: ['batch_cancel', '/batch_1/cancel'] }],
  ['/v1/messages/batches', false, 'anthropic', 'anthropic', { POST: ['batch_create', ''], GET: ['batch_list', ''] }],
  ['/v1/messages/batches/msgbatch_1', true, 'anthropic', 'anthropic', { GET: ['batch_retrieve', '/msgbatch_1'], DELETE: ['batch_delete', '/msgbatch_1'] }],
  ['/v1/messages/batches/msgbatch_1/results', true, 'anthropic', 'anthropic', { GET: ['batch_results', '/msgbatch_1/results'] }]
]

for (const [path, isAnthropic, dialect, provider, byMethod] of resourceRows) {
  test(`${path}${isAnthropic ? ' with Anthropic\'s header' : ''} is about what ${dialect}'s clients keep`, () => {
    const routes = findResourceRoutes(path, isAnthropic)
    assert.deepEqual(Object.fromEntries(Object.entries(routes ?? {}).map(([method, route]) => [method, [route.operation, route.resource]])), byMethod)
    for (const [method, route] of Object.entries(routes ?? {})) assert.deepEqual([route.method, route.dialect, route.defaultProvider, route.model], [method, dialect, provider, ''])
  })
}

test('a path that leaves its root, or has more than an id and what is done with it, is about nothing', () => {
  for (const path of ['/v1/files/', '/v1/files/..', '/v1/files/a/b/c', '/v1/files/a%2Fb', '/v1/files/a/delete', '/v1/batches/x/results', '/v1/filesystem', '/cohere/v1/files', '/v1/files/a/toString', '/v1/messages/batches/a/content', '/files']) {
    assert.equal(findResourceRoutes(path, false), null, path)
  }
})

test('what goes through to a provider unread is inference, in whoever\'s words', () => {
  const passed = (path: string): unknown[] => {
    const { dialect, operation, model, passthroughTo, template } = findRoute(path) ?? {}
    return [dialect, operation, model, passthroughTo, template]
  }
  assert.deepEqual(passed('/openai_passthrough/v1/chat/completions'), ['openai', 'chat_completion', null, 'openai', '/{provider}_passthrough/v1/chat/completions'])
  assert.deepEqual(passed('/my-vllm_passthrough/v1/embeddings'), ['openai', 'embedding', null, 'my-vllm', '/{provider}_passthrough/v1/embeddings'])
  assert.deepEqual(passed('/anthropic_passthrough/v1/messages'), ['anthropic', 'chat_completion', null, 'anthropic', '/{provider}_passthrough/v1/messages'])
  assert.deepEqual(passed('/azure_passthrough/openai/deployments/gpt-4o/chat/completions'), ['openai', 'chat_completion', 'gpt-4o', 'azure', '/{provider}_passthrough/deployments/{model}/chat/completions'])
  assert.deepEqual(passed('/genai_passthrough/v1beta/models/gemini-2.5-pro:streamGenerateContent'), ['gemini', 'chat_completion', 'gemini-2.5-pro', 'gemini', '/{provider}_passthrough/models/{model}:streamGenerateContent'])
  assert.deepEqual(passed('/genai_passthrough/v1/projects/p/locations/l/publishers/google/models/g:generateContent').slice(0, 4), ['gemini', 'chat_completion', 'g', 'vertex'])
  assert.deepEqual(passed('/bedrock_passthrough/model/amazon.nova-pro-v1%3A0/converse').slice(0, 4), ['bedrock', 'chat_completion', 'amazon.nova-pro-v1:0', 'bedrock'])
})

test('nothing else does', () => {
  for (const path of ['/openai_passthrough/v1/files', '/openai_passthrough/v1/fine_tuning/jobs', '/openai_passthrough/', '/openai_passthrough/v1/../v1/chat/completions', '/anthropic_passthrough/v1/organizations/me', '/genai_passthrough/v1beta/cachedContents']) {
    assert.throws(() => findRoute(path), { code: 'BIFROST_PASSTHROUGH_REFUSED', status: 403 }, path)
  }
})
