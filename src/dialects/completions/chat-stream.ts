import type { ChatDelta, ChatUsage, FinishReason } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import type { AnswerContext, ChatEncoder } from '../dialect.ts'
import { toCompletionId, toFinish } from './chat-reply.ts'

/** Text completion chunks: one per piece of text, one with the finish, the usage where it was asked for, `[DONE]`. */
export class CompletionsEncoder implements ChatEncoder {
  private readonly context: AnswerContext
  private sink: EventSink | null = null
  private latencyMs = 0
  /** Everything of a chunk before `"choices"`; empty before the first one. */
  private head = ''
  private chunkIndex = 0
  private lastUsage: ChatUsage | null = null

  constructor (context: AnswerContext) {
    this.context = context
  }

  begin (sink: EventSink, latencyMs: number): void {
    this.sink = sink
    this.latencyMs = latencyMs
  }

  start (id: string, model: string): void {
    const { nowSeconds, model: asked } = this.context
    this.head = JSON.stringify({ id: toCompletionId(id, this.context), object: 'text_completion', created: nowSeconds, model: model === '' ? asked : model }).slice(0, -1)
  }

  delta (choice: number, { content = '', refusal = '' }: ChatDelta): void {
    const text = content + refusal
    if (text !== '') this.choice(choice, text, null)
  }

  finish (choice: number, reason: FinishReason): void {
    this.choice(choice, '', toFinish(reason))
  }

  usage (usage: ChatUsage): void {
    this.lastUsage = usage
  }

  ping (): void {
    this.write(': ping\n\n')
  }

  end (): void {
    if (this.context.includeUsage && this.lastUsage !== null) this.chunk(`[],"usage":${JSON.stringify(this.lastUsage)}`)
    this.write('data: [DONE]\n\n')
  }

  private choice (index: number, text: string, reason: FinishReason | null): void {
    this.chunk(JSON.stringify([{ text, index, logprobs: null, finish_reason: reason }]))
  }

  /** @param rest the value of `choices`, and members that follow */
  private chunk (rest: string): void {
    if (this.head === '') this.start('', '')
    const { extraFields } = this.context
    this.write(`data: ${this.head},"choices":${rest},"extra_fields":{${extraFields}${extraFields === '' ? '' : ','}"chunk_index":${this.chunkIndex++},"latency":${this.latencyMs}}}\n\n`)
  }

  private write (text: string): void {
    const bytes = Buffer.from(text)
    this.sink?.append(bytes, 0, bytes.length)
  }
}
