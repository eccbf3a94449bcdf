import type { ChatReply, JsonObject } from '../../api/chat.ts'
import type { AnswerContext, ChatDialect } from '../dialect.ts'
import { fromChatReply } from './chat-reply.ts'
import { toChatRequest } from './chat-request.ts'
import { OllamaChatEncoder } from './chat-stream.ts'
import type { Said } from './chat-stream.ts'

/** Members of a generation that chat has no words for: `context` and `template` are about the model's own text, `suffix` is what follows the answer. */
const foreignMembers: readonly string[] = ['suffix', 'template', 'context', 'raw']

/** `POST /api/generate`, for providers that have chat: the prompt is what the user says. */
export const ollamaGenerate: ChatDialect = {
  toChatRequest (body, model, stream, drop = () => {}) {
    const { prompt, system, images, ...rest } = body
    for (const name of foreignMembers) {
      const value = rest[name]
      if (value !== undefined && value !== null && value !== '' && value !== false) drop(name)
      Reflect.deleteProperty(rest, name)
    }
    const messages = [...typeof system === 'string' && system !== '' ? [{ role: 'system', content: system }] : [], { role: 'user', content: prompt, images }]
    return toChatRequest({ ...rest, messages }, model, stream)
  },
  fromChatReply: (reply, _request, context) => toGenerated(reply, context),
  createChatEncoder: (_request, context) => new OllamaChatEncoder(context, toPiece)
}

function toGenerated (reply: ChatReply, context: AnswerContext): JsonObject {
  const { message, ...rest } = fromChatReply(reply, context)
  return { ...rest, ...toPiece(message as Said) }
}

/** There are no tools here, so nothing is called. */
function toPiece ({ content, thinking }: Said): JsonObject {
  return { response: content, ...thinking === undefined ? {} : { thinking } }
}
