import type { ChatRequest, ChatTool, JsonObject } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import { toMessages } from './messages.ts'

/** OpenAI's scale goes to 2. */
const temperatureMax = 1.5
/** Members that Mistral has under the same name; the second half are its own, from clients that speak OpenAI's dialect to it. */
const sameNames = [
  'top_p', 'stop', 'presence_penalty', 'frequency_penalty', 'n', 'response_format', 'tool_choice', 'parallel_tool_calls', 'metadata',
  'random_seed', 'safe_prompt', 'prompt_mode', 'guardrails', 'prediction', 'prompt_cache_key'
] as const
const translated: ReadonlySet<string> = new Set([
  ...sameNames, 'temperature', 'model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'seed', 'tools', 'service_tier', 'reasoning', 'reasoning_effort'
])
const serviceTiers: ReadonlySet<unknown> = new Set(['auto', 'standard_only'])
/** OpenAI's members without a counterpart: never forwarded, since Mistral answers 422 to what it does not know. */
const withoutMeaning: ReadonlySet<string> = new Set(['user', 'store', 'logit_bias', 'logprobs', 'top_logprobs', 'top_k', 'modalities', 'audio', 'verbosity', 'safety_identifier', 'web_search_options'])

/** The body of `POST /v1/chat/completions`. */
export function toChatBody (request: ChatRequest, context: TranslationContext): JsonObject {
  const body: JsonObject = { model: context.model, messages: toMessages(request.messages, context), stream: context.stream }
  for (const name of sameNames) if (isGiven(request[name])) body[name] = request[name]
  if (isGiven(request.temperature)) body['temperature'] = Math.min(request.temperature, temperatureMax)
  const tokensMax = request.max_completion_tokens ?? request.max_tokens
  if (isGiven(tokensMax)) body['max_tokens'] = tokensMax
  if (isGiven(request.seed)) body['random_seed'] ??= request.seed
  if (isGiven(request.tools) && request.tools.length > 0) body['tools'] = request.tools.map((tool) => toTool(tool, context))
  else if (isGiven(request.tool_choice)) {
    delete body['tool_choice']
    if (request.tool_choice !== 'auto' && request.tool_choice !== 'none') context.drop('tool_choice')
  }
  addReasoning(request, body, context)
  if (serviceTiers.has(request.service_tier)) body['service_tier'] = request.service_tier
  else if (isGiven(request.service_tier)) context.drop('service_tier')
  for (const [name, value] of Object.entries(request)) {
    if (translated.has(name) || !isGiven(value) || value === false) continue
    if (context.passExtraParams && !withoutMeaning.has(name)) body[name] = value
    else context.drop(name)
  }
  return body
}

/** Tools of other types are Mistral's own, such as `web_search`. */
function toTool (tool: ChatTool, context: TranslationContext): JsonObject {
  if (!isGiven(tool.function)) return tool as unknown as JsonObject
  if (isGiven(tool.cache_control)) context.drop('tools.cache_control')
  const { name, description, parameters, strict } = tool.function
  return {
    type: 'function',
    function: { name, ...isGiven(description) ? { description } : {}, parameters: parameters ?? { type: 'object', properties: {} }, ...isGiven(strict) ? { strict } : {} }
  }
}

function addReasoning ({ reasoning, reasoning_effort: plainEffort }: ChatRequest, body: JsonObject, context: TranslationContext): void {
  if (isGiven(reasoning?.max_tokens)) context.drop('reasoning.max_tokens')
  const effort = reasoning?.effort ?? plainEffort
  if (reasoning?.enabled === false) body['reasoning_effort'] = 'none'
  else if (isGiven(effort)) body['reasoning_effort'] = effort
  else if (reasoning?.enabled === true || isGiven(reasoning?.max_tokens)) body['reasoning_effort'] = 'high'
}
