import type { ChatReply, ChatRequest } from '../../api/chat.ts'
import type { ChatDecoder, ChatProvider, ProviderRequest, TranslationContext } from '../family.ts'
import { AnthropicChatDecoder } from './chat-decoder.ts'
import { fromMessage } from './chat-reply.ts'
import { toMessagesBody } from './chat-request.ts'

/** Where and how a platform serves the Messages API. */
export interface MessagesPlatform {
  /** For messages of errors. */
  provider: string
  toUrl (context: TranslationContext): URL
  /** The body names the model; elsewhere the path does. */
  hasModelInBody: boolean
  /** `anthropic_version` of the body, for instance `vertex-2023-10-16`; null where a header says it. */
  bodyVersion: string | null
  /** The API's version that a request goes with. */
  versionOf (context: TranslationContext): string
}

/** The Messages API, on Anthropic's own platform and on clouds. */
export class AnthropicChatProvider implements ChatProvider {
  private readonly platform: MessagesPlatform

  constructor (platform: MessagesPlatform) {
    this.platform = platform
  }

  toChatRequest (request: ChatRequest, context: TranslationContext): ProviderRequest {
    const { toUrl, hasModelInBody, bodyVersion, versionOf } = this.platform
    const { model, ...rest } = toMessagesBody(request, versionOf(context), context)
    return {
      url: toUrl(context),
      body: { ...(bodyVersion !== null && { anthropic_version: bodyVersion }), ...(hasModelInBody && { model }), ...rest }
    }
  }

  fromChatReply (body: unknown, _request: ChatRequest, _context: TranslationContext): ChatReply {
    return fromMessage(this.platform.provider, body)
  }

  createChatDecoder (_request: ChatRequest | null): ChatDecoder {
    return new AnthropicChatDecoder(this.platform.provider)
  }
}
