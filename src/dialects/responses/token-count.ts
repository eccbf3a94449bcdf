import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import type { TokenCountDialect } from '../dialect.ts'
import { openAiChat } from '../openai/chat.ts'
import { toChatRequest } from './chat-request.ts'

/** `POST /v1/responses/input_tokens`: the body of a Response. `/v1/count_tokens` is asked with that of a chat, too. */
export const responsesTokenCount: TokenCountDialect = {
  toChatRequest: (body: JsonObject, model: string, drop?: (member: string) => void): ChatRequest =>
    body['input'] === undefined && Array.isArray(body['messages']) ? openAiChat.toChatRequest(body, model, false) : toChatRequest(body, model, false, drop),
  fromTokenCount: (tokens: number): JsonObject => ({ object: 'response.input_tokens', input_tokens: tokens })
}
