import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findRoute } from '../../src/transport/routes.ts'

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
  ['/cohere/v2/chat', 'cohere', 'chat_completion', null, null, 'cohere', '/cohere/v2/chat'],
  ['/v2/embed', 'cohere', 'embedding', null, null, 'cohere', '/v2/embed'],
  ['/api/chat', 'ollama', 'chat_completion', null, null, 'ollama', '/api/chat'],
  ['/api/v1/chat/completions', 'openai', 'chat_completion', null, null, null, '/api/v1/chat/completions']
]

for (const [path, dialect, operation, model, stream, defaultProvider, template] of rows) {
  test(`${path} is ${dialect}'s ${operation}`, () => {
    assert.deepEqual(findRoute(path), { dialect, operation, model, stream, defaultProvider, template })
  })
}

test('what no SDK asks for is no route', () => {
  for (const path of [
    '/', '/v1', '/v1/chat', '/v1/chat/completions/', '//v1/chat/completions', '/V1/chat/completions', '/chat/completions', '/v1/models', '/v1/models/gpt-4o', '/v1/models/x:nothing',
    '/anthropic/v2/chat', '/cohere/v1/messages', '/bedrock/v1/chat/completions', '/openai/v1/messages', '/deployments/x/chat/completions', '/model/x/invoke', '/model//converse',
    '/api/config', '/api/providers', '/litellm', '/litellm/litellm/v1/chat/completions', '/openai/deployments/a/b/chat/completions'
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
