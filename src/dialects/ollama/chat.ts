import type { ChatDialect } from '../dialect.ts'
import { fromChatReply } from './chat-reply.ts'
import { toChatRequest } from './chat-request.ts'
import { OllamaChatEncoder } from './chat-stream.ts'

/** `POST /api/chat`. */
export const ollamaChat: ChatDialect = {
  toChatRequest,
  fromChatReply: (reply, _request, context) => fromChatReply(reply, context),
  createChatEncoder: (_request, context) => new OllamaChatEncoder(context)
}
