import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { answerAsAnthropic } from './canned/anthropic.ts'
import { models } from './canned/asked.ts'
import { answerAsBedrock } from './canned/bedrock.ts'
import { answerAsBedrockInvoke } from './canned/bedrock-invoke.ts'
import { answerAsCohere } from './canned/cohere.ts'
import { answerAsGemini } from './canned/gemini.ts'
import { answerAsOllama } from './canned/ollama.ts'
import { answerAsOpenAi } from './canned/openai.ts'
import { answerAsResponses } from './canned/responses.ts'
import { features } from './cells.ts'
import type { Answer, Feature, SdkClient } from './cells.ts'
import { aiAnthropicClient } from './clients/ai-anthropic.ts'
import { aiOpenAiClient } from './clients/ai-openai.ts'
import { anthropicClient } from './clients/anthropic.ts'
import { azureClient } from './clients/azure.ts'
import { bedrockClient } from './clients/bedrock.ts'
import { bedrockInvokeClient } from './clients/bedrock-invoke.ts'
import { cohereClient } from './clients/cohere.ts'
import { googleClient } from './clients/google.ts'
import { langchainClient } from './clients/langchain.ts'
import { mistralClient } from './clients/mistral.ts'
import { ollamaClient } from './clients/ollama.ts'
import { openAiResponsesClient } from './clients/openai-responses.ts'
import { openAiClient } from './clients/openai.ts'
import { startFakeServer } from './fake-server.ts'
import type { FakeAnswer, FakeRequest } from './fake-server.ts'
import { wanted } from './wanted.ts'

const openAi = { chatPath: '/v1/chat/completions', embeddingsPath: '/v1/embeddings', key: ['authorization', 'Bearer client-key'], callId: 'call_Paris1', isMistral: false } as const
const azurePath = (model: string, operation: string): string => `/openai/deployments/${encodeURIComponent(model)}/${operation}?api-version=2024-10-21`

/** `lacks` pins what an SDK has no call for: a feature that a client loses later turns this red. */
const rows: readonly { client: SdkClient, answer: (request: FakeRequest) => FakeAnswer, lacks?: readonly Feature[] }[] = [
  { client: openAiClient, answer: answerAsOpenAi(openAi) },
  { client: openAiResponsesClient, answer: answerAsResponses, lacks: ['embeddings'] },
  { client: azureClient, answer: answerAsOpenAi({ ...openAi, key: ['api-key', 'client-key'], chatPath: azurePath(models.model, 'chat/completions'), embeddingsPath: azurePath(models.embeddingModel, 'embeddings') }) },
  { client: anthropicClient, answer: answerAsAnthropic(['authorization', 'Bearer client-key'], '2026-10-21'), lacks: ['embeddings'] },
  { client: googleClient, answer: answerAsGemini },
  { client: bedrockClient, answer: answerAsBedrock, lacks: ['embeddings'] },
  { client: bedrockInvokeClient, answer: answerAsBedrockInvoke },
  { client: cohereClient, answer: answerAsCohere },
  { client: mistralClient, answer: answerAsOpenAi({ ...openAi, callId: 'g6fVbXS8K', isMistral: true }) },
  { client: ollamaClient, answer: answerAsOllama },
  { client: aiOpenAiClient, answer: answerAsOpenAi(openAi) },
  { client: aiAnthropicClient, answer: answerAsAnthropic(['x-api-key', 'client-key'], '2023-06-01'), lacks: ['embeddings'] },
  { client: langchainClient, answer: answerAsOpenAi(openAi) }
]

/** Every client against its own vendor's format, without a gateway between: what fails in the matrix and passes here is the gateway's. */
for (const { client, answer, lacks = [] } of rows) {
  const server = await startFakeServer({ after }, answer)
  describe(`${client.name} to its own vendor`, () => {
    test('it asks for everything that its SDK offers', () => {
      assert.deepEqual(features.filter((feature) => client.run[feature] === undefined), lacks)
    })
    for (const feature of features) {
      const run = client.run[feature]
      if (run === undefined) continue
      test(feature, async () => {
        server.problems.length = 0
        server.requests.length = 0
        const said = await run({ url: server.url, ...models }).catch((error: unknown) => { throw new Error(`${String(error)}; the server: ${server.problems.join('; ')}`, { cause: error }) })
        assert.deepEqual(server.problems, [])
        wanted[feature](said)
        assert.equal(server.requests.length, feature === 'tool results' ? 2 : 1, 'no SDK retries here')
      })
    }
  })
}

/** What a gateway that hands on OpenAI's answers and Mistral's requests as they are cannot serve; each is the SDK's own doing. */
describe("Mistral's SDK and OpenAI's own format", () => {
  test('it refuses pieces of a tool call that do not repeat the name', async (t) => {
    const { url } = await startFakeServer(t, answerAsOpenAi(openAi))
    await assert.rejects(mistralClient.run['tool stream']?.({ url, ...models }) as Promise<Answer>, /"name"/)
  })

  test('it refuses embeddings without an id', async (t) => {
    const { url } = await startFakeServer(t, answerAsOpenAi(openAi))
    await assert.rejects(mistralClient.run.embeddings?.({ url, ...models }) as Promise<Answer>, /Response validation failed/)
  })

  test('it cannot ask for the usage of a stream', async (t) => {
    const { url, requests } = await startFakeServer(t, answerAsOpenAi(openAi))
    const said = await mistralClient.run.stream?.({ url, ...models })
    assert.deepEqual(said?.usage, { inputTokens: 0, outputTokens: 0 })
    assert.equal(requests[0]?.body['stream_options'], undefined)
  })

  test('it sends members of messages and calls that OpenAI does not know', async (t) => {
    const { url, requests } = await startFakeServer(t, answerAsOpenAi(openAi))
    await mistralClient.run['tool results']?.({ url, ...models })
    const [, message] = requests[1]?.body['messages'] as [unknown, { prefix?: boolean, tool_calls: { index?: number }[] }]
    assert.equal(message.prefix, false)
    assert.equal(message.tool_calls[0]?.index, 0)
  })
})
