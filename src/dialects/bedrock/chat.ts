import type { ChatDialect } from '../dialect.ts'
import { fromChatReply } from './chat-reply.ts'
import { toChatRequest } from './chat-request.ts'
import { BedrockChatEncoder } from './chat-stream.ts'

/** Amazon Bedrock's Converse and ConverseStream. */
export const bedrockChat: ChatDialect = {
  toChatRequest,
  fromChatReply,
  createChatEncoder: () => new BedrockChatEncoder()
}
