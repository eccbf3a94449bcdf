import type { ChatRequest, JsonObject, ResponseFormat } from '../../api/chat.ts'
import { toMessages } from './input-items.ts'
import { invalidRequest, isGiven, isRecord } from './invalid-request.ts'
import { keepAsked } from './response-object.ts'
import { toTools } from './tools.ts'

type Drop = (member: string) => void

/** What refers to something that a Responses server keeps, and nobody keeps here. */
const statefulMembers: readonly string[] = ['previous_response_id', 'conversation', 'prompt']
/** Members that say the same in both APIs. */
const sharedMembers: readonly string[] = [
  'temperature', 'top_p', 'parallel_tool_calls', 'user', 'metadata', 'service_tier', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'
]
const translatedMembers: ReadonlySet<string> = new Set([
  ...statefulMembers, ...sharedMembers, 'model', 'messages', 'top_logprobs', 'stream', 'stream_options', 'input', 'instructions', 'max_output_tokens', 'text', 'reasoning', 'tools', 'tool_choice',
  'background', 'store', 'truncation', 'include', 'max_tool_calls', 'context_management'
])

/** @throws GatewayError BIFROST_INVALID_REQUEST that names the member */
export function toChatRequest (body: JsonObject, model: string, stream: boolean, drop: Drop = () => {}): ChatRequest {
  refuseState(body)
  const request: ChatRequest = { model, messages: toMessages(body['input']) }
  const { instructions } = body
  if (isGiven(instructions)) {
    if (typeof instructions !== 'string') throw invalidRequest('instructions', 'must be text.')
    // `system` and not `developer`, which only OpenAI knows.
    if (instructions !== '') request.messages.unshift({ role: 'system', content: instructions })
  }
  if (stream) request.stream = true
  for (const name of sharedMembers) {
    if (isGiven(body[name])) request[name] = body[name]
  }
  if (isGiven(body['max_output_tokens'])) request.max_completion_tokens = body['max_output_tokens'] as number
  Object.assign(request, toTextOptions(body['text']), toReasoning(body['reasoning'], drop), toTools(body, drop))
  readLogprobs(body, request, drop)
  dropState(body, drop)
  for (const [name, value] of Object.entries(body)) {
    if (!translatedMembers.has(name)) request[name] = value
  }
  keepAsked(request, body)
  return request
}

function refuseState (body: JsonObject): void {
  for (const name of statefulMembers) {
    if (isGiven(body[name])) throw invalidRequest(name, 'needs a provider with a Responses API of its own: nothing is stored here. Send the whole conversation as input.')
  }
  if (body['background'] === true) throw invalidRequest('background', 'needs a provider with a Responses API of its own: nothing is stored here.')
}

function dropState (body: JsonObject, drop: Drop): void {
  if (body['store'] === true) drop('store')
  if (isGiven(body['truncation']) && body['truncation'] !== 'disabled') drop('truncation')
  for (const name of ['max_tool_calls', 'context_management']) {
    if (isGiven(body[name])) drop(name)
  }
}

function toTextOptions (text: unknown): JsonObject {
  if (!isGiven(text)) return {}
  if (!isRecord(text)) throw invalidRequest('text', 'must be an object.')
  const { format, verbosity } = text
  return {
    ...isGiven(format) ? { response_format: toResponseFormat(format) } : {},
    ...isGiven(verbosity) ? { verbosity } : {}
  }
}

function toResponseFormat (format: unknown): ResponseFormat {
  if (!isRecord(format)) throw invalidRequest('text.format', 'must be an object.')
  const { type, name, description, schema, strict } = format
  if (type === 'text' || type === 'json_object') return { type }
  if (type !== 'json_schema') throw invalidRequest('text.format.type', 'must be text, json_object or json_schema.')
  if (typeof name !== 'string') throw invalidRequest('text.format.name', 'is required.')
  return {
    type,
    json_schema: {
      name,
      ...typeof description === 'string' ? { description } : {},
      ...isRecord(schema) ? { schema } : {},
      ...typeof strict === 'boolean' ? { strict } : {}
    }
  }
}

function toReasoning (reasoning: unknown, drop: Drop): Pick<ChatRequest, 'reasoning' | 'reasoning_effort'> {
  if (!isGiven(reasoning)) return {}
  if (!isRecord(reasoning)) throw invalidRequest('reasoning', 'must be an object.')
  const { effort, summary, generate_summary: formerSummary, max_tokens: budget, ...rest } = reasoning
  for (const name of Object.keys(rest)) drop(`reasoning.${name}`)
  const wanted = summary ?? formerSummary
  const more = {
    ...typeof wanted === 'string' ? { summary: wanted } : {},
    ...typeof budget === 'number' ? { max_tokens: budget } : {}
  }
  return {
    ...typeof effort === 'string' ? { reasoning_effort: effort } : {},
    ...Object.keys(more).length === 0 ? {} : { reasoning: typeof effort === 'string' ? { effort, ...more } : more }
  }
}

/** `include` is about log probabilities for the most part: encrypted reasoning is always part of the answer here. */
function readLogprobs ({ include, top_logprobs: top }: JsonObject, request: ChatRequest, drop: Drop): void {
  if (typeof top === 'number' && top > 0) Object.assign(request, { logprobs: true, top_logprobs: top })
  for (const what of Array.isArray(include) ? include as unknown[] : []) {
    if (what === 'message.output_text.logprobs') request.logprobs = true
    else if (what !== 'reasoning.encrypted_content') drop(`include.${String(what)}`)
  }
}
