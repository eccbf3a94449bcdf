import type { AssistantMessage, ChatMessage, ChatReply, ChatRequest, ContentPart, JsonObject } from '../../api/chat.ts'
import type { ChatDecoder, ChatProvider, ProviderRequest, TranslationContext } from '../family.ts'
import { OpenAiChatDecoder } from './chat-decoder.ts'
import { badResponse } from '../bad-response.ts'
import { toEmbeddedError } from './errors.ts'
import { isGiven } from '../is-given.ts'

/** Chat completions for a client of another dialect: the canonical form, without what only others understand. */
export class OpenAiChatProvider implements ChatProvider {
  private readonly provider: string
  private readonly toUrl: (context: TranslationContext) => URL
  private readonly isOlder: boolean
  private readonly wantsThoughts: boolean

  /**
   * @param isOlder it speaks the API as it was before reasoning models: `max_tokens`, no role `developer`
   * @param wantsThoughts what the model thought goes back to it (DeepSeek)
   */
  constructor (provider: string, toUrl: (context: TranslationContext) => URL, isOlder: boolean, wantsThoughts = false) {
    this.provider = provider
    this.toUrl = toUrl
    this.isOlder = isOlder
    this.wantsThoughts = wantsThoughts
  }

  toChatRequest (request: ChatRequest, context: TranslationContext): ProviderRequest {
    const { model, stream } = context
    const { reasoning, top_k: topK, messages, tools, opaque_tools: opaqueTools = [], ...rest } = request
    if (topK !== undefined && topK !== null) context.drop('top_k')
    for (const { dialect } of opaqueTools) context.drop(`tools.${dialect}`)
    const body: JsonObject = { ...toKnown(rest, context), model, messages: messages.map((message) => this.toMessage(message, context)) }
    const effort = rest.reasoning_effort ?? reasoning?.effort
    if (effort !== undefined && effort !== null) body['reasoning_effort'] = effort
    if (tools !== undefined && tools !== null && tools.length > 0) body['tools'] = tools.map(({ cache_control: _cache, ...tool }) => tool)
    if (stream) {
      body['stream'] = true
      // The client's dialect may report usage whether or not it was asked for.
      body['stream_options'] = { include_usage: true, ...rest.stream_options }
    }
    if (this.isOlder) toOlder(body)
    return { url: this.toUrl(context), body }
  }

  private toMessage (message: ChatMessage, context: TranslationContext): JsonObject {
    const plain = toPlain(message as unknown as JsonObject, context)
    return this.wantsThoughts && message.role === 'assistant' ? withThoughts(plain, message) : plain
  }

  fromChatReply (body: unknown, _request: ChatRequest, _context: TranslationContext): ChatReply {
    const reply = body as ChatReply | null
    if (typeof reply !== 'object' || reply === null || !Array.isArray(reply.choices)) throw toEmbeddedError(this.provider, body) ?? badResponse(this.provider, 'no choices')
    return reply
  }

  createChatDecoder (_request: ChatRequest | null): ChatDecoder {
    return new OpenAiChatDecoder(this.provider)
  }
}

/**
 * In thinking mode, a turn with calls of tools without it is a 400: api-docs.deepseek.com/guides/thinking_mode. It may be empty, as where
 * another model made the calls, but must not be missing (earendil-works/pi#3659), and beside it the content must be text (can1357/oh-my-pi#788).
 */
function withThoughts (plain: JsonObject, { reasoning_content: text, reasoning_details: details }: AssistantMessage): JsonObject {
  const readable = (details ?? []).map((detail) => detail.type === 'reasoning.text' ? detail.text : detail.type === 'reasoning.summary' ? detail.summary : '').join('')
  return { ...plain, content: plain['content'] ?? '', reasoning_content: readable === '' ? text ?? '' : readable }
}

/** @param body is changed */
function toOlder (body: JsonObject): void {
  const { max_completion_tokens: limit, max_tokens: formerLimit } = body
  Reflect.deleteProperty(body, 'max_completion_tokens')
  if (limit !== undefined && limit !== null) body['max_tokens'] = formerLimit ?? limit
  body['messages'] = (body['messages'] as JsonObject[]).map((message) => message['role'] === 'developer' ? { ...message, role: 'system' } : message)
}

/** Members of a request in OpenAI's API; other dialects leave what only they know under its own name. */
const requestMembers = new Set([
  'audio', 'frequency_penalty', 'function_call', 'functions', 'logit_bias', 'logprobs', 'max_completion_tokens', 'max_tokens', 'metadata', 'modalities', 'moderation', 'n',
  'parallel_tool_calls', 'prediction', 'presence_penalty', 'prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention', 'reasoning_effort', 'response_format',
  'safety_identifier', 'seed', 'service_tier', 'stop', 'store', 'stream', 'stream_options', 'temperature', 'tool_choice', 'top_logprobs', 'top_p', 'user', 'verbosity', 'web_search_options'
])

function toKnown (members: JsonObject, context: TranslationContext): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([name, value]) => {
    if (requestMembers.has(name) || context.passExtraParams || name === 'model') return true
    if (isGiven(value)) context.drop(name)
    return false
  }))
}

/** Members of a message that OpenAI's API does not know. */
const foreignMembers = new Set(['reasoning_details', 'reasoning_content', 'cache_control', 'is_error', 'annotations', 'images', 'extra_content'])

function toPlain (message: JsonObject, context: TranslationContext): JsonObject {
  // The name of a tool stands in its call.
  const plain = Object.fromEntries(Object.entries(message).filter(([name]) => !foreignMembers.has(name) && !(name === 'name' && message['role'] === 'tool')))
  if (Array.isArray(plain['content'])) plain['content'] = (plain['content'] as ContentPart[]).flatMap((part) => toPlainPart(part, context))
  if (Array.isArray(plain['tool_calls'])) plain['tool_calls'] = (plain['tool_calls'] as JsonObject[]).map(({ extra_content: _extra, ...call }) => call)
  return plain
}

function toPlainPart (part: ContentPart, context: TranslationContext): JsonObject[] {
  if (part.type === 'opaque') {
    context.drop(`messages.content.${part.dialect}`)
    return []
  }
  const { cache_control: _cache, extra_content: _extra, ...plain } = part as unknown as JsonObject
  return [plain]
}
