import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import type { TokenCountDialect } from '../dialect.ts'
import { fromGenerateContent } from './chat-request.ts'
import { membersOf } from './members.ts'

/** countTokens: contents alone, or a whole request. */
export const geminiTokenCount: TokenCountDialect = {
  toChatRequest (body: JsonObject, model: string): ChatRequest {
    const { generateContentRequest, ...plain } = membersOf(body, '')
    return fromGenerateContent(generateContentRequest === undefined ? plain : membersOf(generateContentRequest, 'generateContentRequest'), model, false)
  },
  fromTokenCount: (tokens: number): JsonObject => ({ totalTokens: tokens })
}
