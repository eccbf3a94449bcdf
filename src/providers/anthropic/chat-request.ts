import type { ChatMessage, ChatRequest, JsonObject } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import { toConversation } from './messages.ts'
import { traitsOf } from './models.ts'
import { hasText } from './parts.ts'
import { toSampling } from './sampling.ts'
import { toThinking } from './thinking.ts'
import { toCalledTools, toOutputFormat, toToolChoice, toTools } from './tools.ts'

/** The version that takes no sampling parameters, whatever the model. */
const versionWithoutSampling = '2026-10-21'

/** What the Messages API calls by the same name; a client that knows the name means just that. */
const ownMembers = new Set(['cache_control', 'container', 'context_management', 'diagnostics', 'inference_geo', 'mcp_servers', 'output_config', 'speed', 'thinking', 'user_profile_id', 'workspace_id'])

/** Members that are read below. */
const readMembers = new Set([
  'model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'stop', 'tools', 'opaque_tools', 'tool_choice',
  'parallel_tool_calls', 'response_format', 'reasoning_effort', 'reasoning', 'user', 'metadata', 'service_tier', 'n', 'logprobs', 'presence_penalty', 'frequency_penalty', 'fallbacks'
])
/** Members without a counterpart that may all the same say what Anthropic does anyway. */
const harmlessValues: Readonly<Record<string, unknown>> = { n: 1, logprobs: false, presence_penalty: 0, frequency_penalty: 0 }
/** OpenAI's other members: known, and without a counterpart. */
const foreignMembers = new Set([
  'seed', 'logit_bias', 'top_logprobs', 'store', 'modalities', 'audio', 'prediction', 'verbosity', 'web_search_options', 'prompt_cache_key', 'prompt_cache_options',
  'prompt_cache_retention', 'safety_identifier', 'moderation', 'functions', 'function_call'
])

/** @param apiVersion `anthropic-version` of the request */
export function toMessagesBody (request: ChatRequest, apiVersion: string, context: TranslationContext): JsonObject {
  const traits = traitsOf(context.model)
  const tokensMax = request.max_completion_tokens ?? request.max_tokens ?? traits.outputTokensMax
  const offered = toTools(request, traits, context)
  const tools = offered.length > 0 ? offered : toCalledTools(request.messages)
  // Tools that only the history names are not to be called.
  const choice = tools.length > offered.length ? { type: 'none' } : toToolChoice(request, traits, context)
  if (offered.length === 0 && request.tool_choice !== undefined && request.tool_choice !== null && request.tool_choice !== 'none') context.drop('tool_choice')
  const isForced = tools.length > 0 && (choice?.['type'] === 'any' || choice?.['type'] === 'tool')
  const mayThink = !isForced && (traits.thinking !== 'budget' || !isAmidCalls(request.messages))
  const { thinking, effort } = toThinking(request, traits, tokensMax, mayThink, context)
  const format = toOutputFormat(request.response_format, traits, context)
  const own = passMembers(request, context)
  const thinkingType = (thinking ?? own['thinking'] as JsonObject | undefined)?.['type']
  const isThinking = thinkingType !== undefined && thinkingType !== 'disabled'
  const { system, turns } = toConversation(request.messages, traits.takesPrefill && !isThinking, context)
  const outputConfig = { ...(own['output_config'] as JsonObject | undefined), ...(effort !== null && { effort }), ...(format !== null && { format }) }
  return {
    ...own,
    model: context.model,
    max_tokens: tokensMax,
    ...(system !== null && { system }),
    messages: turns,
    ...(tools.length > 0 && { tools }),
    ...(tools.length > 0 && choice !== null && { tool_choice: choice }),
    ...(thinking !== null && { thinking }),
    ...(Object.keys(outputConfig).length > 0 && { output_config: outputConfig }),
    ...toSampling(request, !traits.takesSampling || apiVersion === versionWithoutSampling, isThinking, context),
    ...toStop(request, context),
    ...toMetadata(request, context),
    ...toServiceTier(request, context),
    ...(context.stream && { stream: true })
  }
}

/** Notes what Anthropic has no word for. @returns members that go along as they are */
function passMembers (request: ChatRequest, context: TranslationContext): JsonObject {
  const passed: JsonObject = {}
  for (const [name, value] of Object.entries(request)) {
    if (value === null || value === undefined) continue
    if (Object.hasOwn(harmlessValues, name)) {
      if (harmlessValues[name] !== value) context.drop(name)
    } else if (readMembers.has(name)) continue
    else if (ownMembers.has(name) || (context.passExtraParams && !foreignMembers.has(name))) passed[name] = value
    else context.drop(name)
  }
  return passed
}

/**
 * The model waits for the results of calls before which it did not think: with a budget, Anthropic then refuses to begin to think
 * ("Expected `thinking`, but found `tool_use`"). It happens where another provider's model made the calls.
 */
function isAmidCalls (messages: readonly ChatMessage[]): boolean {
  for (const message of [...messages].reverse()) {
    if (message.role === 'user') return false
    if (message.role !== 'assistant') continue
    if ((message.tool_calls ?? []).length === 0) return false
    return !Array.isArray(message.reasoning_details) || !message.reasoning_details.some((detail) => detail.type === 'reasoning.encrypted' || (detail.type === 'reasoning.text' && typeof detail.signature === 'string' && detail.signature !== ''))
  }
  return false
}

function toStop ({ stop }: ChatRequest, context: TranslationContext): JsonObject {
  if (stop === null || stop === undefined) return {}
  const all: readonly unknown[] = Array.isArray(stop) ? stop : [stop]
  // Of nothing but white space they are refused.
  const sequences = all.filter(hasText)
  if (sequences.length < all.length) context.drop('stop')
  return sequences.length === 0 ? {} : { stop_sequences: sequences }
}

function toMetadata ({ user, metadata }: ChatRequest, context: TranslationContext): JsonObject {
  const id = user ?? metadata?.['user_id']
  if (Object.keys(metadata ?? {}).some((name) => name !== 'user_id')) context.drop('metadata')
  return typeof id === 'string' ? { metadata: { user_id: id } } : {}
}

function toServiceTier ({ service_tier: tier }: ChatRequest, context: TranslationContext): JsonObject {
  if (tier === null || tier === undefined) return {}
  if (tier === 'auto') return { service_tier: 'auto' }
  if (tier === 'default' || tier === 'standard_only') return { service_tier: 'standard_only' }
  context.drop('service_tier')
  return {}
}
