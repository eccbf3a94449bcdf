import type { ChatRequest } from '../../api/chat.ts'
import type { AnswerContext, ChatDialect, ChatEncoder } from '../dialect.ts'
import { fromChatReply } from './chat-reply.ts'
import { toChatRequest } from './chat-request.ts'
import { ResponsesEncoder } from './chat-stream.ts'

/** OpenAI's Responses API, for providers that only have chat. Nothing is stored: what refers to an earlier Response is refused. */
export const responsesChat: ChatDialect = {
  toChatRequest,
  fromChatReply,
  createChatEncoder: (request: ChatRequest, context: AnswerContext): ChatEncoder => new ResponsesEncoder(request, context)
}
