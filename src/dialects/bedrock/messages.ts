import type { AssistantMessage, ChatMessage, ReasoningDetail, ToolCall, ToolMessage } from '../../api/chat.ts'
import { invalid } from './invalid.ts'
import { toCacheControl, toContent } from './parts.ts'
import type { ClientBlock } from './wire.ts'

/** @throws GatewayError BIFROST_INVALID_REQUEST that names the message */
export function toMessages (system: unknown, messages: unknown): ChatMessage[] {
  const before: ChatMessage[] = system === undefined || system === null || (Array.isArray(system) && system.length === 0) ? [] : [{ role: 'system', content: toContent(toBlocks(system, 'system')) }]
  if (!Array.isArray(messages)) throw invalid('messages', 'messages must be an array.')
  return [...before, ...messages.flatMap((message: unknown, index): ChatMessage[] => {
    const path = `messages[${index}]`
    if (!isRecord(message)) throw invalid(path, `${path} must be an object.`)
    const blocks = toBlocks(message['content'], `${path}.content`)
    if (message['role'] === 'user') return toUserMessages(blocks, `${path}.content`)
    if (message['role'] === 'assistant') return [toAssistantMessage(blocks, `${path}.content`)]
    throw invalid(`${path}.role`, `${path}.role must be user or assistant.`)
  })]
}

function toBlocks (value: unknown, path: string): ClientBlock[] {
  if (!Array.isArray(value)) throw invalid(path, `${path} must be an array of blocks.`)
  const wrong = value.findIndex((block) => !isRecord(block))
  if (wrong >= 0) throw invalid(`${path}[${wrong}]`, `${path}[${wrong}] must be an object.`)
  return value as ClientBlock[]
}

/** What tools answered are messages of their own, before what the user says to it. */
function toUserMessages (blocks: readonly ClientBlock[], path: string): ChatMessage[] {
  const results: ToolMessage[] = []
  const said: ClientBlock[] = []
  let last: ToolMessage | null = null
  for (const [index, block] of blocks.entries()) {
    if (block.cachePoint !== undefined && last !== null) last.cache_control = toCacheControl(block.cachePoint)
    else if (block.toolResult === undefined) said.push(block)
    last = null
    if (block.toolResult === undefined) continue
    const { toolUseId, content = [], status } = block.toolResult
    if (typeof toolUseId !== 'string') throw invalid(`${path}[${index}].toolResult.toolUseId`, `${path}[${index}].toolResult.toolUseId is required.`)
    last = { role: 'tool', tool_call_id: toolUseId, content: toToolContent(toBlocks(content, `${path}[${index}].toolResult.content`)), ...status === 'error' ? { is_error: true } : {} }
    results.push(last)
  }
  return said.length === 0 && results.length > 0 ? results : [...results, { role: 'user', content: toContent(said) }]
}

function toToolContent (blocks: readonly ClientBlock[]): ToolMessage['content'] {
  return blocks.length === 0 ? '' : toContent(blocks)
}

function toAssistantMessage (blocks: readonly ClientBlock[], path: string): AssistantMessage {
  const said = blocks.filter(({ toolUse, reasoningContent }) => toolUse === undefined && reasoningContent === undefined)
  const calls = blocks.flatMap((block, index) => toToolCall(block, `${path}[${index}]`))
  const details = blocks.flatMap(({ reasoningContent }, index) => reasoningContent === undefined ? [] : toDetail(reasoningContent, index))
  const thought = details.map((detail) => detail.type === 'reasoning.text' ? detail.text : '').join('')
  return {
    role: 'assistant',
    content: said.length === 0 && calls.length > 0 ? null : toContent(said),
    ...thought === '' ? {} : { reasoning_content: thought },
    ...details.length === 0 ? {} : { reasoning_details: details },
    ...calls.length === 0 ? {} : { tool_calls: calls }
  }
}

function toToolCall ({ toolUse }: ClientBlock, path: string): ToolCall[] {
  if (toolUse === undefined) return []
  if (typeof toolUse.toolUseId !== 'string' || typeof toolUse.name !== 'string') throw invalid(`${path}.toolUse`, `${path}.toolUse must have a toolUseId and a name.`)
  return [{ id: toolUse.toolUseId, type: 'function', function: { name: toolUse.name, arguments: JSON.stringify(toolUse.input ?? {}) } }]
}

/** Who made a signature is not said here: it may come from any provider whose answer was put into these words. */
function toDetail ({ reasoningText, redactedContent }: NonNullable<ClientBlock['reasoningContent']>, index: number): ReasoningDetail[] {
  if (reasoningText !== undefined) return [{ type: 'reasoning.text', text: reasoningText.text ?? '', ...reasoningText.signature === undefined ? {} : { signature: reasoningText.signature }, index }]
  return redactedContent === undefined ? [] : [{ type: 'reasoning.encrypted', data: redactedContent, index }]
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
