import type { ChatRequest, ChatTool, ChatToolChoice, JsonObject } from '../../api/chat.ts'
import { invalidRequest, isRecord } from './invalid-request.ts'

type Drop = (member: string) => void

/** Flat here, nested in chat. Tools that OpenAI itself runs are left out, and the client is told. */
export function toTools (body: JsonObject, drop: Drop): Pick<ChatRequest, 'tools' | 'tool_choice'> {
  const { tools, tool_choice: choice } = body
  const known = tools === undefined || tools === null ? null : toFunctions(tools, drop)
  const chosen = toToolChoice(choice, known ?? [])
  const left = chosen.names === null ? known : known?.filter((tool) => chosen.names?.has(tool.function.name)) ?? null
  return {
    ...left === null || left.length === 0 ? {} : { tools: left },
    // A choice among no tools is refused by most.
    ...chosen.choice === null || left === null || left.length === 0 ? {} : { tool_choice: chosen.choice }
  }
}

function toFunctions (tools: unknown, drop: Drop): ChatTool[] {
  if (!Array.isArray(tools)) throw invalidRequest('tools', 'must be an array.')
  return (tools as unknown[]).flatMap((tool, index) => {
    const path = `tools[${index}]`
    if (!isRecord(tool) || typeof tool['type'] !== 'string') throw invalidRequest(path, 'must be an object with a type.')
    if (tool['type'] === 'function') return [toFunction(tool, path)]
    drop(`tools.${tool['type']}`)
    return []
  })
}

function toFunction (tool: JsonObject, path: string): ChatTool {
  const { name, description, parameters, strict } = tool
  if (typeof name !== 'string') throw invalidRequest(`${path}.name`, 'is required.')
  const described: ChatTool['function'] = { name }
  if (typeof description === 'string') described.description = description
  if (isRecord(parameters)) described.parameters = parameters
  if (typeof strict === 'boolean') described.strict = strict
  return { type: 'function', function: described }
}

/** `names` are the tools that are left to the model; null for all. */
function toToolChoice (choice: unknown, tools: readonly ChatTool[]): { choice: ChatToolChoice | null, names: Set<string> | null } {
  if (choice === undefined || choice === null) return { choice: null, names: null }
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { choice, names: null }
  if (!isRecord(choice)) throw invalidRequest('tool_choice', 'must be auto, none, required or an object.')
  if (choice['type'] === 'function') {
    const { name } = choice
    if (typeof name !== 'string' || !tools.some((tool) => tool.function.name === name)) throw invalidRequest('tool_choice.name', 'must be the name of one of the tools.')
    return { choice: { type: 'function', function: { name } }, names: null }
  }
  if (choice['type'] === 'allowed_tools' && Array.isArray(choice['tools'])) {
    const names = (choice['tools'] as unknown[]).flatMap((tool) => isRecord(tool) && typeof tool['name'] === 'string' ? [tool['name']] : [])
    return { choice: choice['mode'] === 'required' ? 'required' : 'auto', names: new Set(names) }
  }
  throw invalidRequest('tool_choice.type', `is ${JSON.stringify(choice['type']) ?? 'missing'}, which only OpenAI's own API can be asked for.`)
}
