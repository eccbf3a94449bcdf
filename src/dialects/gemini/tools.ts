import type { ChatTool, ChatToolChoice, JsonObject } from '../../api/chat.ts'
import { invalidRequest, isRecord, listOf, membersOf } from './members.ts'
import { toJsonSchema } from './schema.ts'

export interface ToolsSaid {
  tools: ChatTool[]
  /** Tools that run at Google's. */
  serverTools: JsonObject[]
}

export function toChatTools (tools: unknown): ToolsSaid {
  const said: ToolsSaid = { tools: [], serverTools: [] }
  for (const [index, tool] of listOf(tools, 'tools').entries()) {
    const path = `tools[${index}]`
    const { functionDeclarations, ...serverTool } = membersOf(tool, path)
    said.tools.push(...listOf(functionDeclarations, `${path}.functionDeclarations`).map((declaration, at) => toChatTool(declaration, `${path}.functionDeclarations[${at}]`)))
    if (Object.keys(serverTool).length > 0) said.serverTools.push(serverTool)
  }
  return said
}

function toChatTool (declaration: unknown, path: string): ChatTool {
  const { name, description, parameters, parametersJsonSchema } = membersOf(declaration, path)
  if (typeof name !== 'string' || name === '') throw invalidRequest(`${path}.name`, `${path}.name is required.`)
  const schema = isRecord(parametersJsonSchema) ? parametersJsonSchema : isRecord(parameters) ? toJsonSchema(parameters) : undefined
  return {
    type: 'function',
    function: { name, ...typeof description === 'string' ? { description } : {}, ...schema === undefined ? {} : { parameters: schema } }
  }
}

const choices: Readonly<Record<string, ChatToolChoice>> = { AUTO: 'auto', VALIDATED: 'auto', ANY: 'required', NONE: 'none' }

/** @returns also whether the choice says all of it */
export function toToolChoice (toolConfig: unknown): { choice: ChatToolChoice | null, isWhole: boolean } {
  const { functionCallingConfig, ...rest } = membersOf(toolConfig, 'toolConfig')
  const { mode, allowedFunctionNames: names, ...more } = membersOf(functionCallingConfig, 'toolConfig.functionCallingConfig')
  const hasMore = Object.keys(rest).length > 0 || Object.keys(more).length > 0
  if (mode === 'ANY' && Array.isArray(names) && names.length === 1) return { choice: { type: 'function', function: { name: String(names[0]) } }, isWhole: !hasMore }
  const choice = typeof mode === 'string' ? choices[mode.toUpperCase()] ?? null : null
  return { choice, isWhole: !hasMore && mode !== 'VALIDATED' && (names === undefined || (names as unknown[]).length === 0) }
}
