import { ApiError, FinishReason, GoogleGenAI } from '@google/genai'
import type { Content, GenerateContentResponse, GenerateContentResponseUsageMetadata } from '@google/genai'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

const tools = [{ functionDeclarations: [{ name: expected.toolName, description: 'The weather of a city.', parametersJsonSchema: weatherSchema }] }]

/** The SDK puts `provider/model` into the path as it is, slash included. */
function modelsOf ({ url }: Endpoint): GoogleGenAI['models'] {
  return new GoogleGenAI({ apiKey: 'client-key', httpOptions: { baseUrl: `${url}/genai`, retryOptions: { attempts: 1 } } }).models
}

export const googleClient: SdkClient = {
  name: 'google genai',
  run: {
    async text (endpoint) {
      const response = await modelsOf(endpoint).generateContent({ model: endpoint.model, contents: questions.hello })
      if (response.candidates?.[0]?.finishReason !== FinishReason.STOP) throw new Error(`finishReason is ${String(response.candidates?.[0]?.finishReason)}`)
      return { text: response.text ?? '', usage: toUsage(response.usageMetadata) }
    },
    async stream (endpoint) {
      let text = ''
      let pieces = 0
      let usage: GenerateContentResponseUsageMetadata | undefined
      for await (const part of await modelsOf(endpoint).generateContentStream({ model: endpoint.model, contents: questions.hello })) {
        text += part.text ?? ''
        if ((part.text ?? '') !== '') pieces++
        usage = part.usageMetadata ?? usage
      }
      return { text, pieces, usage: toUsage(usage) }
    },
    async tools (endpoint) {
      return { toolCalls: toCalls(await modelsOf(endpoint).generateContent({ model: endpoint.model, contents: questions.weather, config: { tools } })) }
    },
    async 'tool stream' (endpoint) {
      const toolCalls: { name: string, arguments: unknown }[] = []
      for await (const part of await modelsOf(endpoint).generateContentStream({ model: endpoint.model, contents: questions.weather, config: { tools } })) toolCalls.push(...toCalls(part))
      return { toolCalls }
    },
    async 'tool results' (endpoint) {
      const models = modelsOf(endpoint)
      const question: Content = { role: 'user', parts: [{ text: questions.weather }] }
      const first = await models.generateContent({ model: endpoint.model, contents: [question], config: { tools } })
      const call = first.functionCalls?.[0]
      const response = await models.generateContent({
        model: endpoint.model,
        config: { tools },
        contents: [
          question,
          first.candidates?.[0]?.content as Content,
          { role: 'user', parts: [{ functionResponse: { ...call?.id === undefined ? {} : { id: call.id }, name: call?.name ?? '', response: JSON.parse(expected.toolResult) as Record<string, unknown> } }] }
        ]
      })
      return { text: response.text ?? '' }
    },
    async structured (endpoint) {
      const { text } = await modelsOf(endpoint).generateContent({ model: endpoint.model, contents: questions.structured, config: { responseMimeType: 'application/json', responseJsonSchema: answerSchema } })
      return { structured: JSON.parse(text ?? '') as unknown }
    },
    async embeddings (endpoint) {
      const { embeddings } = await modelsOf(endpoint).embedContent({ model: endpoint.embeddingModel, contents: [...expected.embeddingInputs] })
      return { embeddings: (embeddings ?? []).map(({ values }) => values ?? []) }
    },
    async errors (endpoint) {
      try {
        await modelsOf(endpoint).generateContent({ model: endpoint.model, contents: questions.fail })
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return { error: { status: error.status, message: error.message } }
      }
      return {}
    }
  }
}

function toUsage (usage: GenerateContentResponseUsageMetadata | undefined): { inputTokens: number, outputTokens: number } {
  return { inputTokens: usage?.promptTokenCount ?? 0, outputTokens: usage?.candidatesTokenCount ?? 0 }
}

function toCalls ({ functionCalls = [] }: GenerateContentResponse): { name: string, arguments: unknown }[] {
  return functionCalls.map(({ name, args }) => ({ name: name ?? '', arguments: args }))
}
