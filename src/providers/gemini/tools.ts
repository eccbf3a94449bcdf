import type { ChatRequest, ChatTool, ChatToolChoice, JsonObject } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import { invalidRequest } from './invalid-request.ts'
import type { ModelTraits } from './models.ts'
import { isEmptyObject, toSubset } from './schema.ts'
import { toWireName } from './tool-names.ts'

/** @returns `tools` and `toolConfig`, or nothing where there are no functions */
export function toTools (request: ChatRequest, traits: ModelTraits, context: TranslationContext): JsonObject {
  const { tools, tool_choice: choice, parallel_tool_calls: parallel } = request
  if (tools === undefined || tools === null || tools.length === 0) return {}
  if (parallel === false) context.drop('parallel_tool_calls')
  return {
    tools: [{ functionDeclarations: tools.map((tool, index) => toDeclaration(tool, `tools[${index}]`, traits, context)) }],
    ...choice === undefined || choice === null ? {} : { toolConfig: { functionCallingConfig: toCallingConfig(choice) } }
  }
}

function toDeclaration (tool: ChatTool, path: string, traits: ModelTraits, context: TranslationContext): JsonObject {
  const declared = tool.function
  if (tool.type !== 'function' || typeof declared?.name !== 'string') throw invalidRequest(path, `${path} must be a function with a name.`)
  if (tool.cache_control !== undefined && tool.cache_control !== null) context.drop('tools.cache_control')
  if (declared.strict === true) context.drop('tools.function.strict')
  const { description, parameters } = declared
  return {
    name: toWireName(declared.name),
    ...typeof description === 'string' && description !== '' ? { description } : {},
    ...parameters === undefined || parameters === null || isEmptyObject(parameters) ? {} : traits.jsonSchema ? { parametersJsonSchema: parameters } : { parameters: toSubset(parameters) }
  }
}

const modes: Readonly<Record<string, string>> = { auto: 'AUTO', none: 'NONE', required: 'ANY' }

function toCallingConfig (choice: ChatToolChoice): JsonObject {
  const mode = typeof choice === 'string' ? modes[choice] : undefined
  if (mode !== undefined) return { mode }
  const name = typeof choice === 'object' && choice.type === 'function' ? choice.function?.name : undefined
  if (typeof name !== 'string') throw invalidRequest('tool_choice', 'tool_choice must be auto, none, required or {"type": "function", "function": {"name"}}.')
  return { mode: 'ANY', allowedFunctionNames: [toWireName(name)] }
}
