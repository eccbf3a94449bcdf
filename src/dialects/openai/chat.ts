import type { ChatChoice, ChatReply, ChatRequest, JsonObject } from '../../api/chat.ts'
import type { AnswerContext, ChatDialect, ChatEncoder } from '../dialect.ts'
import { OpenAiChatEncoder } from './chat-stream.ts'
import { checkMessages } from './chat-request.ts'

/** OpenAI's chat completions: the canonical form itself. */
export const openAiChat: ChatDialect = {
  toChatRequest (body: JsonObject, model: string): ChatRequest {
    checkMessages(body['messages'])
    return { ...body, model } as ChatRequest
  },

  fromChatReply (reply: ChatReply, _request: ChatRequest, context: AnswerContext): JsonObject {
    return { ...reply, choices: reply.choices.map(withText), id: reply.id === '' ? `chatcmpl-${context.newId()}` : reply.id, created: reply.created === 0 ? context.nowSeconds : reply.created, model: reply.model === '' ? context.model : reply.model }
  },

  createChatEncoder (_request: ChatRequest, context: AnswerContext): ChatEncoder {
    return new OpenAiChatEncoder(context)
  }
}

/** OpenAI's answers are text; parts that only another provider knows have no place in them. */
function withText (choice: ChatChoice): ChatChoice {
  const { content } = choice.message
  if (!Array.isArray(content)) return choice
  return { ...choice, message: { ...choice.message, content: content.map((part) => part.type === 'text' ? part.text : '').join('') } }
}
