import type { AssistantMessage, ChatMessage, ToolMessage } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import { traitsOf } from '../anthropic/models.ts'
import { toBlocks, toCachePoint } from './content.ts'
import { invalid } from './invalid.ts'
import { toReasoningBlocks } from './reasoning-blocks.ts'
import { ToolIds } from './tool-ids.ts'
import type { ContentBlock, ConverseMessage, SystemBlock } from './wire.ts'

/** Said by the user where the assistant has the last word and the model would not go on from it. */
const goOn = 'Please continue from where you left off.'
/** Stands for a user's first or last word that is empty, and for one before the assistant's first. */
const nothing = '.'

interface Conversation {
  system: SystemBlock[]
  messages: ConverseMessage[]
  /** Names of the tools that were called, in order. */
  calledTools: ReadonlySet<string>
}

/** A turn in the making. What tools answered comes first in it, as Claude wants it. */
interface Turn {
  role: 'user' | 'assistant'
  toolResults: ContentBlock[]
  blocks: ContentBlock[]
}

/**
 * Bedrock's turns alternate between user and assistant and begin with the user: messages of the same side become one turn, and so do
 * all results of the tools that one turn called.
 */
export function toConversation (messages: readonly ChatMessage[], context: TranslationContext): Conversation {
  const system: SystemBlock[] = []
  const turns: Turn[] = []
  const calledTools = new Set<string>()
  const ids = new ToolIds()
  const names = new Set<string>()
  const turnOf = (role: Turn['role']): Turn => {
    const last = turns.at(-1)
    if (last?.role === role) return last
    const turn: Turn = { role, toolResults: [], blocks: [] }
    turns.push(turn)
    return turn
  }
  const called = new Set<string>()
  for (const [index, message] of messages.entries()) {
    const path = `messages[${index}]`
    switch (message.role) {
      case 'system':
      case 'developer':
        system.push(...toSystemBlocks(toBlocks(message.content, `${path}.content`, names, context), path))
        break
      case 'user': {
        const blocks = toBlocks(message.content, `${path}.content`, names, context)
        if (blocks.length > 0) turnOf('user').blocks.push(...blocks)
        break
      }
      case 'assistant': {
        const blocks = toAssistantBlocks(message, path, ids, names, context)
        for (const { id, function: { name } } of message.tool_calls ?? []) {
          called.add(id)
          calledTools.add(name)
        }
        if (blocks.length > 0) turnOf('assistant').blocks.push(...blocks)
        break
      }
      case 'tool':
        if (!called.has(message.tool_call_id)) throw invalid(`${path}.tool_call_id`, `${path}.tool_call_id is ${JSON.stringify(message.tool_call_id)}, which no message before it called.`)
        turnOf('user').toolResults.push(...toToolResult(message, path, ids, names, context))
        break
    }
  }
  makeWhole(system, turns, messages.at(-1)?.role === 'assistant', context.model)
  return { system, messages: turns.map(({ role, toolResults, blocks }) => ({ role, content: [...toolResults, ...blocks] })), calledTools }
}

/**
 * Bedrock takes conversations that begin with the user and have something in them; newer models of Anthropic, only those that end with the user.
 * @param hasLastWord the assistant's was the last message, whatever became of it
 */
function makeWhole (system: SystemBlock[], turns: Turn[], hasLastWord: boolean, model: string): void {
  const userSays = (blocks: ContentBlock[]): Turn => ({ role: 'user', toolResults: [], blocks })
  if (turns.length === 0) {
    if (!system.some((block) => 'text' in block)) throw invalid('messages', 'messages must have one that says something.')
    turns.push(userSays(system.splice(0)))
  }
  if (turns[0]?.role === 'assistant') turns.unshift(userSays([{ text: nothing }]))
  const last = turns.at(-1) as Turn
  if (last.role === 'user' || last.blocks.some((block) => 'toolUse' in block)) return
  if (!hasLastWord) turns.push(userSays([{ text: nothing }]))
  else if (!traitsOf(model).takesPrefill) turns.push(userSays([{ text: goOn }]))
}

function toSystemBlocks (blocks: readonly ContentBlock[], path: string): SystemBlock[] {
  return blocks.map((block) => {
    if ('text' in block || 'cachePoint' in block) return block
    throw invalid(`${path}.content`, `${path}.content may only hold text: Bedrock takes nothing else from the system.`)
  })
}

function toAssistantBlocks (message: AssistantMessage, path: string, ids: ToolIds, names: Set<string>, context: TranslationContext): ContentBlock[] {
  const { content, refusal, tool_calls: calls } = message
  if (message.audio !== null && message.audio !== undefined) context.drop('messages.audio')
  return [
    ...toReasoningBlocks(message, context),
    ...toBlocks(content, `${path}.content`, names, context),
    ...toBlocks(refusal, `${path}.refusal`, names, context),
    ...(calls ?? []).map((call, index) => ({
      toolUse: { toolUseId: ids.toWire(call.id), name: call.function.name, input: parseArguments(call.function.arguments, `${path}.tool_calls[${index}].function.arguments`) }
    }))
  ]
}

function toToolResult (message: ToolMessage, path: string, ids: ToolIds, names: Set<string>, context: TranslationContext): ContentBlock[] {
  const { tool_call_id: id, content, is_error: isError, cache_control: control } = message
  const blocks = toBlocks(content, `${path}.content`, names, context)
  if (blocks.some((block) => 'audio' in block)) throw invalid(`${path}.content`, `${path}.content holds audio: Bedrock takes none from tools.`)
  // A cache point stands beside a result, not in it.
  const points = blocks.filter((block) => 'cachePoint' in block)
  return [
    { toolResult: { toolUseId: ids.toWire(id), content: blocks.filter((block) => !('cachePoint' in block)), ...isError === true ? { status: 'error' as const } : {} } },
    ...control === undefined || control === null ? points.slice(0, 1) : toCachePoint(control)
  ]
}

function parseArguments (text: string | null | undefined, path: string): unknown {
  if (text === null || text === undefined || text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {}
  throw invalid(path, `${path} must be the JSON text of an object.`)
}
