import { cacheControlOf } from '../../api/anthropic-blocks.ts'
import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { ChatMessage, ChatRequest, ChatTool, JsonObject, ResponseFormat } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import type { TranslationContext } from '../family.ts'
import type { ModelTraits } from './models.ts'

/** Anthropic's own tools carry the date of their version in their type; a client may name them as they are. */
const ownTool = /_\d{8}$/

export function toTools (request: ChatRequest, traits: ModelTraits, context: TranslationContext): JsonObject[] {
  const own: JsonObject[] = []
  for (const { dialect, value } of request.opaque_tools ?? []) {
    if (dialect === 'anthropic') own.push(value as JsonObject)
    else context.drop(`tools.${dialect}`)
  }
  const tools: unknown = request.tools ?? []
  if (!Array.isArray(tools)) throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'tools', message: 'tools must be an array.' })
  return [...(tools as ChatTool[]).flatMap((tool) => toTool(tool, traits, context)), ...own]
}

function toTool (tool: ChatTool, traits: ModelTraits, context: TranslationContext): JsonObject[] {
  const type: string | undefined = tool?.type
  if (type !== 'function' || typeof tool.function !== 'object' || tool.function === null) {
    if (typeof type === 'string' && ownTool.test(type)) return [tool as unknown as JsonObject]
    context.drop(`tools.${type ?? 'type'}`)
    return []
  }
  const { name, description, parameters, strict } = tool.function
  if (strict === true && !traits.takesStructuredOutput) context.drop('tools.function.strict')
  return [{
    name,
    ...(typeof description === 'string' && { description }),
    // Without a type of its own, a schema is refused.
    input_schema: { type: 'object', ...(parameters ?? { properties: {} }) },
    ...(strict === true && traits.takesStructuredOutput && { strict }),
    ...cacheControlOf(tool as unknown as AnthropicBlock)
  }]
}

/** Tools by the names that the history calls: Anthropic takes no calls, nor their results, in a request without tools. */
export function toCalledTools (messages: readonly ChatMessage[]): JsonObject[] {
  const names = new Set(messages.flatMap((message) => message.role === 'assistant' ? (message.tool_calls ?? []).map((call) => call.function.name) : []))
  return [...names].map((name) => ({ name, input_schema: { type: 'object' } }))
}

/** @returns null where Anthropic's own choice is what the client wants */
export function toToolChoice (request: ChatRequest, traits: ModelTraits, context: TranslationContext): JsonObject | null {
  const { tool_choice: choice, parallel_tool_calls: parallel } = request
  const single = parallel === false ? { disable_parallel_tool_use: true } : {}
  if (choice === undefined || choice === null) return parallel === false ? { type: 'auto', ...single } : null
  if (choice === 'none') return { type: 'none' }
  if (choice === 'auto') return { type: 'auto', ...single }
  const name = typeof choice === 'object' ? choice.function?.name : undefined
  const known = choice === 'required' || typeof name === 'string'
  if (known && traits.takesForcedTool) return typeof name === 'string' ? { type: 'tool', name, ...single } : { type: 'any', ...single }
  context.drop('tool_choice')
  return { type: 'auto', ...single }
}

/** @returns `output_config.format`; null where there is none */
export function toOutputFormat (format: ResponseFormat | null | undefined, traits: ModelTraits, context: TranslationContext): JsonObject | null {
  if (format === undefined || format === null || format.type === 'text') return null
  if (format.type === 'json_schema' && traits.takesStructuredOutput && typeof format.json_schema?.schema === 'object' && format.json_schema.schema !== null) {
    return { type: 'json_schema', schema: closed(format.json_schema.schema) }
  }
  context.drop('response_format')
  return null
}

/** Anthropic wants every object of a schema closed, which others only want of a strict one. */
function closed (schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, name === 'const' || name === 'enum' || name === 'default' ? value : closed(value)]))
  return inner['type'] === 'object' && inner['additionalProperties'] === undefined ? { ...inner, additionalProperties: false } : inner
}
