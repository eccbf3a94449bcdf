import type { ChatDialect } from '../dialect.ts'
import { fromChatReply } from './chat-reply.ts'
import { toChatRequest } from './chat-request.ts'
import { CohereChatEncoder } from './chat-stream.ts'

/** `POST /v2/chat`. */
export const cohereChat: ChatDialect = {
  toChatRequest,
  fromChatReply: (reply, _request, context) => fromChatReply(reply, context),
  createChatEncoder: (_request, context) => new CohereChatEncoder(context)
}
