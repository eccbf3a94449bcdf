import type { JsonObject } from '../../api/chat.ts'
import type { TokenCountDialect } from '../dialect.ts'
import { fromMessagesBody } from './chat-request.ts'

/** `POST /v1/messages/count_tokens`: the body of a chat, without what only matters to its answer. */
export const anthropicTokenCount: TokenCountDialect = {
  toChatRequest: (body: JsonObject, model: string) => fromMessagesBody(body, model, false),
  fromTokenCount: (tokens: number): JsonObject => ({ input_tokens: tokens })
}
