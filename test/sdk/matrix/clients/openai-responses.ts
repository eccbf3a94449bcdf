import OpenAI from 'openai'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

const tools = [{ type: 'function' as const, name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema, strict: true }]

function responsesOf ({ url }: Endpoint): OpenAI.Responses {
  return new OpenAI({ apiKey: 'client-key', baseURL: `${url}/v1`, maxRetries: 0 }).responses
}

/** The Responses API of OpenAI's SDK. It has no embeddings; those of the same SDK are the cell of `openai`. */
export const openAiResponsesClient: SdkClient = {
  name: 'openai responses',
  run: {
    async text (endpoint) {
      const { output_text: text, usage } = await responsesOf(endpoint).create({ model: endpoint.model, input: questions.hello })
      return { text, usage: toUsage(usage) }
    },
    async stream (endpoint) {
      const stream = responsesOf(endpoint).stream({ model: endpoint.model, input: questions.hello })
      let pieces = 0
      stream.on('response.output_text.delta', () => { pieces++ })
      const { output_text: text, usage } = await stream.finalResponse()
      return { text, pieces, usage: toUsage(usage) }
    },
    async tools (endpoint) {
      const { output } = await responsesOf(endpoint).create({ model: endpoint.model, input: questions.weather, tools })
      return { toolCalls: toCalls(output) }
    },
    async 'tool stream' (endpoint) {
      const { output } = await responsesOf(endpoint).stream({ model: endpoint.model, input: questions.weather, tools }).finalResponse()
      return { toolCalls: toCalls(output) }
    },
    async 'tool results' (endpoint) {
      const responses = responsesOf(endpoint)
      const question = { role: 'user' as const, content: questions.weather }
      const { output } = await responses.create({ model: endpoint.model, input: [question], tools })
      const call = output.find(({ type }) => type === 'function_call') as OpenAI.Responses.ResponseFunctionToolCall
      // What the answer held goes back as it came, as OpenAI's guide does it for a conversation without a stored response.
      const { output_text: text } = await responses.create({
        model: endpoint.model, tools, input: [question, ...output as OpenAI.Responses.ResponseInputItem[], { type: 'function_call_output', call_id: call.call_id, output: expected.toolResult }]
      })
      return { text }
    },
    async structured (endpoint) {
      const { output_text: text } = await responsesOf(endpoint).create({ model: endpoint.model, input: questions.structured, text: { format: { type: 'json_schema', name: 'weather', schema: answerSchema, strict: true } } })
      return { structured: JSON.parse(text) as unknown }
    },
    async errors (endpoint) {
      try {
        await responsesOf(endpoint).create({ model: endpoint.model, input: questions.fail })
      } catch (error) {
        if (!(error instanceof OpenAI.RateLimitError)) throw error
        return { error: { status: error.status, message: error.message } }
      }
      return {}
    }
  }
}

function toUsage (usage: OpenAI.Responses.ResponseUsage | undefined): { inputTokens: number, outputTokens: number } {
  return { inputTokens: usage?.input_tokens ?? 0, outputTokens: usage?.output_tokens ?? 0 }
}

function toCalls (output: readonly OpenAI.Responses.ResponseOutputItem[]): { name: string, arguments: unknown }[] {
  return output.flatMap((item) => item.type === 'function_call' ? [{ name: item.name, arguments: JSON.parse(item.arguments) as unknown }] : [])
}
