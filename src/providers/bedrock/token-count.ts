import type { ChatRequest } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import type { ProviderRequest, TokenCounter, TranslationContext } from '../family.ts'
import { toConverseBody } from './chat-request.ts'

/** Counts what Converse would be asked; how it answers does not matter to the count. */
export function tokenCounterOf (provider: string, urlOf: (context: TranslationContext) => URL): TokenCounter {
  return {
    toCountRequest (request: ChatRequest, context): ProviderRequest {
      const { messages, system, toolConfig, additionalModelRequestFields } = toConverseBody(request, context)
      return { url: urlOf(context), body: { input: { converse: { messages, system, toolConfig, additionalModelRequestFields } } } }
    },
    fromCountReply (body: unknown): number {
      const tokens = (body as { inputTokens?: unknown } | null)?.inputTokens
      if (typeof tokens !== 'number') throw badResponse(provider, 'no inputTokens')
      return tokens
    }
  }
}
