import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startTestGateway } from '../../helpers/gateway.ts'
import { features } from './cells.ts'
import type { Feature, SdkClient } from './cells.ts'
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
import { openAiClient } from './clients/openai.ts'
import { openAiResponsesClient } from './clients/openai-responses.ts'
import { reasonOf } from './exceptions.ts'
import type { FakeProvider } from './fake-provider.ts'
import type { FakeServer } from './fake-server.ts'
import { anthropicProvider } from './providers/anthropic.ts'
import { azureProvider } from './providers/azure.ts'
import { bedrockProvider } from './providers/bedrock.ts'
import { cohereProvider } from './providers/cohere.ts'
import { geminiProvider } from './providers/gemini.ts'
import { mistralProvider } from './providers/mistral.ts'
import { ollamaProvider } from './providers/ollama.ts'
import { openAiProvider } from './providers/openai.ts'
import { vertexProvider } from './providers/vertex.ts'
import { wanted } from './wanted.ts'

const clients: readonly SdkClient[] = [
  openAiClient, openAiResponsesClient, azureClient, anthropicClient, googleClient, bedrockClient, bedrockInvokeClient, cohereClient, mistralClient, ollamaClient, aiOpenAiClient, aiAnthropicClient, langchainClient
]
/** Ollama's two APIs are asked in gateways of their own, since its name is one provider. */
const nativeOllama: FakeProvider = {
  ...ollamaProvider,
  title: 'ollama, native',
  toConfig: (server) => ({ ...ollamaProvider.toConfig(server), keys: [{ name: 'native', value: '', models: ['*'], ollama_key_config: { url: server.url, native: true } }] })
}
const providers: readonly FakeProvider[] = [
  openAiProvider, azureProvider, anthropicProvider, bedrockProvider, geminiProvider, vertexProvider, cohereProvider, mistralProvider, ollamaProvider, nativeOllama
]

/** Vendors' own SDKs, unmodified, to every provider through a gateway. The table at the end says what was seen. */
const results = new Map<string, Partial<Record<Feature, string>>>()

for (const provider of providers) {
  const server: FakeServer = await provider.start({ after })
  const gateway = await startTestGateway({ after }, { providers: { [provider.name]: provider.toConfig(server) } })
  const title = provider.title ?? provider.name
  for (const client of clients) {
    describe(`${client.name} to ${title}`, () => {
      const row: Partial<Record<Feature, string>> = {}
      results.set(`${client.name} | ${title}`, row)
      for (const feature of features) {
        const run = client.run[feature]
        const reason = run === undefined ? '-' : provider.lacks.includes(feature) ? 'not offered' : reasonOf(client.name, title, feature)
        row[feature] = reason ?? 'FAIL'
        if (run === undefined || reason !== null) continue
        test(feature, async () => {
          server.problems.length = 0
          const answer = await run({ url: gateway.url, model: `${provider.name}/${provider.model}`, embeddingModel: `${provider.name}/${provider.embeddingModel}` })
          assert.deepEqual(server.problems, [])
          wanted[feature](answer)
          row[feature] = 'ok'
        })
      }
    })
  }
}

after(() => {
  console.log(`| SDK | provider | ${features.join(' | ')} |\n|${'---|'.repeat(features.length + 2)}`)
  for (const [name, row] of results) console.log(`| ${name} | ${features.map((feature) => row[feature]).join(' | ')} |`)
})
