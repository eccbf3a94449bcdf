import type { ChatRequest } from '../../api/chat.ts'
import type { AnswerContext, ChatDialect, ChatEncoder } from '../dialect.ts'
import { fromChatReply } from './chat-reply.ts'
import { toChatRequest } from './chat-request.ts'
import { CompletionsEncoder } from './chat-stream.ts'

/** OpenAI's text completions, for providers that only have chat: the prompt is what the user says. */
export const completionsChat: ChatDialect = {
  toChatRequest,
  fromChatReply,
  createChatEncoder: (_request: ChatRequest, context: AnswerContext): ChatEncoder => new CompletionsEncoder(context)
}
