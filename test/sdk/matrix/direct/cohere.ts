import { CohereClientV2, CohereError } from 'cohere-ai'
import type { Cohere } from 'cohere-ai'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { SdkClient } from '../cells.ts'
import { cohereProvider } from '../providers/cohere.ts'
import { postJson } from './direct.ts'
import type { DirectPair } from './direct.ts'

const key = 'cohere-main'
const { model, embeddingModel } = cohereProvider
const functionOf = { name: expected.toolName, description: 'The weather of a city.', parameters: weatherSchema }
const tools: Cohere.ToolV2[] = [{ type: 'function', function: functionOf }]
const ask = (content: string): Cohere.ChatMessageV2.User => ({ role: 'user', content })
const call = { role: 'assistant', tool_calls: [{ id: 'call_1', type: 'function', function: { name: expected.toolName, arguments: JSON.stringify(expected.toolArguments) } }] }

export const cohereDirect: DirectPair = {
  name: 'cohere-ai',
  provider: cohereProvider,
  connect: ({ url }) => runOf(new CohereClientV2({ token: key, environment: url, maxRetries: 0 })),
  post: ({ url }, body) => postJson(`${url}/v2/chat`, { authorization: `Bearer ${key}` }, body),
  malformed: [
    { name: 'with an unknown member', body: { model, messages: [ask(questions.hello)], top_p: 0.5 }, problem: /top_p/ },
    { name: 'with a tool choice of OpenAI', body: { model, messages: [ask(questions.weather)], tools, tool_choice: 'auto' }, problem: /tool_choice/ },
    { name: 'with a strict tool', body: { model, messages: [ask(questions.weather)], tools: [{ type: 'function', function: { ...functionOf, strict: true } }] }, problem: /tools\/0/ },
    { name: 'with a call whose result is missing', body: { model, messages: [ask(questions.weather), call, ask('Well?')], tools }, problem: /calls without results/ },
    { name: 'with a result of no call', body: { model, messages: [ask(questions.weather), { role: 'tool', tool_call_id: 'call_1', content: '21' }], tools }, problem: /no call directly before/ },
    { name: 'with the content of a message missing', body: { model, messages: [ask(questions.hello), { role: 'assistant', content: '' }, ask(questions.hello)] }, problem: /content or tool_calls/ },
    { name: 'with nothing but the system', body: { model, messages: [{ role: 'system', content: 'Be brief.' }] }, problem: /needs a message of the user/ },
    { name: 'with tools beside JSON', body: { model, messages: [ask(questions.structured)], tools, response_format: { type: 'json_object' } }, problem: /not supported with tools/ }
  ]
}

function runOf (client: CohereClientV2): SdkClient['run'] {
  const weather = { model, messages: [ask(questions.weather)], tools }
  return {
    async text () {
      const { message, usage, finishReason } = await client.chat({ model, messages: [ask(questions.hello)] })
      if (finishReason !== 'COMPLETE') throw new Error(`finishReason is ${finishReason}`)
      return { text: toText(message), usage: toUsage(usage) }
    },
    async stream () {
      const answer = { text: '', pieces: 0, usage: toUsage(undefined) }
      for await (const event of await client.chatStream({ model, messages: [ask(questions.hello)] })) {
        if (event.type === 'message-end') answer.usage = toUsage(event.delta?.usage)
        if (event.type !== 'content-delta') continue
        answer.text += event.delta?.message?.content?.text ?? ''
        answer.pieces++
      }
      return answer
    },
    async tools () {
      const { message, finishReason } = await client.chat(weather)
      if (finishReason !== 'TOOL_CALL') throw new Error(`finishReason is ${finishReason}`)
      return { toolCalls: (message.toolCalls ?? []).map(({ function: said }) => ({ name: said?.name ?? '', arguments: JSON.parse(said?.arguments ?? '') as unknown })) }
    },
    async 'tool stream' () {
      let name = ''
      let said = ''
      for await (const event of await client.chatStream(weather)) {
        if (event.type === 'tool-call-start') name += event.delta?.message?.toolCalls?.function?.name ?? ''
        if (event.type === 'tool-call-delta') said += event.delta?.message?.toolCalls?.function?.arguments ?? ''
      }
      return { toolCalls: [{ name, arguments: JSON.parse(said) as unknown }] }
    },
    async 'tool results' () {
      const { message: { toolCalls = [], toolPlan } } = await client.chat(weather)
      const { message } = await client.chat({
        ...weather,
        messages: [ask(questions.weather), { role: 'assistant', toolCalls, toolPlan }, { role: 'tool', toolCallId: toolCalls[0]?.id ?? '', content: [{ type: 'document', document: { data: { degrees: 21 } } }] }]
      })
      return { text: toText(message) }
    },
    async structured () {
      const { message } = await client.chat({ model, messages: [ask(questions.structured)], responseFormat: { type: 'json_object', jsonSchema: answerSchema } })
      return { structured: JSON.parse(toText(message)) as unknown }
    },
    async embeddings () {
      const { embeddings } = await client.embed({ model: embeddingModel, texts: [...expected.embeddingInputs], inputType: 'search_document', embeddingTypes: ['float'] })
      return { embeddings: embeddings.float ?? [] }
    },
    async errors () {
      try {
        await client.chat({ model, messages: [ask(questions.fail)] })
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
