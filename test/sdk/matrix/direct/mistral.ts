import { Mistral } from '@mistralai/mistralai'
import type { AssistantMessage, DeltaMessage, Tool, ToolCall, UsageInfo } from '@mistralai/mistralai/models/components'
import { MistralError } from '@mistralai/mistralai/models/errors'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { SdkClient } from '../cells.ts'
import { mistralProvider } from '../providers/mistral.ts'
import { postJson } from './direct.ts'
import type { DirectPair } from './direct.ts'

const key = 'mistral-main'
const { model, embeddingModel } = mistralProvider
const tools: (Tool & { type: 'function' })[] = [{ type: 'function', function: { name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema } }]
const ask = (content: string): { role: 'user', content: string } => ({ role: 'user', content })
const callOf = (id: string): object => ({ role: 'assistant', content: '', tool_calls: [{ id, type: 'function', function: { name: expected.toolName, arguments: JSON.stringify(expected.toolArguments) } }] })
const resultOf = (id: string): object => ({ role: 'tool', tool_call_id: id, content: expected.toolResult })

export const mistralDirect: DirectPair = {
  name: '@mistralai/mistralai',
  provider: mistralProvider,
  connect: ({ url }) => runOf(new Mistral({ apiKey: key, serverURL: url, retryConfig: { strategy: 'none' } })),
  post: ({ url }, body) => postJson(`${url}/v1/chat/completions`, { authorization: `Bearer ${key}` }, body),
  malformed: [
    { name: 'with stream_options', body: { model, messages: [ask(questions.hello)], stream: true, stream_options: { include_usage: true } }, problem: /stream_options/ },
    { name: 'with seed', body: { model, messages: [ask(questions.hello)], seed: 1 }, problem: /seed/ },
    { name: 'with a name on a message', body: { model, messages: [{ ...ask(questions.hello), name: 'Ann' }] }, problem: /name/ },
    { name: 'with a refusal on a message', body: { model, messages: [ask(questions.hello), { role: 'assistant', content: 'Hello.', refusal: null }, ask(questions.hello)] }, problem: /refusal/ },
    { name: 'with the id of another vendor', body: { model, messages: [ask(questions.weather), callOf('call_Paris1'), resultOf('call_Paris1')], tools }, problem: /\{9\}/ },
    { name: 'with ids that do not match', body: { model, messages: [ask(questions.weather), callOf('abcdefgh1'), resultOf('abcdefgh2')], tools }, problem: /no call directly before/ },
    { name: 'with the user after a tool', body: { model, messages: [ask(questions.weather), callOf('abcdefgh1'), resultOf('abcdefgh1'), ask('Well?')], tools }, problem: /Unexpected role 'user'/ },
    { name: 'with a message that is nothing', body: { model, messages: [ask(questions.hello), { role: 'assistant', content: '' }, ask(questions.hello)] }, problem: /must have either content or tool_calls/ },
    { name: 'with an open end', body: { model, messages: [ask(questions.hello), { role: 'assistant', content: 'Hel' }] }, problem: /Expected last role/ }
  ]
}

function runOf ({ chat, embeddings }: Mistral): SdkClient['run'] {
  const weather = { model, messages: [ask(questions.weather)], tools }
  return {
    async text () {
      const { choices, usage } = await chat.complete({ model, messages: [ask(questions.hello)] })
      return { text: toText(choices[0]?.message), usage: toUsage(usage) }
    },
    async stream () {
      const answer = { text: '', pieces: 0, usage: toUsage(undefined) }
      for await (const { data } of await chat.stream({ model, messages: [ask(questions.hello)] })) {
        const text = toText(data.choices[0]?.delta)
        answer.text += text
        if (text !== '') answer.pieces++
        if (data.usage !== undefined) answer.usage = toUsage(data.usage)
      }
      return answer
    },
    async tools () {
      const { choices } = await chat.complete(weather)
      if (choices[0]?.finishReason !== 'tool_calls') throw new Error(`finishReason is ${String(choices[0]?.finishReason)}`)
      return { toolCalls: (choices[0].message?.toolCalls ?? []).map(toCall) }
    },
    async 'tool stream' () {
      const toolCalls: { name: string, arguments: unknown }[] = []
      // A call comes whole.
      for await (const { data } of await chat.stream(weather)) toolCalls.push(...(data.choices[0]?.delta.toolCalls ?? []).map(toCall))
      return { toolCalls }
    },
    async 'tool results' () {
      const message = (await chat.complete(weather)).choices[0]?.message as AssistantMessage
      const { choices } = await chat.complete({ ...weather, messages: [...weather.messages, { ...message, role: 'assistant' }, { role: 'tool', toolCallId: message.toolCalls?.[0]?.id, name: expected.toolName, content: expected.toolResult }] })
      return { text: toText(choices[0]?.message) }
    },
    async structured () {
      const { choices } = await chat.complete({ model, messages: [ask(questions.structured)], responseFormat: { type: 'json_schema', jsonSchema: { name: 'weather', schemaDefinition: answerSchema, strict: true } } })
      return { structured: JSON.parse(toText(choices[0]?.message)) as unknown }
    },
    async embeddings () {
      const { data } = await embeddings.create({ model: embeddingModel, inputs: [...expected.embeddingInputs] })
      return { embeddings: data.map(({ embedding }) => embedding ?? []) }
    },
    async errors () {
      try {
        await chat.complete({ model, messages: [ask(questions.fail)] })
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
  return typeof message?.content === 'string' ? message.content : ''
}

function toCall ({ function: { name, arguments: said } }: ToolCall): { name: string, arguments: unknown } {
  return { name, arguments: typeof said === 'string' ? JSON.parse(said) as unknown : said }
}
