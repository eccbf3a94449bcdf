import type { ChatRequest, ChatTool, ChatToolChoice, JsonObject, ResponseFormat } from '../../api/chat.ts'
import { invalid } from './invalid.ts'
import { toMessages } from './messages.ts'
import { toCacheControl } from './parts.ts'
import type { ClientTool, ConverseBody, ToolChoice } from './wire.ts'

/** A Converse body as a canonical request. @throws GatewayError BIFROST_INVALID_REQUEST */
export function toChatRequest (body: JsonObject, model: string, stream: boolean): ChatRequest {
  const { messages, system, inferenceConfig, toolConfig, additionalModelRequestFields, requestMetadata, serviceTier, outputConfig, modelId: _model, ...rest } = body as ConverseBody
  const { maxTokens, temperature, topP, stopSequences } = inferenceConfig ?? {}
  return {
    ...rest,
    model,
    messages: toMessages(system, messages),
    ...stream ? { stream: true } : {},
    ...withoutUndefined({ max_completion_tokens: maxTokens, temperature, top_p: topP, stop: stopSequences }),
    ...toTools(toolConfig),
    ...fromModelFields(additionalModelRequestFields ?? {}),
    ...withoutUndefined({
      metadata: requestMetadata,
      service_tier: serviceTier?.type,
      reasoning_effort: outputConfig?.effort,
      response_format: toResponseFormat(outputConfig)
    })
  }
}

function toTools (config: ConverseBody['toolConfig']): Partial<ChatRequest> {
  if (config === undefined || config === null) return {}
  if (!Array.isArray(config.tools)) throw invalid('toolConfig.tools', 'toolConfig.tools must be an array.')
  const tools: ChatTool[] = []
  const systemTools: unknown[] = []
  for (const [index, tool] of (config.tools as (ClientTool | null)[]).entries()) {
    const last = tools.at(-1)
    if (typeof tool?.toolSpec?.name === 'string') tools.push(toTool(tool.toolSpec, tool.toolSpec.name))
    else if (tool?.systemTool !== undefined) systemTools.push(tool.systemTool)
    else if (tool?.cachePoint === undefined) throw invalid(`toolConfig.tools[${index}]`, `toolConfig.tools[${index}] must be a toolSpec with a name, a systemTool or a cachePoint.`)
    else if (last !== undefined) last.cache_control = toCacheControl(tool.cachePoint)
  }
  return withoutUndefined({ tools: tools.length === 0 ? undefined : tools, system_tools: systemTools.length === 0 ? undefined : systemTools, tool_choice: fromToolChoice(config.toolChoice ?? {}) })
}

function fromToolChoice ({ auto, any, tool }: ToolChoice): ChatToolChoice | undefined {
  if (tool !== undefined) return { type: 'function', function: { name: tool.name } }
  if (any !== undefined) return 'required'
  return auto === undefined ? undefined : 'auto'
}

function toTool ({ description, inputSchema, strict }: NonNullable<ClientTool['toolSpec']>, name: string): ChatTool {
  return { type: 'function', function: { name, ...withoutUndefined({ description, parameters: inputSchema?.json, strict }) } }
}

/** What the canonical form has a word for is taken out of the members for the model; the rest stays together. */
function fromModelFields (fields: JsonObject): Partial<ChatRequest> {
  const { top_k: topK, thinking, reasoningConfig, reasoning_effort: effort, ...rest } = fields
  const { type, budget_tokens: budget } = (thinking ?? {}) as { type?: string, budget_tokens?: number }
  const { type: novaType, maxReasoningEffort } = (reasoningConfig ?? {}) as { type?: string, maxReasoningEffort?: string }
  const isOn = type === 'enabled' || type === 'adaptive'
  return withoutUndefined({
    top_k: topK,
    reasoning: isOn ? withoutUndefined({ enabled: true, max_tokens: budget }) : undefined,
    reasoning_effort: novaType === 'enabled' ? maxReasoningEffort ?? 'medium' : effort,
    additionalModelRequestFields: Object.keys(rest).length === 0 ? undefined : rest
  }) as Partial<ChatRequest>
}

function toResponseFormat (config: ConverseBody['outputConfig']): ResponseFormat | undefined {
  const wanted = config?.textFormat?.structure?.jsonSchema
  if (typeof wanted?.schema !== 'string') return undefined
  const { name = 'answer', description, schema } = wanted
  return { type: 'json_schema', json_schema: { name, ...description === undefined ? {} : { description }, schema: parseSchema(schema) } }
}

function parseSchema (text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject
  } catch (cause) {
    throw invalid('outputConfig.textFormat.structure.jsonSchema.schema', `outputConfig.textFormat.structure.jsonSchema.schema must be the JSON text of a schema: ${(cause as Error).message}.`)
  }
}

function withoutUndefined<Members extends object> (members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null)) as Members
}
