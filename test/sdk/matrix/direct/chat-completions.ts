import OpenAI, { AzureOpenAI } from 'openai'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { SdkClient } from '../cells.ts'
import type { FakeProvider } from '../fake-provider.ts'
import { azureProvider } from '../providers/azure.ts'
import { ollamaProvider } from '../providers/ollama.ts'
import { postJson } from './direct.ts'
import type { DirectPair } from './direct.ts'

const tools = [{ type: 'function' as const, function: { name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema } }]
const ask = (content: string): { role: 'user', content: string } => ({ role: 'user', content })
const call = { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: expected.toolName, arguments: JSON.stringify(expected.toolArguments) } }] }
const result = { role: 'tool', tool_call_id: 'call_1', content: expected.toolResult }

const malformedOf = (model: string): DirectPair['malformed'] => [
  { name: 'with an unknown member', body: { model, messages: [ask(questions.hello)], top_k: 1 }, problem: /top_k/ },
  { name: 'with a call whose result is missing', body: { model, messages: [ask(questions.weather), call, ask('Well?')], tools }, problem: /calls without results/ },
  { name: 'with a result of no call', body: { model, messages: [ask(questions.weather), result], tools }, problem: /no call directly before/ },
  { name: 'with arguments as an object', body: { model, messages: [ask(questions.weather), { ...call, tool_calls: [{ id: 'call_1', type: 'function', function: { name: expected.toolName, arguments: {} } }] }, result], tools }, problem: /arguments/ }
]

export const azureDirect: DirectPair = {
  name: 'AzureOpenAI',
  provider: azureProvider,
  // Without `deployment` the SDK takes the model for it, chat and embeddings each their own.
  connect: ({ url }) => runOf(new AzureOpenAI({ apiKey: 'azure-main', endpoint: url, apiVersion: '2024-10-21', maxRetries: 0 }), azureProvider),
  post: ({ url }, body) => postJson(`${url}/openai/deployments/${azureProvider.model}/chat/completions?api-version=2024-10-21`, { 'api-key': 'azure-main' }, body),
  malformed: [
    ...malformedOf(azureProvider.model),
    { name: 'with a role of later versions', body: { messages: [{ role: 'developer', content: 'Be brief.' }, ask(questions.hello)] }, problem: /role/ },
    { name: 'with a member of later versions', body: { messages: [ask(questions.hello)], store: false }, problem: /store/ }
  ]
}

export const ollamaCompatibleDirect: DirectPair = {
  name: 'openai of Ollama',
  provider: ollamaProvider,
  connect: ({ url }) => runOf(new OpenAI({ apiKey: 'ollama', baseURL: `${url}/v1`, maxRetries: 0 }), ollamaProvider),
  post: ({ url }, body) => postJson(`${url}/v1/chat/completions`, {}, body),
  malformed: [
    ...malformedOf(ollamaProvider.model),
    { name: 'with a limit under the name that Ollama does not know', body: { model: ollamaProvider.model, messages: [ask(questions.hello)], max_completion_tokens: 9 }, problem: /max_completion_tokens/ },
    { name: 'with the address of an image', body: { model: ollamaProvider.model, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] }] }, problem: /content/ }
  ]
}

function runOf ({ chat: { completions }, embeddings }: OpenAI, { model, embeddingModel }: FakeProvider): SdkClient['run'] {
  const weather = { model, messages: [ask(questions.weather)], tools }
  return {
    async text () {
      const { choices, usage } = await completions.create({ model, messages: [ask(questions.hello)] })
      return { text: choices[0]?.message.content ?? '', usage: toUsage(usage) }
    },
    async stream () {
      const stream = completions.stream({ model, messages: [ask(questions.hello)], stream_options: { include_usage: true } })
      let pieces = 0
      stream.on('content', () => { pieces++ })
      const { choices, usage } = await stream.finalChatCompletion()
      return { text: choices[0]?.message.content ?? '', pieces, usage: toUsage(usage) }
    },
    async tools () {
      const { choices } = await completions.create(weather)
      if (choices[0]?.finish_reason !== 'tool_calls') throw new Error(`finish_reason is ${String(choices[0]?.finish_reason)}`)
      return { toolCalls: (choices[0].message.tool_calls ?? []).map(toCall) }
    },
    async 'tool stream' () {
      const { choices } = await completions.stream(weather).finalChatCompletion()
      return { toolCalls: (choices[0]?.message.tool_calls ?? []).map(toCall) }
    },
    async 'tool results' () {
      const message = (await completions.create(weather)).choices[0]?.message as OpenAI.Chat.ChatCompletionMessage
      const { choices } = await completions.create({ ...weather, messages: [...weather.messages, message, { role: 'tool', tool_call_id: message.tool_calls?.[0]?.id ?? '', content: expected.toolResult }] })
      return { text: choices[0]?.message.content ?? '' }
    },
    async structured () {
      const { choices } = await completions.create({ model, messages: [ask(questions.structured)], response_format: { type: 'json_schema', json_schema: { name: 'weather', schema: answerSchema, strict: true } } })
      return { structured: JSON.parse(choices[0]?.message.content ?? '') as unknown }
    },
    async embeddings () {
      const { data } = await embeddings.create({ model: embeddingModel, input: [...expected.embeddingInputs] })
      return { embeddings: data.map(({ embedding }) => embedding) }
    },
    async errors () {
      try {
        await completions.create({ model, messages: [ask(questions.fail)] })
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

function toCall (said: OpenAI.Chat.ChatCompletionMessageToolCall): { name: string, arguments: unknown } {
  if (said.type !== 'function') throw new Error(`a tool call of type ${said.type}`)
  return { name: said.function.name, arguments: JSON.parse(said.function.arguments) as unknown }
}
