import type { EventSink } from '../../api/framing.ts'
import type { AnswerContext, ToEventBytes } from '../dialect.ts'
import { OpenAiChatEncoder } from '../openai/chat-stream.ts'

const field = 'data: '

/** OpenAI's chunks without what server-sent events put around them. The one without a choice has the usage, and is the last. */
export class OpenAiEventEncoder extends OpenAiChatEncoder {
  private readonly toBytes: ToEventBytes

  constructor (context: AnswerContext, toBytes: ToEventBytes) {
    super({ ...context, includeUsage: true })
    this.toBytes = toBytes
  }

  override begin (sink: EventSink, latencyMs: number): void {
    // Each call has one whole event.
    const take = (event: string): void => {
      if (!event.startsWith(`${field}{`)) return
      const { extra_fields: _extra, ...chunk } = JSON.parse(event.slice(field.length)) as { choices: unknown[], extra_fields: unknown }
      const bytes = this.toBytes(chunk.choices.length === 0 ? 'usage' : 'chunk', chunk)
      sink.append(bytes, 0, bytes.length)
    }
    super.begin({ append: (bytes, start, end) => { take(Buffer.from(bytes.subarray(start, end)).toString('utf8')) }, appendAscii: take }, latencyMs)
  }
}
