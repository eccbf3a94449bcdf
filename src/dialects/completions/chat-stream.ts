import type { ChatDelta, FinishReason } from '../../api/chat.ts'
import type { AnswerContext, ChatEncoder } from '../dialect.ts'
import { ChunkWriter } from '../openai/chunk-writer.ts'
import { toCompletionId, toFinish } from './chat-reply.ts'

/** Text completion chunks: one per piece of text, one with the finish, the usage where it was asked for, `[DONE]`. */
export class CompletionsEncoder extends ChunkWriter implements ChatEncoder {
  constructor (context: AnswerContext) {
    super(context, 'text_completion')
  }

  protected toId (id: string): string {
    return toCompletionId(id, this.context)
  }

  delta (choice: number, { content = '', refusal = '' }: ChatDelta): void {
    const text = content + refusal
    if (text !== '') this.choice(choice, text, null)
  }

  finish (choice: number, reason: FinishReason): void {
    this.choice(choice, '', toFinish(reason))
  }

  private choice (index: number, text: string, reason: FinishReason | null): void {
    this.chunk(JSON.stringify([{ text, index, logprobs: null, finish_reason: reason }]))
  }
}
