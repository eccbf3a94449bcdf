import type { AssistantMessage, ChatReply, ChatUsage, ReasoningDetail, ToolCall } from '../../src/api/chat.ts'
import { dataOf } from './replay-stream.ts'

/** What a client of Chat Completions has of one answer. */
export interface Heard { message: AssistantMessage, finish: string | null, usage: ChatUsage | null }

/** A whole answer, without what says nothing. */
export function answerOf (body: Uint8Array = new Uint8Array(0)): Heard {
  const reply = JSON.parse(Buffer.from(body).toString('utf8')) as ChatReply
  const [choice] = reply.choices
  if (choice === undefined || reply.choices.length > 1) throw new Error(`${reply.choices.length} choices`)
  return { message: withoutNothing(choice.message), finish: choice.finish_reason, usage: reply.usage ?? null }
}

interface Delta {
  role?: string
  content?: string | null
  reasoning_content?: string | null
  reasoning_details?: (ReasoningDetail & { text?: string, signature?: string | null })[]
  tool_calls?: (Partial<ToolCall> & { index: number })[]
}
interface Chunk { choices: { delta?: Delta, finish_reason?: string | null }[], usage?: ChatUsage | null }

/** A stream put together as the SDKs of OpenAI and OpenRouter do it. @throws when it does not end with its mark */
export function hearClient (bytes: Uint8Array = new Uint8Array(0)): Heard {
  const said = dataOf(bytes)
  if (said.pop() !== '[DONE]') throw new Error('the stream has no end mark')
  const message = { role: '', content: '', reasoning_content: '', reasoning_details: [] as Delta['reasoning_details'] & object, tool_calls: [] as ToolCall[] }
  const heard: { finish: string | null, usage: ChatUsage | null } = { finish: null, usage: null }
  for (const { choices, usage } of said.map((data) => JSON.parse(data) as Chunk)) {
    heard.usage = usage ?? heard.usage
    for (const { delta = {}, finish_reason: finish } of choices) {
      heard.finish = finish ?? heard.finish
      message.role ||= delta.role ?? ''
      message.content += delta.content ?? ''
      message.reasoning_content += delta.reasoning_content ?? ''
      for (const detail of delta.reasoning_details ?? []) addDetail(message.reasoning_details, detail)
      for (const call of delta.tool_calls ?? []) addCall(message.tool_calls, call)
    }
  }
  return { message: withoutNothing(message as unknown as AssistantMessage), ...heard }
}

/** One more of the same index and type goes on where the last one ended. */
function addDetail (details: Delta['reasoning_details'] & object, detail: NonNullable<Delta['reasoning_details']>[number]): void {
  const known = details.find(({ index, type }) => index === detail.index && type === detail.type)
  if (known === undefined) details.push({ ...detail })
  else Object.assign(known, detail, { text: (known.text ?? '') + (detail.text ?? '') })
}

function addCall (calls: ToolCall[], { index, ...call }: Partial<ToolCall> & { index: number }): void {
  const known = calls[index]
  if (known === undefined) calls[index] = structuredClone(call) as ToolCall
  else known.function.arguments += call.function?.arguments ?? ''
}

function withoutNothing (message: AssistantMessage): AssistantMessage {
  const copy = { ...message, tool_calls: message.tool_calls?.map((call) => ({ ...call })) }
  for (const call of copy.tool_calls ?? []) delete (call as { index?: number }).index
  return Object.fromEntries(Object.entries(copy).filter(([name, value]) => name !== 'annotations' && value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0))) as unknown as AssistantMessage
}
