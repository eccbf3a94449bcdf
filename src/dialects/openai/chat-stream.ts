import type { ChatDelta, FinishReason } from '../../api/chat.ts'
import type { AnswerContext, ChatEncoder } from '../dialect.ts'
import { ChunkWriter } from './chunk-writer.ts'

/** Chat completion chunks: one per delta, a finish with an empty delta, the usage where it was asked for, `[DONE]`. */
export class OpenAiChatEncoder extends ChunkWriter implements ChatEncoder {
  /** Choices whose role has been said. */
  private readonly opened = new Set<number>()

  constructor (context: AnswerContext) {
    super(context, 'chat.completion.chunk')
  }

  protected toId (id: string): string {
    return id === '' ? `chatcmpl-${this.context.newId()}` : id
  }

  delta (choice: number, delta: ChatDelta, logprobs?: unknown): void {
    const isFirst = !this.opened.has(choice)
    if (isFirst) this.opened.add(choice)
    this.choice(choice, JSON.stringify(isFirst ? { role: 'assistant', ...delta } : delta), 'null', logprobs)
  }

  finish (choice: number, reason: FinishReason): void {
    this.choice(choice, this.opened.has(choice) ? '{}' : '{"role":"assistant","content":""}', `"${reason}"`)
    this.opened.add(choice)
  }

  private choice (index: number, delta: string, finishReason: string, logprobs?: unknown): void {
    const told = logprobs === undefined ? '' : `"logprobs":${JSON.stringify(logprobs)},`
    this.chunk(`[{"index":${index},"delta":${delta},${told}"finish_reason":${finishReason}}]`)
  }
}
