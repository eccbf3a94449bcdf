import { createAnthropic } from '@ai-sdk/anthropic'
import { createAiClient } from './ai.ts'

/** Anthropic has no embeddings. */
export const aiAnthropicClient = createAiClient({
  name: 'ai anthropic',
  model: ({ url, model }) => createAnthropic({ apiKey: 'client-key', baseURL: `${url}/v1` })(model),
  // By itself the package asks models whose names it does not know through a forced tool.
  providerOptions: { anthropic: { structuredOutputMode: 'outputFormat' } }
})
