import { CohereClientV2, CohereError } from 'cohere-ai'
import type { Cohere } from 'cohere-ai'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

const tools: Cohere.ToolV2[] = [{ type: 'function', function: { name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema } }]

function clientOf ({ url }: Endpoint): CohereClientV2 {
  return new CohereClientV2({ token: 'client-key', environment: `${url}/cohere`, maxRetries: 0 })
}

const ask = (content: string): Cohere.ChatMessageV2.User[] => [{ role: 'user', content }]

export const cohereClient: SdkClient = {
  name: 'cohere',
  run: {
    async text (endpoint) {
      const { message, usage, finishReason } = await clientOf(endpoint).chat({ model: endpoint.model, messages: ask(questions.hello) })
      if (finishReason !== 'COMPLETE') throw new Error(`finishReason is ${finishReason}`)
      return { text: toText(message), usage: toUsage(usage) }
    },
    async stream (endpoint) {
      const answer = { text: '', pieces: 0, usage: toUsage(undefined) }
      for await (const event of await clientOf(endpoint).chatStream({ model: endpoint.model, messages: ask(questions.hello) })) {
        if (event.type === 'content-delta') {
          answer.text += event.delta?.message?.content?.text ?? ''
          answer.pieces++
        } else if (event.type === 'message-end') {
          answer.usage = toUsage(event.delta?.usage)
        }
      }
      return answer
    },
    async tools (endpoint) {
      const { message, finishReason } = await clientOf(endpoint).chat({ model: endpoint.model, messages: ask(questions.weather), tools })
      if (finishReason !== 'TOOL_CALL') throw new Error(`finishReason is ${finishReason}`)
      return { toolCalls: (message.toolCalls ?? []).map(({ function: call }) => ({ name: call?.name ?? '', arguments: JSON.parse(call?.arguments ?? '') as unknown })) }
    },
    async 'tool stream' (endpoint) {
      const calls: { name: string, arguments: string }[] = []
      for await (const event of await clientOf(endpoint).chatStream({ model: endpoint.model, messages: ask(questions.weather), tools })) {
        if (event.type === 'tool-call-start') {
          const call = event.delta?.message?.toolCalls?.function
          calls[event.index ?? 0] = { name: call?.name ?? '', arguments: call?.arguments ?? '' }
        } else if (event.type === 'tool-call-delta') {
          const call = calls[event.index ?? 0]
          if (call === undefined) throw new Error('a tool call continues that has not begun')
          call.arguments += event.delta?.message?.toolCalls?.function?.arguments ?? ''
        }
      }
      return { toolCalls: calls.map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) as unknown })) }
    },
    async 'tool results' (endpoint) {
      const client = clientOf(endpoint)
      const { message: { toolCalls = [], toolPlan } } = await client.chat({ model: endpoint.model, messages: ask(questions.weather), tools })
      const { message } = await client.chat({
        model: endpoint.model,
        tools,
        messages: [
          ...ask(questions.weather),
          { role: 'assistant', toolCalls, ...toolPlan === undefined ? {} : { toolPlan } },
          { role: 'tool', toolCallId: toolCalls[0]?.id ?? '', content: [{ type: 'document', document: { data: JSON.parse(expected.toolResult) as Record<string, unknown> } }] }
        ]
      })
      return { text: toText(message) }
    },
    async structured (endpoint) {
      const { message } = await clientOf(endpoint).chat({ model: endpoint.model, messages: ask(questions.structured), responseFormat: { type: 'json_object', jsonSchema: answerSchema } })
      return { structured: JSON.parse(toText(message)) as unknown }
    },
    async embeddings (endpoint) {
      const { embeddings } = await clientOf(endpoint).embed({ model: endpoint.embeddingModel, texts: [...expected.embeddingInputs], inputType: 'search_document', embeddingTypes: ['float'] })
      return { embeddings: embeddings.float ?? [] }
    },
    async errors (endpoint) {
      try {
        await clientOf(endpoint).chat({ model: endpoint.model, messages: ask(questions.fail) })
      } catch (error) {
        if (!(error instanceof CohereError)) throw error
        return { error: { status: error.statusCode ?? 0, message: error.message } }
      }
      return {}
    }
  }
}

function toUsage (usage: Cohere.Usage | undefined): { inputTokens: number, outputTokens: number } {
  return { inputTokens: usage?.tokens?.inputTokens ?? 0, outputTokens: usage?.tokens?.outputTokens ?? 0 }
}

function toText ({ content = [] }: Cohere.AssistantMessageResponse): string {
  return content.map((item) => item.type === 'text' ? item.text : '').join('')
}
