import Anthropic from '@anthropic-ai/sdk'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { SdkClient } from '../cells.ts'
import { anthropicProvider } from '../providers/anthropic.ts'
import { postJson } from './direct.ts'
import type { DirectPair } from './direct.ts'

const key = 'sk-ant-main'
const model = anthropicProvider.model
const tools: Anthropic.Tool[] = [{ name: expected.toolName, description: 'The weather of a city.', input_schema: weatherSchema as unknown as Anthropic.Tool.InputSchema }]
const ask = (content: string): Anthropic.MessageParam => ({ role: 'user', content })
const call: Anthropic.ContentBlockParam = { type: 'tool_use', id: 'toolu_1', name: expected.toolName, input: expected.toolArguments }
const result: Anthropic.ContentBlockParam = { type: 'tool_result', tool_use_id: 'toolu_1', content: expected.toolResult }
const hello = { model, max_tokens: 100, messages: [ask(questions.hello)] }

export const anthropicDirect: DirectPair = {
  name: '@anthropic-ai/sdk',
  provider: anthropicProvider,
  connect: ({ url }) => runOf(new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0 }).messages),
  post: ({ url }, body) => postJson(`${url}/v1/messages`, { 'x-api-key': key, 'anthropic-version': '2026-10-21' }, body),
  malformed: [
    { name: 'without max_tokens', body: { model, messages: [ask(questions.hello)] }, problem: /max_tokens/ },
    { name: 'with an unknown member', body: { ...hello, n: 1 }, problem: /"n"/ },
    { name: 'with a temperature, which the version has no more', body: { ...hello, temperature: 0.5 }, problem: /temperature/ },
    { name: 'with an empty block of text', body: { ...hello, messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] }, problem: /pattern/ },
    { name: 'with two turns of one role', body: { ...hello, messages: [ask(questions.hello), ask(questions.hello)] }, problem: /role is user/ },
    { name: 'with a system message among the turns', body: { ...hello, messages: [{ role: 'system', content: 'Be brief.' }, ask(questions.hello)] }, problem: /role/ },
    { name: 'with a call whose result is missing', body: { ...hello, tools, messages: [ask(questions.weather), { role: 'assistant', content: [call] }, ask('Well?')] }, problem: /without `tool_result`/ },
    { name: 'with a result of no call', body: { ...hello, tools, messages: [ask(questions.weather), { role: 'assistant', content: 'Wait.' }, { role: 'user', content: [result] }] }, problem: /unexpected `tool_use_id`/ },
    { name: 'with text before a result', body: { ...hello, tools, messages: [ask(questions.weather), { role: 'assistant', content: [call] }, { role: 'user', content: [{ type: 'text', text: 'Here.' }, result] }] }, problem: /come first/ },
    { name: 'with results but without tools', body: { ...hello, messages: [ask(questions.weather), { role: 'assistant', content: [call] }, { role: 'user', content: [result] }] }, problem: /must define tools/ },
    { name: 'that is to go on from the assistant and to think', body: { ...hello, max_tokens: 2_000, thinking: { type: 'enabled', budget_tokens: 1_024 }, messages: [ask(questions.hello), { role: 'assistant', content: 'Hel' }] }, problem: /must start with a thinking block/ },
    { name: 'that is to go on from what the assistant thought', body: { ...hello, messages: [ask(questions.hello), { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.', signature: 'c2ln' }, { type: 'text', text: 'Hel' }] }] }, problem: /cannot contain `thinking`/ },
    { name: 'with an open schema for its output', body: { ...hello, output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } }, problem: /additionalProperties/ }
  ]
}

function runOf (messages: Anthropic.Messages): SdkClient['run'] {
  const weather = { model, max_tokens: 100, tools, messages: [ask(questions.weather)] }
  return {
    async text () {
      const { content, usage, stop_reason: reason } = await messages.create(hello)
      if (reason !== 'end_turn') throw new Error(`stop_reason is ${String(reason)}`)
      return { text: toText(content), usage: toUsage(usage) }
    },
    async stream () {
      const stream = messages.stream(hello)
      let pieces = 0
      stream.on('text', () => { pieces++ })
      const { content, usage } = await stream.finalMessage()
      return { text: toText(content), pieces, usage: toUsage(usage) }
    },
    async tools () {
      const { content, stop_reason: reason } = await messages.create(weather)
      if (reason !== 'tool_use') throw new Error(`stop_reason is ${String(reason)}`)
      return { toolCalls: toCalls(content) }
    },
    async 'tool stream' () {
      return { toolCalls: toCalls((await messages.stream(weather).finalMessage()).content) }
    },
    async 'tool results' () {
      const { content } = await messages.create(weather)
      const id = content[0]?.type === 'tool_use' ? content[0].id : ''
      const last = await messages.create({
        ...weather, messages: [...weather.messages, { role: 'assistant', content: content as Anthropic.ContentBlockParam[] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: expected.toolResult }] }]
      })
      return { text: toText(last.content) }
    },
    async structured () {
      const { content } = await messages.create({ model, max_tokens: 100, messages: [ask(questions.structured)], output_config: { format: { type: 'json_schema', schema: answerSchema } } })
      return { structured: JSON.parse(toText(content)) as unknown }
    },
    async errors () {
      try {
        await messages.create({ ...hello, messages: [ask(questions.fail)] })
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
