import type { ChatSink } from '../../api/chat-sink.ts'
import type { StreamEvent, StreamEventKind } from '../../api/framing.ts'
import type { GatewayError } from '../../errors.ts'
import { AnthropicChatDecoder } from '../anthropic/chat-decoder.ts'
import type { ChatDecoder } from '../family.ts'
import { BedrockChatDecoder } from './chat-decoder.ts'
import { fromMetrics } from './invoke-usage.ts'
import type { InvocationMetrics } from './invoke-usage.ts'
import { parseObject, readFrame } from './stream-frame.ts'
import type { StreamPayload } from './wire.ts'

/**
 * Follows a stream of InvokeModel that goes through as it is. Each frame `chunk` has an event of the model's own format as base64: Anthropic's and
 * Nova's are understood; of the others it is only known that they say something, and Bedrock's own count, which the last chunk of every model has.
 */
export class InvokeDecoder implements ChatDecoder {
  private failure: GatewayError | null = null
  /** The last chunk of a model that only Bedrock's count is known of has come. */
  private counted = false
  /** Such a model has said why it ends. */
  private ended = false
  private readonly claude: AnthropicChatDecoder
  private readonly nova: BedrockChatDecoder
  private readonly provider: string

  constructor (provider: string) {
    this.provider = provider
    this.claude = new AnthropicChatDecoder(provider)
    this.nova = new BedrockChatDecoder(provider)
  }

  get error (): GatewayError | null { return this.failure ?? this.claude.error }
  get finished (): boolean { return this.counted || this.ended || this.claude.finished || this.nova.finished }
  get complete (): boolean { return this.counted || this.claude.complete || this.nova.complete }

  decode (event: StreamEvent, sink: ChatSink): StreamEventKind {
    const frame = readFrame<{ bytes?: unknown }>(this.provider, event)
    if (frame.error !== null) {
      this.failure = frame.error
      return 'error'
    }
    const text = frame.type === 'chunk' ? frame.payload?.bytes : undefined
    if (typeof text !== 'string') return 'hidden'
    const bytes = Buffer.from(text, 'base64')
    const body = parseObject(bytes) as Record<string, unknown> | null
    if (body === null) return 'hidden'
    if (typeof body['type'] === 'string') return this.claude.decode({ bytes, start: 0, end: bytes.length, dataLines: 1, dataStart: 0, dataEnd: bytes.length, nameStart: 0, nameEnd: 0 }, sink)
    return this.asNova(body, sink) ?? this.asAny(body, sink)
  }

  /** @returns null when the event is not Nova's */
  private asNova (body: Record<string, unknown>, sink: ChatSink): StreamEventKind | null {
    const [type, payload] = Object.entries(body).find(([name, value]) => novaEvents.has(name) && typeof value === 'object' && value !== null) ?? []
    if (type === undefined) return null
    return this.nova.say(type, payload as StreamPayload, sink) ? 'content' : 'hidden'
  }

  private asAny (body: Record<string, unknown>, sink: ChatSink): StreamEventKind {
    // What it says is for the client alone; that it does, decides whether another target may still answer.
    sink.delta(0, { content: '.' })
    const metrics = body['amazon-bedrock-invocationMetrics']
    if (typeof metrics === 'object' && metrics !== null) {
      this.counted = true
      sink.usage(fromMetrics(metrics as InvocationMetrics))
    }
    this.ended ||= saysWhyItEnds(body)
    return 'content'
  }
}

const novaEvents: ReadonlySet<string> = new Set(['messageStart', 'contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop', 'metadata'])

/** Mistral, OpenAI and their kin say so in the first of several, the others at the top. */
function saysWhyItEnds (body: Record<string, unknown>): boolean {
  const list: unknown = body['choices'] ?? body['outputs'] ?? [body]
  const first = Array.isArray(list) ? list[0] as Record<string, unknown> | null | undefined : undefined
  return ['finish_reason', 'stop_reason', 'completionReason'].some((name) => typeof first?.[name] === 'string')
}
