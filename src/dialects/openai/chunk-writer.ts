import type { ChatUsage } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import type { AnswerContext } from '../dialect.ts'

/** What chat and text completion chunks have in common: the head that each repeats, `extra_fields`, the usage where it was asked for, `[DONE]`. */
export abstract class ChunkWriter {
  protected readonly context: AnswerContext
  private readonly object: string
  private sink: EventSink | null = null
  private latencyMs = 0
  /** Everything of a chunk before `"choices"`; empty before the first one. */
  private head = ''
  private chunkIndex = 0
  private lastUsage: ChatUsage | null = null

  /** @param object the kind of chunk, as it names itself */
  constructor (context: AnswerContext, object: string) {
    this.context = context
    this.object = object
  }

  /** @param id the provider's, or empty */
  protected abstract toId (id: string): string

  begin (sink: EventSink, latencyMs: number): void {
    this.sink = sink
    this.latencyMs = latencyMs
  }

  start (id: string, model: string): void {
    const { nowSeconds, model: asked } = this.context
    this.head = JSON.stringify({ id: this.toId(id), object: this.object, created: nowSeconds, model: model === '' ? asked : model }).slice(0, -1)
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

  /** @param rest the value of `choices`, and members that follow */
  protected chunk (rest: string): void {
    if (this.head === '') this.start('', '')
    const { extraFields } = this.context
    this.write(`data: ${this.head},"choices":${rest},"extra_fields":{${extraFields}${extraFields === '' ? '' : ','}"chunk_index":${this.chunkIndex++},"latency":${this.latencyMs}}}\n\n`)
  }

  private write (text: string): void {
    const bytes = Buffer.from(text)
    this.sink?.append(bytes, 0, bytes.length)
  }
}
