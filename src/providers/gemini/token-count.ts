import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import type { ProviderRequest, TokenCounter, TranslationContext } from '../family.ts'
import type { ApiTraits } from './chat-request.ts'
import { toGenerateContent } from './chat-request.ts'
import type { UrlOfVerb } from './chat.ts'

/** countTokens, of the Gemini API and of Vertex AI. */
export class GeminiTokenCounter implements TokenCounter {
  private readonly provider: string
  private readonly api: ApiTraits
  private readonly urlOf: UrlOfVerb
  private readonly toBody: (request: JsonObject, model: string) => JsonObject

  /** @param toBody a generateContent request as the API wants it counted */
  constructor (provider: string, api: ApiTraits, urlOf: UrlOfVerb, toBody: (request: JsonObject, model: string) => JsonObject) {
    this.provider = provider
    this.api = api
    this.urlOf = urlOf
    this.toBody = toBody
  }

  toCountRequest (request: ChatRequest, context: TranslationContext): ProviderRequest {
    return { url: this.urlOf(context.model, 'countTokens', context.keyIndex), body: this.toBody(toGenerateContent(request, this.api, context), context.model) }
  }

  fromCountReply (body: unknown): number {
    const tokens = (body as { totalTokens?: unknown } | null)?.totalTokens
    if (typeof tokens !== 'number') throw badResponse(this.provider, 'no totalTokens')
    return tokens
  }
}
