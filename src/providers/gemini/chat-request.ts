import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import { toConversation } from './contents.ts'
import { toGenerationConfig } from './generation-config.ts'
import { traitsOf } from './models.ts'
import { toTools } from './tools.ts'

/** What Google's two APIs do not have in common. */
export interface ApiTraits {
  /** Members of a request that only the other one knows. */
  unknownMembers: ReadonlySet<string>
  /** `serviceTier` is a member of the request. */
  hasServiceTier: boolean
}

/** Read elsewhere, or without a meaning for a provider. */
const understood: ReadonlySet<string> = new Set([
  'model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'n', 'stop', 'seed',
  'presence_penalty', 'frequency_penalty', 'logprobs', 'top_logprobs', 'tools', 'tool_choice', 'parallel_tool_calls', 'response_format',
  'reasoning_effort', 'reasoning', 'modalities', 'extra_body', 'service_tier', 'fallbacks'
])
/** OpenAI's, without a counterpart; Gemini refuses a request with members that it does not know. */
const openAiOnly: ReadonlySet<string> = new Set([
  'user', 'metadata', 'store', 'logit_bias', 'prediction', 'audio', 'prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention',
  'safety_identifier', 'verbosity', 'web_search_options', 'moderation', 'functions', 'function_call'
])
/** Gemini's own members that a client may write at the top level. */
const extensions: ReadonlySet<string> = new Set(['safetySettings', 'cachedContent', 'labels'])

/** A generateContent request, also for its stream. */
export function toGenerateContent (request: ChatRequest, api: ApiTraits, context: TranslationContext): JsonObject {
  const traits = traitsOf(context.model)
  const { systemInstruction, contents } = toConversation(request.messages, traits, context)
  const config = toGenerationConfig(request, traits, context)
  const body: JsonObject = {
    contents,
    ...systemInstruction === null ? {} : { systemInstruction },
    ...toTools(request, traits, context),
    ...Object.keys(config).length === 0 ? {} : { generationConfig: config },
    ...toServiceTier(request, api, context)
  }
  return addOwn(addOthers(body, request, context), request, api, context)
}

function addOthers (body: JsonObject, request: ChatRequest, context: TranslationContext): JsonObject {
  for (const [name, value] of Object.entries(request)) {
    if (understood.has(name) || extensions.has(toCamel(name)) || value === undefined || value === null || value === false) continue
    if (context.passExtraParams && !openAiOnly.has(name)) body[name] = value
    else context.drop(name)
  }
  return body
}

/** What the client says in Gemini's own words wins. */
function addOwn (body: JsonObject, request: ChatRequest, api: ApiTraits, context: TranslationContext): JsonObject {
  for (const name of Object.keys(request.extra_body ?? {})) if (name !== 'google') context.drop(`extra_body.${name}`)
  const atTop = Object.entries(request).filter(([name, value]) => extensions.has(toCamel(name)) && value !== null && value !== undefined)
  for (const [name, value] of [...atTop, ...Object.entries(request.extra_body?.google ?? {})]) {
    const member = toCamel(name)
    if (api.unknownMembers.has(member)) context.drop(name)
    else if (member === 'generationConfig') body[member] = { ...body[member] as JsonObject | undefined, ...value as JsonObject }
    else if (member === 'thinkingConfig') body['generationConfig'] = { ...body['generationConfig'] as JsonObject | undefined, thinkingConfig: value }
    // Server tools stand beside the functions.
    else if (member === 'tools' && Array.isArray(value)) body[member] = [...body[member] as unknown[] | undefined ?? [], ...value as unknown[]]
    else body[member] = value
  }
  return body
}

function toCamel (name: string): string {
  return name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase())
}

const tiers: Readonly<Record<string, string | null>> = { auto: null, default: 'standard', standard: 'standard', flex: 'flex', priority: 'priority' }

function toServiceTier ({ service_tier: asked }: ChatRequest, api: ApiTraits, context: TranslationContext): JsonObject {
  if (asked === undefined || asked === null) return {}
  const tier = tiers[asked]
  if (tier === null) return {}
  if (tier !== undefined && api.hasServiceTier) return { serviceTier: tier }
  context.drop('service_tier')
  return {}
}
