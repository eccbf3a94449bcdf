import type { ChatSink } from '../../api/chat-sink.ts'
import type { ChatDelta, ChatUsage } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import { toAnswerUsage } from '../bedrock/chat-reply.ts'
import { toFrame } from '../bedrock/frame.ts'
import type { ChatEncoder, ToEventBytes } from '../dialect.ts'

/** How the events of one family of models travel in a stream of InvokeModel. */
interface Wrapping {
  /** The event that is the last of every stream. */
  lastType: string
  toPayload (type: string, payload: object): object
}

/**
 * InvokeModelWithResponseStream: the events of a model's own format, each as base64 inside a frame `chunk`. Bedrock adds to the last one what it
 * has counted, and clients look for it there, whatever the model.
 */
export class ChunkEncoder implements ChatEncoder {
  private readonly inner: ChatEncoder
  private lastUsage: ChatUsage | undefined
  /** The longest so far: the end of a stream may come without an event. */
  private latencyMs = 0
  /** -1 until something is said. */
  private firstLatencyMs = -1

  /** @param create makes the encoder of the model's own events */
  constructor (create: (toBytes: ToEventBytes) => ChatEncoder, { lastType, toPayload }: Wrapping) {
    this.inner = create((type, payload) => toChunk({ ...toPayload(type, payload), ...type === lastType ? { 'amazon-bedrock-invocationMetrics': this.metrics() } : {} }))
  }

  begin (sink: EventSink, latencyMs: number): void {
    this.latencyMs = Math.max(this.latencyMs, latencyMs)
    this.inner.begin(sink, latencyMs)
  }

  start (id: string, model: string): void { this.inner.start(id, model) }

  delta (choice: number, delta: ChatDelta): void {
    if (this.firstLatencyMs < 0) this.firstLatencyMs = this.latencyMs
    this.inner.delta(choice, delta)
  }

  finish (...said: Parameters<ChatSink['finish']>): void { this.inner.finish(...said) }

  usage (usage: ChatUsage): void {
    this.lastUsage = usage
    this.inner.usage(usage)
  }

  end (): void { this.inner.end() }

  ping (): void { this.inner.ping() }

  private metrics (): object {
    const { inputTokens, outputTokens, cacheReadInputTokens, cacheWriteInputTokens } = toAnswerUsage(this.lastUsage)
    return {
      inputTokenCount: inputTokens,
      outputTokenCount: outputTokens,
      invocationLatency: this.latencyMs,
      firstByteLatency: Math.max(0, this.firstLatencyMs),
      ...cacheReadInputTokens === undefined ? {} : { cacheReadInputTokenCount: cacheReadInputTokens, cacheWriteInputTokenCount: cacheWriteInputTokens }
    }
  }
}

function toChunk (payload: object): Uint8Array {
  return toFrame('chunk', { bytes: Buffer.from(JSON.stringify(payload)).toString('base64') })
}
