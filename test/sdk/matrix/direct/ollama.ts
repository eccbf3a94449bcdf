import { Ollama } from 'ollama'
import type { ChatResponse, Message, Tool } from 'ollama'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { SdkClient } from '../cells.ts'
import { ollamaProvider } from '../providers/ollama.ts'
import { postJson } from './direct.ts'
import type { DirectPair } from './direct.ts'

const { model, embeddingModel } = ollamaProvider
const tools = [{ type: 'function', function: { name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema } }] as unknown as Tool[]
const ask = (content: string): Message => ({ role: 'user', content })
const call: Message = { role: 'assistant', content: '', tool_calls: [{ function: { name: expected.toolName, arguments: expected.toolArguments } }] }
const result: Message = { role: 'tool', tool_name: expected.toolName, content: expected.toolResult }

export const ollamaDirect: DirectPair = {
  name: 'ollama',
  provider: ollamaProvider,
  connect: ({ url }) => runOf(new Ollama({ host: url })),
  post: ({ url }, body) => postJson(`${url}/api/chat`, {}, body),
  malformed: [
    { name: 'with an unknown member', body: { model, messages: [ask(questions.hello)], temperature: 1 }, problem: /temperature/ },
    { name: 'with an option of another vendor', body: { model, messages: [ask(questions.hello)], options: { max_tokens: 9 } }, problem: /max_tokens/ },
    { name: 'with parts as content', body: { model, messages: [{ role: 'user', content: [{ type: 'text', text: questions.hello }] }] }, problem: /content/ },
    { name: 'with arguments as text', body: { model, messages: [ask(questions.weather), { ...call, tool_calls: [{ function: { name: expected.toolName, arguments: '{}' } }] }, result], tools }, problem: /arguments/ },
    { name: 'with a call whose result is missing', body: { model, messages: [ask(questions.weather), call, ask('Well?')], tools }, problem: /calls without results/ },
    { name: 'with a result that does not name its call', body: { model, messages: [ask(questions.weather), call, { role: 'tool', content: expected.toolResult }], tools }, problem: /no call directly before/ }
  ]
}

function runOf (client: Ollama): SdkClient['run'] {
  const weather = { model, messages: [ask(questions.weather)], tools }
  return {
    async text () {
      const response = await client.chat({ model, messages: [ask(questions.hello)] })
      if (!response.done) throw new Error('the answer is not done')
      return { text: response.message.content, usage: toUsage(response) }
    },
    async stream () {
      const lines: ChatResponse[] = []
      for await (const line of await client.chat({ model, messages: [ask(questions.hello)], stream: true })) lines.push(line)
      return { text: lines.map(({ message }) => message.content).join(''), pieces: lines.length - 1, usage: toUsage(lines.at(-1) as ChatResponse) }
    },
    async tools () {
      return { toolCalls: toCalls((await client.chat(weather)).message) }
    },
    async 'tool stream' () {
      const toolCalls: { name: string, arguments: unknown }[] = []
      for await (const { message } of await client.chat({ ...weather, stream: true })) toolCalls.push(...toCalls(message))
      return { toolCalls }
    },
    async 'tool results' () {
      const { message } = await client.chat(weather)
      return { text: (await client.chat({ ...weather, messages: [...weather.messages, message, result] })).message.content }
    },
    async structured () {
      return { structured: JSON.parse((await client.chat({ model, messages: [ask(questions.structured)], format: answerSchema })).message.content) as unknown }
    },
    async embeddings () {
      return { embeddings: (await client.embed({ model: embeddingModel, input: [...expected.embeddingInputs] })).embeddings }
    },
    async errors () {
      try {
        await client.chat({ model, messages: [ask(questions.fail)] })
      } catch (error) {
        // The SDK does not export the class of its errors.
        if (!(error instanceof Error && 'status_code' in error)) throw error
        return { error: { status: Number(error.status_code), message: error.message } }
      }
      return {}
    }
  }
}

function toUsage ({ prompt_eval_count: inputTokens, eval_count: outputTokens }: ChatResponse): { inputTokens: number, outputTokens: number } {
  return { inputTokens, outputTokens }
}

function toCalls ({ tool_calls: calls = [] }: Message): { name: string, arguments: unknown }[] {
  return calls.map((said) => ({ name: said.function.name, arguments: said.function.arguments }))
}
