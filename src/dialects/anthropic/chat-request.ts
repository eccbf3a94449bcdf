import { cacheControlOf, textOf } from '../../api/anthropic-blocks.ts'
import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { ChatMessage, ChatRequest, ChatTool, ChatToolChoice, JsonObject, OpaqueTool } from '../../api/chat.ts'
import { invalid, isBlock, isObject } from './checks.ts'
import { fromTurn, toTextParts } from './turns.ts'

/** Members that are translated; what is left keeps its name, and a provider that does not know it says so. */
const translated = new Set([
  'model', 'messages', 'system', 'max_tokens', 'stop_sequences', 'tools', 'tool_choice', 'thinking', 'output_config', 'metadata', 'service_tier', 'stream', 'anthropic_version'
])

/**
 * A body of the Messages API in canonical form.
 * @throws GatewayError BIFROST_INVALID_REQUEST that names the member
 */
export function fromMessagesBody (body: JsonObject, model: string, stream: boolean): ChatRequest {
  const { messages, max_tokens: tokensMax, stop_sequences: stop } = body
  if (!Array.isArray(messages)) throw invalid('messages', 'messages must be an array.')
  const rest = Object.fromEntries(Object.entries(body).filter(([name]) => !translated.has(name)))
  return {
    ...rest,
    model,
    messages: [...fromSystem(body['system']), ...(messages as unknown[]).flatMap((turn, index) => fromTurn(turn, `messages[${index}]`))],
    ...(stream && { stream: true }),
    ...(typeof tokensMax === 'number' && { max_completion_tokens: tokensMax }),
    ...(Array.isArray(stop) && stop.length > 0 && { stop: stop as string[] }),
    ...fromTools(body['tools']),
    ...fromToolChoice(body['tool_choice']),
    ...fromThinking(body),
    ...fromFormat(body['output_config']),
    ...fromMetadata(body['metadata']),
    ...fromServiceTier(body['service_tier'])
  }
}

function fromSystem (system: unknown): ChatMessage[] {
  if (system === undefined || system === null) return []
  if (typeof system === 'string') return system === '' ? [] : [{ role: 'system', content: system }]
  if (!Array.isArray(system)) throw invalid('system', 'system must be text or an array of text blocks.')
  if (system.length === 0) return []
  return [{ role: 'system', content: toTextParts(system, 'system') }]
}

function fromTools (tools: unknown): Pick<ChatRequest, 'tools' | 'opaque_tools'> {
  if (tools === undefined || tools === null) return {}
  if (!Array.isArray(tools)) throw invalid('tools', 'tools must be an array.')
  const functions: ChatTool[] = []
  const opaque: OpaqueTool[] = []
  for (const [index, tool] of (tools as unknown[]).entries()) {
    if (!isObject(tool)) throw invalid(`tools[${index}]`, `tools[${index}] must be an object.`)
    const { type, name, description, input_schema: schema, strict } = tool
    if (type !== undefined && type !== null && type !== 'custom') {
      opaque.push({ dialect: 'anthropic', value: tool })
      continue
    }
    if (typeof name !== 'string') throw invalid(`tools[${index}].name`, `tools[${index}].name is required.`)
    if (!isObject(schema)) throw invalid(`tools[${index}].input_schema`, `tools[${index}].input_schema must be an object.`)
    functions.push({
      type: 'function',
      function: { name, ...(typeof description === 'string' && { description }), parameters: schema, ...(typeof strict === 'boolean' && { strict }) },
      ...cacheControlOf(tool as unknown as AnthropicBlock)
    })
  }
  return { ...(functions.length > 0 && { tools: functions }), ...(opaque.length > 0 && { opaque_tools: opaque }) }
}

function fromToolChoice (choice: unknown): Pick<ChatRequest, 'tool_choice' | 'parallel_tool_calls'> {
  if (choice === undefined || choice === null) return {}
  if (!isBlock(choice)) throw invalid('tool_choice', 'tool_choice must be an object with a type.')
  const choices: Readonly<Record<string, ChatToolChoice>> = { auto: 'auto', any: 'required', none: 'none', tool: { type: 'function', function: { name: textOf(choice['name']) } } }
  const chosen = Object.hasOwn(choices, choice.type) ? choices[choice.type] : undefined
  if (chosen === undefined) throw invalid('tool_choice.type', 'tool_choice.type must be one of auto, any, tool, none.')
  return { tool_choice: chosen, ...(typeof choice['disable_parallel_tool_use'] === 'boolean' && { parallel_tool_calls: !choice['disable_parallel_tool_use'] }) }
}

function fromThinking (body: JsonObject): Pick<ChatRequest, 'reasoning'> {
  const { thinking, output_config: output } = body
  const effort = isObject(output) && typeof output['effort'] === 'string' ? { effort: output['effort'] } : {}
  if (!isObject(thinking)) return Object.keys(effort).length === 0 ? {} : { reasoning: effort }
  const budget = thinking['budget_tokens']
  return {
    reasoning: {
      enabled: thinking['type'] !== 'disabled',
      ...effort,
      ...(typeof budget === 'number' && { max_tokens: budget }),
      ...(thinking['display'] === 'summarized' && { summary: 'auto' })
    }
  }
}

function fromFormat (output: unknown): Pick<ChatRequest, 'response_format'> {
  const format = isObject(output) ? output['format'] : undefined
  if (!isObject(format) || !isObject(format['schema'])) return {}
  // OpenAI's formats have a name, and Anthropic's schemas are always strict.
  return { response_format: { type: 'json_schema', json_schema: { name: 'response', schema: format['schema'], strict: true } } }
}

function fromMetadata (metadata: unknown): Pick<ChatRequest, 'user'> {
  const id = isObject(metadata) ? metadata['user_id'] : undefined
  return typeof id === 'string' ? { user: id } : {}
}

function fromServiceTier (tier: unknown): Pick<ChatRequest, 'service_tier'> {
  if (typeof tier !== 'string') return {}
  return { service_tier: tier === 'standard_only' ? 'default' : tier }
}
