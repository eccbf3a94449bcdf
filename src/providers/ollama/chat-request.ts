import type { ChatRequest, ChatTool, JsonObject } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import type { TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import { toMessages } from './messages.ts'

/** Members that are options of the model there, under the same name. */
const sameOptions = ['temperature', 'top_p', 'top_k', 'seed', 'presence_penalty', 'frequency_penalty'] as const
const translated: ReadonlySet<string> = new Set([
  ...sameOptions, 'model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'stop', 'tools', 'tool_choice', 'response_format', 'reasoning', 'reasoning_effort', 'logprobs', 'top_logprobs', 'options'
])
/** Values of OpenAI's members that change nothing. */
const withoutEffect: Readonly<Record<string, unknown>> = { n: 1, parallel_tool_calls: true, store: false }
const neverForwarded: ReadonlySet<string> = new Set(['n', 'parallel_tool_calls', 'store', 'user', 'metadata', 'service_tier', 'logit_bias'])
const efforts: Readonly<Record<string, string>> = { minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'high', max: 'high' }

/** The body of `POST /api/chat`. */
export function toChatBody (request: ChatRequest, context: TranslationContext): JsonObject {
  // A stream is the default there, so it is always said.
  const body: JsonObject = { model: context.model, messages: toMessages(request.messages, context), stream: context.stream }
  const tools = toTools(request, context)
  if (tools.length > 0) body['tools'] = tools
  const { response_format: format } = request
  if (format?.type === 'json_schema') body['format'] = format.json_schema.schema ?? 'json'
  else if (format?.type === 'json_object') body['format'] = 'json'
  const think = toThink(request, context)
  if (think !== null) body['think'] = think
  if (request.logprobs === true) {
    body['logprobs'] = true
    if (isGiven(request.top_logprobs)) body['top_logprobs'] = request.top_logprobs
  }
  const options = toOptions(request, context)
  if (Object.keys(options).length > 0) body['options'] = options
  for (const [name, value] of Object.entries(request)) {
    if (translated.has(name) || !isGiven(value) || value === withoutEffect[name]) continue
    if (context.passExtraParams && !neverForwarded.has(name)) body[name] = value
    else context.drop(name)
  }
  return body
}

/** @returns Ollama's options; others that the client named so itself, such as `num_ctx`, go along where it may */
function toOptions (request: ChatRequest, context: TranslationContext): JsonObject {
  const options: JsonObject = {}
  const own = request['options']
  if (typeof own === 'object' && own !== null) {
    if (context.passExtraParams) Object.assign(options, own)
    else context.drop('options')
  }
  for (const name of sameOptions) if (isGiven(request[name])) options[name] = request[name]
  const tokensMax = request.max_completion_tokens ?? request.max_tokens
  if (isGiven(tokensMax)) options['num_predict'] = tokensMax
  const { stop } = request
  if (isGiven(stop) && stop.length > 0) options['stop'] = typeof stop === 'string' ? [stop] : stop
  return options
}

/** Nobody can be made to call a tool; that none is called is had by offering none. */
function toTools ({ tools, tool_choice: choice }: ChatRequest, context: TranslationContext): JsonObject[] {
  if (choice === 'none') return []
  if (choice === 'required' || typeof choice === 'object') {
    if (isGiven(choice)) context.drop('tool_choice')
  }
  const named = typeof choice === 'object' && choice !== null ? choice.function.name : null
  const offered = (tools ?? []).filter((tool) => named === null || tool.function.name === named)
  if (named !== null && offered.length === 0) throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'tool_choice', message: `tool_choice names ${named}, which is not one of the tools.` })
  return offered.map((tool) => toTool(tool, context))
}

function toTool ({ function: { name, description, parameters, strict }, cache_control: cache }: ChatTool, context: TranslationContext): JsonObject {
  if (strict === true) context.drop('tools.function.strict')
  if (isGiven(cache)) context.drop('tools.cache_control')
  return { type: 'function', function: { name, ...isGiven(description) ? { description } : {}, parameters: parameters ?? { type: 'object', properties: {} } } }
}

/** True, false or a level; a budget has no place there. */
function toThink ({ reasoning, reasoning_effort: plainEffort }: ChatRequest, context: TranslationContext): boolean | string | null {
  if (isGiven(reasoning?.max_tokens)) context.drop('reasoning.max_tokens')
  const effort = reasoning?.effort ?? plainEffort
  if (effort === 'none' || reasoning?.enabled === false) return false
  if (isGiven(effort)) return efforts[effort] ?? true
  return reasoning?.enabled === true || isGiven(reasoning?.max_tokens) ? true : null
}
