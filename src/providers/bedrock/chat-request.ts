import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import { toConversation } from './messages.ts'
import { isClaude, toReasoningFields } from './reasoning.ts'
import type { ReasoningFields } from './reasoning.ts'
import { toToolConfig } from './tools.ts'
import type { ConverseBody, OutputConfig } from './wire.ts'

/** What this translation reads; the rest is told to the client as left out, or passed on. */
const known: ReadonlySet<string> = new Set([
  'model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'stop', 'tools', 'tool_choice', 'parallel_tool_calls',
  'response_format', 'reasoning_effort', 'reasoning', 'metadata', 'service_tier', 'system_tools', 'n'
])
/** OpenAI's, without a counterpart here. */
const foreign: ReadonlySet<string> = new Set([
  'seed', 'presence_penalty', 'frequency_penalty', 'logit_bias', 'logprobs', 'top_logprobs', 'user', 'store', 'prediction', 'modalities', 'audio', 'moderation', 'prompt_cache_key',
  'prompt_cache_options', 'prompt_cache_retention', 'safety_identifier', 'verbosity', 'web_search_options', 'functions', 'function_call'
])
/** Converse's own words; what else a client passes through is for the model. */
const ownMembers: ReadonlySet<string> = new Set(['guardrailConfig', 'performanceConfig', 'promptVariables', 'additionalModelResponseFieldPaths', 'additionalModelRequestFields'])
const serviceTiers: ReadonlySet<string> = new Set(['default', 'flex', 'priority', 'reserved'])

/** A chat in Converse's words. @throws GatewayError BIFROST_INVALID_REQUEST */
export function toConverseBody (request: ChatRequest, context: TranslationContext): ConverseBody {
  const { system, messages, calledTools } = toConversation(request.messages, context)
  const reasoning = toReasoningFields(request, messages, context)
  const { own, forModel } = passedMembers(request, context)
  const additional = { ...forModel, ...own['additionalModelRequestFields'] as JsonObject | undefined, ...toTopK(request, reasoning, context), ...reasoning.additional }
  if (request.n !== null && request.n !== undefined && request.n !== 1) context.drop('n')
  return {
    ...own,
    messages,
    ...ifAny('system', system.length > 0 ? system : undefined),
    ...ifAny('inferenceConfig', toInferenceConfig(request, reasoning, context)),
    ...ifAny('toolConfig', toToolConfig(request, calledTools, context)),
    ...ifAny('additionalModelRequestFields', Object.keys(additional).length > 0 ? additional : undefined),
    ...ifAny('requestMetadata', toMetadata(request, context)),
    ...ifAny('serviceTier', toServiceTier(request, context)),
    ...ifAny('outputConfig', toOutputConfig(request, reasoning, context))
  }
}

function ifAny<Name extends keyof ConverseBody> (name: Name, value: ConverseBody[Name]): Partial<Pick<ConverseBody, Name>> {
  return value === undefined ? {} : { [name]: value } as Pick<ConverseBody, Name>
}

function toInferenceConfig (request: ChatRequest, { isBudgeted }: ReasoningFields, context: TranslationContext): ConverseBody['inferenceConfig'] {
  const { stop, temperature, top_p: topP } = request
  const maxTokens = request.max_completion_tokens ?? request.max_tokens ?? undefined
  const stopSequences = (typeof stop === 'string' ? [stop] : stop ?? []).filter((text) => text !== '')
  if (isBudgeted && !isUnset(temperature) && temperature !== 1) context.drop('temperature')
  if (isBudgeted && !isUnset(topP)) context.drop('top_p')
  const config = {
    ...maxTokens === undefined ? {} : { maxTokens },
    // OpenAI's scale ends at 2, Bedrock's at 1.
    ...isUnset(temperature) || isBudgeted ? {} : { temperature: Math.min(temperature, 1) },
    ...isUnset(topP) || isBudgeted ? {} : { topP },
    ...stopSequences.length === 0 ? {} : { stopSequences }
  }
  return Object.keys(config).length > 0 ? config : undefined
}

function toTopK ({ top_k: topK }: ChatRequest, { isBudgeted }: ReasoningFields, context: TranslationContext): JsonObject {
  if (isUnset(topK)) return {}
  if (isBudgeted) {
    context.drop('top_k')
    return {}
  }
  return !isClaude(context.model) && /nova/.test(context.model) ? { inferenceConfig: { topK } } : { top_k: topK }
}

function toMetadata ({ metadata }: ChatRequest, context: TranslationContext): Record<string, string> | undefined {
  if (isUnset(metadata)) return undefined
  const entries = Object.entries(metadata)
  const fits = (text: unknown, bytesMin: number): boolean => typeof text === 'string' && text.length >= bytesMin && text.length <= 256 && /^[a-zA-Z0-9\s:_@$#=/+,.-]*$/.test(text)
  if (entries.length <= 16 && entries.every(([name, value]) => fits(name, 1) && fits(value, 0))) return entries.length > 0 ? metadata : undefined
  context.drop('metadata')
  return undefined
}

function toServiceTier ({ service_tier: tier }: ChatRequest, context: TranslationContext): ConverseBody['serviceTier'] {
  if (isUnset(tier) || tier === 'auto') return undefined
  if (serviceTiers.has(tier)) return { type: tier }
  context.drop('service_tier')
  return undefined
}

function toOutputConfig ({ response_format: format }: ChatRequest, { effort }: ReasoningFields, context: TranslationContext): OutputConfig | undefined {
  const config: OutputConfig = effort === undefined ? {} : { effort }
  if (format?.type === 'json_object') context.drop('response_format')
  if (format?.type === 'json_schema') {
    const { name, description, schema } = format.json_schema
    config.textFormat = { type: 'json_schema', structure: { jsonSchema: { schema: JSON.stringify(schema ?? { type: 'object' }), name, ...description === undefined ? {} : { description } } } }
  }
  return Object.keys(config).length > 0 ? config : undefined
}

/** Members that the canonical form does not name, where the client wants them to go along: Bedrock's own, and those for the model. */
function passedMembers (request: ChatRequest, context: TranslationContext): { own: JsonObject, forModel: JsonObject } {
  const own: JsonObject = {}
  const forModel: JsonObject = {}
  for (const [name, value] of Object.entries(request)) {
    if (known.has(name) || value === null || value === undefined || (foreign.has(name) && saysNothing(value))) continue
    if (foreign.has(name) || !context.passExtraParams) context.drop(name)
    else if (ownMembers.has(name)) own[name] = value
    else forModel[name] = value
  }
  return { own, forModel }
}

/** What OpenAI's members hold when they ask for nothing. */
function saysNothing (value: unknown): boolean {
  return value === 0 || value === false
}

function isUnset<Value> (value: Value | null | undefined): value is null | undefined {
  return value === null || value === undefined
}
