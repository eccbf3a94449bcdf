import Anthropic from '@anthropic-ai/sdk'
import { jsonSchemaOutputFormat } from '@anthropic-ai/sdk/helpers/json-schema'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

const tools = [{ name: expected.toolName, description: 'The weather of a city.', input_schema: weatherSchema as unknown as Anthropic.Tool.InputSchema }]

function messagesOf ({ url }: Endpoint): Anthropic.Messages {
  return new Anthropic({ apiKey: 'client-key', baseURL: url, maxRetries: 0 }).messages
}

const ask = (content: string): { role: 'user', content: string }[] => [{ role: 'user', content }]

/** Anthropic has no embeddings. */
export const anthropicClient: SdkClient = {
  name: 'anthropic',
  run: {
    async text (endpoint) {
      const { content, usage } = await messagesOf(endpoint).create({ model: endpoint.model, max_tokens: 100, messages: ask(questions.hello) })
      return { text: toText(content), usage: toUsage(usage) }
    },
    async stream (endpoint) {
      const stream = messagesOf(endpoint).stream({ model: endpoint.model, max_tokens: 100, messages: ask(questions.hello) })
      let pieces = 0
      stream.on('text', () => { pieces++ })
      const { content, usage } = await stream.finalMessage()
      return { text: toText(content), pieces, usage: toUsage(usage) }
    },
    async tools (endpoint) {
      const { content, stop_reason: reason } = await messagesOf(endpoint).create({ model: endpoint.model, max_tokens: 100, messages: ask(questions.weather), tools })
      if (reason !== 'tool_use') throw new Error(`stop_reason is ${String(reason)}`)
      return { toolCalls: toCalls(content) }
    },
    async 'tool stream' (endpoint) {
      const { content, stop_reason: reason } = await messagesOf(endpoint).stream({ model: endpoint.model, max_tokens: 100, messages: ask(questions.weather), tools }).finalMessage()
      if (reason !== 'tool_use') throw new Error(`stop_reason is ${String(reason)}`)
      return { toolCalls: toCalls(content) }
    },
    async 'tool results' (endpoint) {
      const messages = messagesOf(endpoint)
      const first = await messages.create({ model: endpoint.model, max_tokens: 100, messages: ask(questions.weather), tools })
      const call = first.content.find(({ type }) => type === 'tool_use') as Anthropic.ToolUseBlock
      const { content } = await messages.create({
        model: endpoint.model,
        max_tokens: 100,
        tools,
        messages: [
          ...ask(questions.weather),
          { role: 'assistant', content: first.content as Anthropic.ContentBlockParam[] },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: expected.toolResult }] }
        ]
      })
      return { text: toText(content) }
    },
    async structured (endpoint) {
      const { parsed_output: structured } = await messagesOf(endpoint).parse({ model: endpoint.model, max_tokens: 100, messages: ask(questions.structured), output_config: { format: jsonSchemaOutputFormat(answerSchema) } })
      return { structured }
    },
    async errors (endpoint) {
      try {
        await messagesOf(endpoint).create({ model: endpoint.model, max_tokens: 100, messages: ask(questions.fail) })
      } catch (error) {
        if (!(error instanceof Anthropic.RateLimitError)) throw error
        return { error: { status: error.status, message: error.message } }
      }
      return {}
    }
  }
}

function toUsage (usage: Anthropic.Usage): { inputTokens: number, outputTokens: number } {
  return { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens }
}

function toText (content: readonly Anthropic.ContentBlock[]): string {
  return content.map((block) => block.type === 'text' ? block.text : '').join('')
}

function toCalls (content: readonly Anthropic.ContentBlock[]): { name: string, arguments: unknown }[] {
  return content.flatMap((block) => block.type === 'tool_use' ? [{ name: block.name, arguments: block.input }] : [])
}
