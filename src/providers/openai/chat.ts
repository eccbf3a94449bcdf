import type { ChatReply, ChatRequest, ContentPart, JsonObject } from '../../api/chat.ts'
import type { ChatDecoder, ChatProvider, ProviderRequest, TranslationContext } from '../family.ts'
import { OpenAiChatDecoder } from './chat-decoder.ts'
import { badResponse } from '../bad-response.ts'

/** Chat completions for a client of another dialect: the canonical form, without what only others understand. */
export class OpenAiChatProvider implements ChatProvider {
  private readonly provider: string
  private readonly url: URL

  constructor (provider: string, url: URL) {
    this.provider = provider
    this.url = url
  }

  toChatRequest (request: ChatRequest, context: TranslationContext): ProviderRequest {
    const { model, stream } = context
    const { reasoning, top_k: topK, messages, tools, extra_body: extraBody, ...rest } = request
    if (extraBody !== undefined && extraBody !== null) context.drop('extra_body')
    if (topK !== undefined && topK !== null) context.drop('top_k')
    const body: JsonObject = { ...rest, model, messages: messages.map((message) => toPlain(message as unknown as JsonObject, context)) }
    const effort = rest.reasoning_effort ?? reasoning?.effort
    if (effort !== undefined && effort !== null) body['reasoning_effort'] = effort
    if (tools !== undefined && tools !== null && tools.length > 0) body['tools'] = tools.map(({ cache_control: _cache, ...tool }) => tool)
    if (stream) {
      body['stream'] = true
      // The client's dialect may report usage whether or not it was asked for.
      body['stream_options'] = { include_usage: true, ...rest.stream_options }
    }
    return { url: this.url, body }
  }

  fromChatReply (body: unknown, _request: ChatRequest, _context: TranslationContext): ChatReply {
    const reply = body as ChatReply | null
    if (typeof reply !== 'object' || reply === null || !Array.isArray(reply.choices)) throw badResponse(this.provider, 'no choices')
    return reply
  }

  createChatDecoder (_request: ChatRequest | null): ChatDecoder {
    return new OpenAiChatDecoder(this.provider)
  }
}

/** Members of a message that OpenAI's API does not know. */
const foreignMembers = new Set(['reasoning_details', 'reasoning_content', 'cache_control', 'is_error', 'annotations', 'images', 'extra_content'])

function toPlain (message: JsonObject, context: TranslationContext): JsonObject {
  const plain = Object.fromEntries(Object.entries(message).filter(([name]) => !foreignMembers.has(name)))
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
