import type { ChatReply, ChatRequest, JsonObject } from '../../api/chat.ts'
import type { AnswerContext, ChatDialect, ChatEncoder } from '../dialect.ts'
import { toMessage } from './chat-reply.ts'
import { fromMessagesBody } from './chat-request.ts'
import { AnthropicChatEncoder } from './chat-stream.ts'

/** `POST /v1/messages`, in both of its versions. */
export const anthropicChat: ChatDialect = {
  toChatRequest: (body: JsonObject, model: string, stream: boolean): ChatRequest => fromMessagesBody(body, model, stream),
  fromChatReply: (reply: ChatReply, _request: ChatRequest, context: AnswerContext): JsonObject => toMessage(reply, context),
  createChatEncoder: (_request: ChatRequest, context: AnswerContext): ChatEncoder => new AnthropicChatEncoder(context)
}
