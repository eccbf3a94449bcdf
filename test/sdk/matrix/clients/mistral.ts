import { Mistral } from '@mistralai/mistralai'
import type { AssistantMessage, DeltaMessage, Tool, ToolCall, UsageInfo } from '@mistralai/mistralai/models/components'
import { MistralError } from '@mistralai/mistralai/models/errors'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

const tools: (Tool & { type: 'function' })[] = [{ type: 'function', function: { name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema } }]

function clientOf ({ url }: Endpoint): Mistral {
  return new Mistral({ apiKey: 'client-key', serverURL: url, retryConfig: { strategy: 'none' } })
}

const ask = (content: string): { role: 'user', content: string }[] => [{ role: 'user', content }]

/** The SDK checks every answer against its own schema: each piece of a streamed tool call must repeat the name of its function, which OpenAI's do not. */
export const mistralClient: SdkClient = {
  name: 'mistral',
  run: {
    async text (endpoint) {
      const { choices, usage } = await clientOf(endpoint).chat.complete({ model: endpoint.model, messages: ask(questions.hello) })
      return { text: toText(choices[0]?.message), usage: toUsage(usage) }
    },
    async stream (endpoint) {
      const answer = { text: '', pieces: 0, usage: toUsage(undefined) }
      for await (const { data } of await clientOf(endpoint).chat.stream({ model: endpoint.model, messages: ask(questions.hello) })) {
        const text = toText(data.choices[0]?.delta)
        answer.text += text
        if (text !== '') answer.pieces++
        if (data.usage !== undefined) answer.usage = toUsage(data.usage)
      }
      return answer
    },
    async tools (endpoint) {
      const { choices } = await clientOf(endpoint).chat.complete({ model: endpoint.model, messages: ask(questions.weather), tools })
      if (choices[0]?.finishReason !== 'tool_calls') throw new Error(`finishReason is ${String(choices[0]?.finishReason)}`)
      return { toolCalls: (choices[0].message?.toolCalls ?? []).map(toCall) }
    },
    async 'tool stream' (endpoint) {
      const calls: ToolCall[] = []
      for await (const { data } of await clientOf(endpoint).chat.stream({ model: endpoint.model, messages: ask(questions.weather), tools })) {
        for (const piece of data.choices[0]?.delta.toolCalls ?? []) {
          const begun = calls[piece.index ?? 0]
          if (begun === undefined) calls[piece.index ?? 0] = piece
          else begun.function.arguments = `${String(begun.function.arguments)}${String(piece.function.arguments)}`
        }
      }
      return { toolCalls: calls.map(toCall) }
    },
    async 'tool results' (endpoint) {
      const client = clientOf(endpoint)
      const first = await client.chat.complete({ model: endpoint.model, messages: ask(questions.weather), tools })
      const message = first.choices[0]?.message as AssistantMessage
      const call = message.toolCalls?.[0]
      const { choices } = await client.chat.complete({
        model: endpoint.model,
        tools,
        messages: [...ask(questions.weather), { ...message, role: 'assistant' }, { role: 'tool', toolCallId: call?.id, name: call?.function.name, content: expected.toolResult }]
      })
      return { text: toText(choices[0]?.message) }
    },
    async structured (endpoint) {
      const { choices } = await clientOf(endpoint).chat.complete({
        model: endpoint.model, messages: ask(questions.structured), responseFormat: { type: 'json_schema', jsonSchema: { name: 'weather', schemaDefinition: answerSchema, strict: true } }
      })
      return { structured: JSON.parse(toText(choices[0]?.message)) as unknown }
    },
    async embeddings (endpoint) {
      const { data } = await clientOf(endpoint).embeddings.create({ model: endpoint.embeddingModel, inputs: [...expected.embeddingInputs] })
      return { embeddings: data.map(({ embedding }) => embedding ?? []) }
    },
    async errors (endpoint) {
      try {
        await clientOf(endpoint).chat.complete({ model: endpoint.model, messages: ask(questions.fail) })
      } catch (error) {
        if (!(error instanceof MistralError)) throw error
        return { error: { status: error.statusCode, message: error.message } }
      }
      return {}
    }
  }
}

function toUsage (usage: UsageInfo | undefined): { inputTokens: number, outputTokens: number } {
  return { inputTokens: usage?.promptTokens ?? 0, outputTokens: usage?.completionTokens ?? 0 }
}

function toText (message: AssistantMessage | DeltaMessage | undefined): string {
  const content = message?.content ?? ''
  return typeof content === 'string' ? content : content.map((chunk) => 'text' in chunk ? String(chunk.text) : '').join('')
}

function toCall ({ function: { name, arguments: said } }: ToolCall): { name: string, arguments: unknown } {
  return { name, arguments: typeof said === 'string' ? JSON.parse(said) as unknown : said }
}
