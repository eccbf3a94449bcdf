import type { ChatSink } from '../../api/chat-sink.ts'
import type { StreamEvent, StreamEventKind } from '../../api/framing.ts'
import type { GatewayError } from '../../errors.ts'
import { parseEventData } from '../event-data.ts'
import type { ChatDecoder } from '../family.ts'
import { toChatUsage, toFinishReason, toToolCalls } from './chat-reply.ts'
import { toLineError } from './errors.ts'
import type { OllamaReply } from './wire.ts'

/** A line for each piece; the last one is `done` and has the counts. */
export class OllamaChatDecoder implements ChatDecoder {
  error: GatewayError | null = null
  finished = false
  complete = false
  private readonly provider: string
  private started = false
  private calls = 0

  constructor (provider: string) {
    this.provider = provider
  }

  decode (event: StreamEvent, sink: ChatSink): StreamEventKind {
    if (event.dataLines === 0) return 'comment'
    const line = parseEventData(event) as OllamaReply | null
    if (typeof line !== 'object' || line === null) return 'hidden'
    if (line.error !== undefined && line.error !== null) {
      this.error = toLineError(this.provider, line.error)
      return 'error'
    }
    if (!this.started) {
      this.started = true
      sink.start('', line.model ?? '')
    }
    const { content, thinking } = line.message ?? { content: line.response, thinking: line.thinking }
    if (typeof thinking === 'string' && thinking !== '') sink.delta(0, { reasoning_content: thinking })
    if (typeof content === 'string' && content !== '') sink.delta(0, { content }, Array.isArray(line.logprobs) ? { content: line.logprobs, refusal: null } : undefined)
    for (const call of toToolCalls(line, this.calls)) sink.delta(0, { tool_calls: [{ index: this.calls++, ...call }] })
    if (line.done !== true) return 'content'
    this.finished = true
    this.complete = true
    sink.finish(0, toFinishReason(line.done_reason, this.calls > 0), { native: line.done_reason ?? '' })
    sink.usage(toChatUsage(line))
    return 'done'
  }
}
