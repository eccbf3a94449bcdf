import { createOpenAI } from '@ai-sdk/openai'
import type { OpenAIProvider } from '@ai-sdk/openai'
import type { Endpoint } from '../cells.ts'
import { createAiClient } from './ai.ts'

function vendorOf ({ url }: Endpoint): OpenAIProvider {
  return createOpenAI({ apiKey: 'client-key', baseURL: `${url}/v1` })
}

/** Chat completions; the package's default is the Responses API. */
export const aiOpenAiClient = createAiClient({
  name: 'ai openai',
  model: (endpoint) => vendorOf(endpoint).chat(endpoint.model),
  embeddingModel: (endpoint) => vendorOf(endpoint).embeddingModel(endpoint.embeddingModel)
})
