import OpenAI from 'openai'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

const tools = [{ type: 'function' as const, function: { name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema } }]

function clientOf ({ url }: Endpoint): OpenAI {
  return new OpenAI({ apiKey: 'client-key', baseURL: `${url}/v1`, maxRetries: 0 })
}

const ask = (content: string): { role: 'user', content: string }[] => [{ role: 'user', content }]

export const openAiClient: SdkClient = {
  name: 'openai',
  run: {
    async text (endpoint) {
      const { choices, usage } = await clientOf(endpoint).chat.completions.create({ model: endpoint.model, messages: ask(questions.hello) })
      return { text: choices[0]?.message.content ?? '', usage: { inputTokens: usage?.prompt_tokens ?? 0, outputTokens: usage?.completion_tokens ?? 0 } }
    },
    async stream (endpoint) {
      const stream = clientOf(endpoint).chat.completions.stream({ model: endpoint.model, messages: ask(questions.hello), stream_options: { include_usage: true } })
      let pieces = 0
      stream.on('content', () => { pieces++ })
      const { choices, usage } = await stream.finalChatCompletion()
      return { text: choices[0]?.message.content ?? '', pieces, usage: { inputTokens: usage?.prompt_tokens ?? 0, outputTokens: usage?.completion_tokens ?? 0 } }
    },
    async tools (endpoint) {
      const { choices } = await clientOf(endpoint).chat.completions.create({ model: endpoint.model, messages: ask(questions.weather), tools })
      if (choices[0]?.finish_reason !== 'tool_calls') throw new Error(`finish_reason is ${String(choices[0]?.finish_reason)}`)
      return { toolCalls: (choices[0].message.tool_calls ?? []).map(toCall) }
    },
    async 'tool stream' (endpoint) {
      const stream = clientOf(endpoint).chat.completions.stream({ model: endpoint.model, messages: ask(questions.weather), tools })
      const { choices } = await stream.finalChatCompletion()
      return { toolCalls: (choices[0]?.message.tool_calls ?? []).map(toCall) }
    },
    async 'tool results' (endpoint) {
      const client = clientOf(endpoint)
      const first = await client.chat.completions.create({ model: endpoint.model, messages: ask(questions.weather), tools })
      const message = first.choices[0]?.message as OpenAI.Chat.ChatCompletionMessage
      const { choices } = await client.chat.completions.create({
        model: endpoint.model, tools, messages: [...ask(questions.weather), message, { role: 'tool', tool_call_id: message.tool_calls?.[0]?.id ?? '', content: expected.toolResult }]
      })
      return { text: choices[0]?.message.content ?? '' }
    },
    async structured (endpoint) {
      const { choices } = await clientOf(endpoint).chat.completions.create({ model: endpoint.model, messages: ask(questions.structured), response_format: { type: 'json_schema', json_schema: { name: 'weather', schema: answerSchema, strict: true } } })
      return { structured: JSON.parse(choices[0]?.message.content ?? '') as unknown }
    },
    async embeddings (endpoint) {
      const { data } = await clientOf(endpoint).embeddings.create({ model: endpoint.embeddingModel, input: [...expected.embeddingInputs] })
      return { embeddings: data.map(({ embedding }) => embedding) }
    },
    async errors (endpoint) {
      try {
        await clientOf(endpoint).chat.completions.create({ model: endpoint.model, messages: ask(questions.fail) })
      } catch (error) {
        if (!(error instanceof OpenAI.RateLimitError)) throw error
        return { error: { status: error.status, message: error.message } }
      }
      return {}
    }
  }
}

function toCall (call: OpenAI.Chat.ChatCompletionMessageToolCall): { name: string, arguments: unknown } {
  if (call.type !== 'function') throw new Error(`a tool call of type ${call.type}`)
  return { name: call.function.name, arguments: JSON.parse(call.function.arguments) as unknown }
}
