import type { ChatRequest, ChatTool, JsonObject } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import type { TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import { toMessages } from './messages.ts'

/** Limits of the API; beyond them it answers 400. */
const stopSequencesMax = 5
const topKMax = 500
const topPMin = 0.01
const topPMax = 0.99

/** Members of the canonical form that are read below; those with a name of their own at Cohere have it as the value. */
const sameNames = ['seed'] as const
const translated: ReadonlySet<string> = new Set([
  ...sameNames, 'temperature', 'model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'top_p', 'top_k', 'stop', 'presence_penalty', 'frequency_penalty', 'logprobs',
  'tools', 'tool_choice', 'response_format', 'reasoning', 'reasoning_effort'
])
/** Members of OpenAI that say something Cohere cannot be told; a value that changes nothing is not worth a word. */
const withoutMeaning: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value === 1,
  parallel_tool_calls: (value) => value === true,
  user: () => false,
  metadata: () => false,
  service_tier: () => false,
  store: () => false,
  logit_bias: () => false,
  top_logprobs: () => false
}

/** The body of `POST /v2/chat`. */
export function toChatBody (request: ChatRequest, context: TranslationContext): JsonObject {
  const body: JsonObject = { model: context.model, messages: toMessages(request.messages, context), stream: context.stream }
  for (const name of sameNames) if (isGiven(request[name])) body[name] = request[name]
  const tokensMax = request.max_completion_tokens ?? request.max_tokens
  if (isGiven(tokensMax)) body['max_tokens'] = tokensMax
  addSampling(request, body, context)
  addTools(request, body, context)
  addResponseFormat(request, body, context)
  const thinking = toThinking(request)
  if (thinking !== null) body['thinking'] = thinking
  if (request.logprobs === true) body['logprobs'] = true
  addOthers(request, body, context)
  return body
}

function addSampling (request: ChatRequest, body: JsonObject, context: TranslationContext): void {
  const { temperature, top_p: topP, top_k: topK, stop } = request
  // OpenAI's scale goes to 2, Cohere's to 1.
  if (isGiven(temperature)) body['temperature'] = Math.min(temperature, 1)
  if (isGiven(topP)) body['p'] = Math.min(Math.max(topP, topPMin), topPMax)
  if (isGiven(topK)) body['k'] = Math.min(topK, topKMax)
  for (const name of ['presence_penalty', 'frequency_penalty'] as const) {
    const value = request[name]
    if (!isGiven(value)) continue
    if (value >= 0 && value <= 1) body[name] = value
    else context.drop(name)
  }
  const sequences = typeof stop === 'string' ? [stop] : stop ?? []
  if (sequences.length > stopSequencesMax) context.drop('stop')
  if (sequences.length > 0) body['stop_sequences'] = sequences.slice(0, stopSequencesMax)
}

function addTools ({ tools, tool_choice: choice }: ChatRequest, body: JsonObject, context: TranslationContext): void {
  if (!isGiven(tools) || tools.length === 0) {
    if (choice === 'required' || typeof choice === 'object') context.drop('tool_choice')
    return
  }
  const named = typeof choice === 'object' && choice !== null ? choice.function.name : null
  // One tool cannot be named: it has to be the only one.
  const offered = named === null ? tools : tools.filter((tool) => tool.function.name === named)
  if (offered.length === 0) throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'tool_choice', message: `tool_choice names ${String(named)}, which is not one of the tools.` })
  body['tools'] = offered.map((tool) => toTool(tool, context))
  if (named !== null || choice === 'required') body['tool_choice'] = 'REQUIRED'
  else if (choice === 'none') body['tool_choice'] = 'NONE'
  // Cohere is strict with all tools or with none.
  if (offered.every((tool) => tool.function.strict === true)) body['strict_tools'] = true
  else if (offered.some((tool) => tool.function.strict === true)) context.drop('tools.function.strict')
}

function toTool ({ function: { name, description, parameters }, cache_control: cache }: ChatTool, context: TranslationContext): JsonObject {
  if (isGiven(cache)) context.drop('tools.cache_control')
  return { type: 'function', function: { name, ...isGiven(description) ? { description } : {}, parameters: parameters ?? { type: 'object', properties: {} } } }
}

function addResponseFormat ({ response_format: format }: ChatRequest, body: JsonObject, context: TranslationContext): void {
  // Cohere takes one or the other.
  if (isGiven(format) && format.type !== 'text' && body['tools'] !== undefined) return context.drop('response_format')
  if (format?.type === 'json_object') body['response_format'] = { type: 'json_object' }
  // Always followed strictly; its name says nothing to the model.
  else if (format?.type === 'json_schema') body['response_format'] = { type: 'json_object', ...isGiven(format.json_schema.schema) ? { json_schema: format.json_schema.schema } : {} }
}

/** Cohere thinks or does not, with a budget or without; an effort has no degrees there. */
function toThinking ({ reasoning, reasoning_effort: plainEffort }: ChatRequest): JsonObject | null {
  const effort = reasoning?.effort ?? plainEffort
  if (effort === 'none' || reasoning?.enabled === false) return { type: 'disabled' }
  const budget = reasoning?.max_tokens
  if (isGiven(budget)) return { type: 'enabled', token_budget: budget }
  return isGiven(effort) || reasoning?.enabled === true ? { type: 'enabled' } : null
}

function addOthers (request: ChatRequest, body: JsonObject, context: TranslationContext): void {
  for (const [name, value] of Object.entries(request)) {
    if (translated.has(name) || !isGiven(value)) continue
    const changesNothing = withoutMeaning[name]
    if (changesNothing === undefined && context.passExtraParams) body[name] = value
    else if (changesNothing?.(value) !== true) context.drop(name)
  }
}
