import type { ChatDelta, ChatUsage, FinishReason } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import type { FinishDetail } from '../../api/chat-sink.ts'
import type { AnswerContext, ChatEncoder } from '../dialect.ts'

/** Chat completion chunks: one per delta, a finish with an empty delta, the usage where it was asked for, `[DONE]`. */
export class OpenAiChatEncoder implements ChatEncoder {
  private readonly context: AnswerContext
  private sink: EventSink | null = null
  private latencyMs = 0
  /** Everything of a chunk before `"choices"`; empty before the first one. */
  private head = ''
  private chunkIndex = 0
  private lastUsage: ChatUsage | null = null
  /** Choices whose role has been said. */
  private readonly opened = new Set<number>()

  constructor (context: AnswerContext) {
    this.context = context
  }

  begin (sink: EventSink, latencyMs: number): void {
    this.sink = sink
    this.latencyMs = latencyMs
  }

  start (id: string, model: string): void {
    const { newId, nowSeconds, model: asked } = this.context
    this.head = JSON.stringify({ id: id === '' ? `chatcmpl-${newId()}` : id, object: 'chat.completion.chunk', created: nowSeconds, model: model === '' ? asked : model }).slice(0, -1)
  }

  delta (choice: number, delta: ChatDelta): void {
    const isFirst = !this.opened.has(choice)
    if (isFirst) this.opened.add(choice)
    this.choice(choice, JSON.stringify(isFirst ? { role: 'assistant', ...delta } : delta), 'null')
  }

  finish (choice: number, reason: FinishReason, _detail?: FinishDetail): void {
    this.choice(choice, this.opened.has(choice) ? '{}' : '{"role":"assistant","content":""}', `"${reason}"`)
    this.opened.add(choice)
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

  private choice (index: number, delta: string, finishReason: string): void {
    this.chunk(`[{"index":${index},"delta":${delta},"finish_reason":${finishReason}}]`)
  }

  /** @param rest the value of `choices`, and members that follow */
  private chunk (rest: string): void {
    if (this.head === '') this.start('', '')
    this.write(`data: ${this.head},"choices":${rest},"extra_fields":{${this.context.extraFields}${this.context.extraFields === '' ? '' : ','}"chunk_index":${this.chunkIndex++},"latency":${this.latencyMs}}}\n\n`)
  }

  private write (text: string): void {
    const bytes = Buffer.from(text)
    this.sink?.append(bytes, 0, bytes.length)
  }
}
