import type { ChatReply, ChatRequest, JsonObject } from '../../api/chat.ts'
import type { AnswerContext, ChatDialect, ChatEncoder } from '../dialect.ts'
import { toGenerateContentReply } from './chat-reply.ts'
import { fromGenerateContent } from './chat-request.ts'
import { GeminiChatEncoder } from './chat-stream.ts'

/** generateContent and streamGenerateContent. */
export const geminiChat: ChatDialect = {
  toChatRequest: (body: JsonObject, model: string, stream: boolean): ChatRequest => fromGenerateContent(body, model, stream),
  fromChatReply: (reply: ChatReply, _request: ChatRequest, context: AnswerContext): JsonObject => toGenerateContentReply(reply, context),
  createChatEncoder: (_request: ChatRequest, context: AnswerContext): ChatEncoder => new GeminiChatEncoder(context)
}
