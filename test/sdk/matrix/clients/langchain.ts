import { HumanMessage, ToolMessage } from '@langchain/core/messages'
import type { AIMessageChunk, UsageMetadata } from '@langchain/core/messages'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

const tools = [{ type: 'function' as const, function: { name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema } }]

function chatOf ({ url, model }: Endpoint): ChatOpenAI {
  return new ChatOpenAI({ model, apiKey: 'client-key', maxRetries: 0, configuration: { baseURL: `${url}/v1` } })
}

export const langchainClient: SdkClient = {
  name: 'langchain openai',
  run: {
    async text (endpoint) {
      const { text, usage_metadata: usage } = await chatOf(endpoint).invoke(questions.hello)
      return { text, usage: toUsage(usage) }
    },
    async stream (endpoint) {
      let pieces = 0
      const { text, usage_metadata: usage } = await gather(await chatOf(endpoint).stream(questions.hello), (chunk) => { if (chunk.text !== '') pieces++ })
      return { text, pieces, usage: toUsage(usage) }
    },
    async tools (endpoint) {
      const { tool_calls: calls } = await chatOf(endpoint).bindTools(tools).invoke(questions.weather)
      return { toolCalls: toCalls(calls) }
    },
    async 'tool stream' (endpoint) {
      const { tool_calls: calls } = await gather(await chatOf(endpoint).bindTools(tools).stream(questions.weather))
      return { toolCalls: toCalls(calls) }
    },
    async 'tool results' (endpoint) {
      const chat = chatOf(endpoint).bindTools(tools)
      const question = new HumanMessage(questions.weather)
      const first = await chat.invoke([question])
      const { text } = await chat.invoke([question, first, new ToolMessage({ tool_call_id: first.tool_calls?.[0]?.id ?? '', content: expected.toolResult })])
      return { text }
    },
    async structured (endpoint) {
      return { structured: await chatOf(endpoint).withStructuredOutput(answerSchema, { name: 'weather', method: 'jsonSchema', strict: true }).invoke(questions.structured) as unknown }
    },
    async embeddings ({ url, embeddingModel }) {
      const model = new OpenAIEmbeddings({ model: embeddingModel, apiKey: 'client-key', maxRetries: 0, configuration: { baseURL: `${url}/v1` } })
      return { embeddings: await model.embedDocuments([...expected.embeddingInputs]) }
    },
    async errors (endpoint) {
      try {
        await chatOf(endpoint).invoke(questions.fail)
      } catch (error) {
        // LangChain hands on what OpenAI's SDK of its own throws.
        if (!(error instanceof Error && 'status' in error)) throw error
        return { error: { status: Number(error.status), message: error.message } }
      }
      return {}
    }
  }
}

/** @returns the pieces of a stream as one message, put together by LangChain itself */
async function gather (stream: AsyncIterable<AIMessageChunk>, look: (chunk: AIMessageChunk) => void = () => {}): Promise<AIMessageChunk> {
  let whole: AIMessageChunk | undefined
  for await (const chunk of stream) {
    look(chunk)
    whole = whole === undefined ? chunk : whole.concat(chunk)
  }
  if (whole === undefined) throw new Error('the stream is empty')
  return whole
}

function toUsage (usage: UsageMetadata | undefined): { inputTokens: number, outputTokens: number } {
  return { inputTokens: usage?.input_tokens ?? 0, outputTokens: usage?.output_tokens ?? 0 }
}

function toCalls (calls: AIMessageChunk['tool_calls'] = []): { name: string, arguments: unknown }[] {
  return calls.map(({ name, args }) => ({ name, arguments: args }))
}
