import type { ChatRequest, ChatTool, JsonObject } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import { toCachePoint } from './content.ts'
import type { ConverseTool, ToolConfig } from './wire.ts'

/**
 * Bedrock insists on the tools as soon as the history holds calls; who sends the history without them, gets them by name.
 * @param calledTools names of the tools that the history holds
 */
export function toToolConfig (request: ChatRequest, calledTools: ReadonlySet<string>, context: TranslationContext): ToolConfig | undefined {
  const { tool_choice: choice, parallel_tool_calls: parallel } = request
  if (parallel === false) context.drop('parallel_tool_calls')
  const tools: ConverseTool[] = [...(request.tools ?? []).flatMap(toTool), ...toSystemTools(request['system_tools'])]
  if (calledTools.size > 0 && tools.length === 0) tools.push(...[...calledTools].map((name) => ({ toolSpec: { name, inputSchema: { json: { type: 'object' } } } })))
  if (tools.length === 0) return undefined
  if (choice === 'none') {
    if (calledTools.size === 0) return undefined
    // Bedrock has no word for it.
    context.drop('tool_choice')
  }
  return { tools, ...toToolChoice(choice) }
}

function toTool ({ function: { name, description, parameters, strict }, cache_control: control }: ChatTool): ConverseTool[] {
  return [
    {
      toolSpec: {
        name,
        ...description === undefined || description === '' ? {} : { description },
        inputSchema: { json: { type: 'object', ...parameters } },
        ...strict === true ? { strict } : {}
      }
    },
    ...toCachePoint(control)
  ]
}

/** Bedrock's own, for instance `nova_grounding`; a word of this provider, so it needs no leave to pass. */
function toSystemTools (value: unknown): ConverseTool[] {
  return Array.isArray(value) ? (value as { name: string }[]).map((systemTool) => ({ systemTool })) : []
}

function toToolChoice (choice: ChatRequest['tool_choice']): Pick<ToolConfig, 'toolChoice'> {
  const nothing: JsonObject = {}
  if (choice === 'auto') return { toolChoice: { auto: nothing } }
  if (choice === 'required') return { toolChoice: { any: nothing } }
  return typeof choice === 'object' && choice !== null ? { toolChoice: { tool: { name: choice.function.name } } } : {}
}
