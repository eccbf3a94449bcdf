import type { ChatReply, ChatRequest } from '../../api/chat.ts'
import type { ChatDecoder, ChatProvider, ProviderRequest, TranslationContext } from '../family.ts'
import { GeminiChatDecoder } from './chat-decoder.ts'
import { fromGenerateContent } from './chat-reply.ts'
import { toGenerateContent } from './chat-request.ts'
import type { ApiTraits } from './chat-request.ts'

/** Where a verb of a model is, for instance `generateContent`. @throws GatewayError where the key does not say enough */
export type UrlOfVerb = (model: string, verb: string, keyIndex: number) => URL

/** generateContent, of the Gemini API and of Vertex AI. */
export class GeminiChatProvider implements ChatProvider {
  private readonly provider: string
  private readonly api: ApiTraits
  private readonly urlOf: UrlOfVerb

  constructor (provider: string, api: ApiTraits, urlOf: UrlOfVerb) {
    this.provider = provider
    this.api = api
    this.urlOf = urlOf
  }

  toChatRequest (request: ChatRequest, context: TranslationContext): ProviderRequest {
    return { url: toChatUrl(this.urlOf, context.model, context.stream, context.keyIndex), body: toGenerateContent(request, this.api, context) }
  }

  fromChatReply (body: unknown, request: ChatRequest, _context: TranslationContext): ChatReply {
    return fromGenerateContent(this.provider, body, request)
  }

  createChatDecoder (request: ChatRequest | null): ChatDecoder {
    return new GeminiChatDecoder(this.provider, request)
  }
}

/** Without `alt=sse` a stream would be one JSON array. */
export function toChatUrl (urlOf: UrlOfVerb, model: string, stream: boolean, keyIndex: number): URL {
  const url = urlOf(model, stream ? 'streamGenerateContent' : 'generateContent', keyIndex)
  if (stream) url.searchParams.set('alt', 'sse')
  return url
}
