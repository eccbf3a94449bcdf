import { Ollama } from 'ollama'
import type { Message, Tool } from 'ollama'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

const tools = [{ type: 'function', function: { name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema } }] as unknown as Tool[]

/** The SDK never retries. */
function clientOf ({ url }: Endpoint): Ollama {
  return new Ollama({ host: url })
}

const ask = (content: string): Message[] => [{ role: 'user', content }]

export const ollamaClient: SdkClient = {
  name: 'ollama',
  run: {
    async text (endpoint) {
      const { message, done, ...counts } = await clientOf(endpoint).chat({ model: endpoint.model, messages: ask(questions.hello) })
      if (!done) throw new Error('the answer is not done')
      return { text: message.content, usage: toUsage(counts) }
    },
    async stream (endpoint) {
      const answer = { text: '', pieces: 0, usage: toUsage({}) }
      for await (const { message, done, ...counts } of await clientOf(endpoint).chat({ model: endpoint.model, messages: ask(questions.hello), stream: true })) {
        answer.text += message.content
        if (message.content !== '') answer.pieces++
        if (done) answer.usage = toUsage(counts)
      }
      return answer
    },
    async tools (endpoint) {
      const { message } = await clientOf(endpoint).chat({ model: endpoint.model, messages: ask(questions.weather), tools })
      return { toolCalls: toCalls(message) }
    },
    async 'tool stream' (endpoint) {
      const toolCalls: { name: string, arguments: unknown }[] = []
      for await (const { message } of await clientOf(endpoint).chat({ model: endpoint.model, messages: ask(questions.weather), tools, stream: true })) toolCalls.push(...toCalls(message))
      return { toolCalls }
    },
    async 'tool results' (endpoint) {
      const client = clientOf(endpoint)
      const first = await client.chat({ model: endpoint.model, messages: ask(questions.weather), tools })
      const result: Message = { role: 'tool', tool_name: first.message.tool_calls?.[0]?.function.name ?? '', content: expected.toolResult }
      const { message } = await client.chat({ model: endpoint.model, messages: [...ask(questions.weather), first.message, result], tools })
      return { text: message.content }
    },
    async structured (endpoint) {
      const { message } = await clientOf(endpoint).chat({ model: endpoint.model, messages: ask(questions.structured), format: answerSchema })
      return { structured: JSON.parse(message.content) as unknown }
    },
    async embeddings (endpoint) {
      const { embeddings } = await clientOf(endpoint).embed({ model: endpoint.embeddingModel, input: [...expected.embeddingInputs] })
      return { embeddings }
    },
    async errors (endpoint) {
      try {
        await clientOf(endpoint).chat({ model: endpoint.model, messages: ask(questions.fail) })
      } catch (error) {
        // The SDK throws a class of its own and does not export it.
        if (!(error instanceof Error && error.name === 'ResponseError' && 'status_code' in error)) throw error
        return { error: { status: Number(error.status_code), message: error.message } }
      }
      return {}
    }
  }
}

/** Ollama leaves the counts out where it has none. */
function toUsage (counts: { prompt_eval_count?: number, eval_count?: number }): { inputTokens: number, outputTokens: number } {
  return { inputTokens: counts.prompt_eval_count ?? 0, outputTokens: counts.eval_count ?? 0 }
}

function toCalls ({ tool_calls: calls = [] }: Message): { name: string, arguments: unknown }[] {
  return calls.map((call) => ({ name: call.function.name, arguments: call.function.arguments }))
}
