import OpenAI, { AzureOpenAI } from 'openai'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

const tools = [{ type: 'function' as const, function: { name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema } }]

/** The SDK puts the deployment into the path as it is, so the slash of `provider/model` is encoded here. */
function clientOf ({ url }: Endpoint, model: string): AzureOpenAI {
  return new AzureOpenAI({ apiKey: 'client-key', endpoint: url, deployment: encodeURIComponent(model), apiVersion: '2024-10-21', maxRetries: 0 })
}

const chatOf = (endpoint: Endpoint): OpenAI.Chat.Completions => clientOf(endpoint, endpoint.model).chat.completions
const ask = (content: string): { role: 'user', content: string }[] => [{ role: 'user', content }]

/** The class for Azure OpenAI of OpenAI's SDK, in the form with deployments. */
export const azureClient: SdkClient = {
  name: 'openai azure',
  run: {
    async text (endpoint) {
      const { choices, usage } = await chatOf(endpoint).create({ model: endpoint.model, messages: ask(questions.hello) })
      return { text: choices[0]?.message.content ?? '', usage: toUsage(usage) }
    },
    // Without the helper, which the client `openai` uses: the bare iteration is what most programs do.
    async stream (endpoint) {
      const stream = await chatOf(endpoint).create({ model: endpoint.model, messages: ask(questions.hello), stream: true, stream_options: { include_usage: true } })
      let text = ''
      let pieces = 0
      let usage: OpenAI.CompletionUsage | null | undefined
      for await (const chunk of stream) {
        const content = chunk.choices[0]?.delta.content ?? ''
        text += content
        if (content !== '') pieces++
        usage = chunk.usage ?? usage
      }
      return { text, pieces, usage: toUsage(usage) }
    },
    async tools (endpoint) {
      const { choices } = await chatOf(endpoint).create({ model: endpoint.model, messages: ask(questions.weather), tools })
      if (choices[0]?.finish_reason !== 'tool_calls') throw new Error(`finish_reason is ${String(choices[0]?.finish_reason)}`)
      return { toolCalls: (choices[0].message.tool_calls ?? []).map(toCall) }
    },
    async 'tool stream' (endpoint) {
      const { choices } = await chatOf(endpoint).stream({ model: endpoint.model, messages: ask(questions.weather), tools }).finalChatCompletion()
      return { toolCalls: (choices[0]?.message.tool_calls ?? []).map(toCall) }
    },
    async 'tool results' (endpoint) {
      const first = await chatOf(endpoint).create({ model: endpoint.model, messages: ask(questions.weather), tools })
      const message = first.choices[0]?.message as OpenAI.Chat.ChatCompletionMessage
      const { choices } = await chatOf(endpoint).create({
        model: endpoint.model, tools, messages: [...ask(questions.weather), message, { role: 'tool', tool_call_id: message.tool_calls?.[0]?.id ?? '', content: expected.toolResult }]
      })
      return { text: choices[0]?.message.content ?? '' }
    },
    async structured (endpoint) {
      const { choices } = await chatOf(endpoint).parse({ model: endpoint.model, messages: ask(questions.structured), response_format: { type: 'json_schema', json_schema: { name: 'weather', schema: answerSchema, strict: true } } })
      return { structured: choices[0]?.message.parsed ?? JSON.parse(choices[0]?.message.content ?? '') as unknown }
    },
    async embeddings (endpoint) {
      const { data } = await clientOf(endpoint, endpoint.embeddingModel).embeddings.create({ model: endpoint.embeddingModel, input: [...expected.embeddingInputs] })
      return { embeddings: data.map(({ embedding }) => embedding) }
    },
    async errors (endpoint) {
      try {
        await chatOf(endpoint).create({ model: endpoint.model, messages: ask(questions.fail) })
      } catch (error) {
        if (!(error instanceof OpenAI.RateLimitError)) throw error
        return { error: { status: error.status, message: error.message } }
      }
      return {}
    }
  }
}

function toUsage (usage: OpenAI.CompletionUsage | null | undefined): { inputTokens: number, outputTokens: number } {
  return { inputTokens: usage?.prompt_tokens ?? 0, outputTokens: usage?.completion_tokens ?? 0 }
}

function toCall (call: OpenAI.Chat.ChatCompletionMessageToolCall): { name: string, arguments: unknown } {
  if (call.type !== 'function') throw new Error(`a tool call of type ${call.type}`)
  return { name: call.function.name, arguments: JSON.parse(call.function.arguments) as unknown }
}
