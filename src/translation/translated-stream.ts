import type { ChatDelta, ChatUsage, FinishReason } from '../api/chat.ts'
import type { Usage } from '../api/usage.ts'
import type { GatewayError } from '../errors.ts'
import type { ChatEncoder } from '../dialects/dialect.ts'
import type { EventSink, StreamEvent, StreamEventKind } from '../api/framing.ts'
import type { StreamTranslator } from '../providers/adapter.ts'
import type { ChatSink, FinishDetail } from '../api/chat-sink.ts'
import type { ChatDecoder } from '../providers/family.ts'
import { StreamUsage } from './stream-usage.ts'

type Call =
  | { kind: 'start', id: string, model: string }
  | { kind: 'delta', choice: number, delta: ChatDelta, logprobs: unknown }
  | { kind: 'finish', choice: number, reason: FinishReason, detail: FinishDetail | undefined }
  | { kind: 'usage', usage: ChatUsage }

/** What one event said, until it is known where it goes. */
class Recorder implements ChatSink {
  readonly calls: Call[] = []
  readonly counted = new StreamUsage()

  start (id: string, model: string): void { this.calls.push({ kind: 'start', id, model }) }
  delta (choice: number, delta: ChatDelta, logprobs?: unknown): void {
    this.counted.said(delta)
    this.calls.push({ kind: 'delta', choice, delta, logprobs })
  }

  finish (choice: number, reason: FinishReason, detail?: FinishDetail): void { this.calls.push({ kind: 'finish', choice, reason, detail }) }
  usage (usage: ChatUsage): void {
    this.counted.reported(usage)
    this.calls.push({ kind: 'usage', usage })
  }

  replayInto (sink: ChatSink): void {
    for (const call of this.calls) {
      if (call.kind === 'delta') sink.delta(call.choice, call.delta, call.logprobs)
      else if (call.kind === 'finish') sink.finish(call.choice, call.reason, call.detail)
      else if (call.kind === 'usage') sink.usage(call.usage)
      else sink.start(call.id, call.model)
    }
    this.calls.length = 0
  }
}

/** A provider's stream for a client who speaks another dialect: a decoder's calls, played to an encoder. */
export class TranslatedStream implements StreamTranslator {
  private readonly decoder: ChatDecoder
  private readonly encoder: ChatEncoder
  private readonly recorder = new Recorder()
  private ended = false

  constructor (decoder: ChatDecoder, encoder: ChatEncoder) {
    this.decoder = decoder
    this.encoder = encoder
  }

  get usage (): Usage { return this.recorder.counted.usage }
  get unreportedTokens (): number { return this.recorder.counted.unreportedTokens }
  get finished (): boolean { return this.decoder.finished }
  get complete (): boolean { return this.decoder.complete }
  get error (): GatewayError | null { return this.decoder.error }

  classify (event: StreamEvent): StreamEventKind {
    return this.decoder.decode(event, this.recorder)
  }

  isOpening (_event: StreamEvent): boolean {
    return this.recorder.calls.every((call) => call.kind === 'start' || call.kind === 'usage' || (call.kind === 'delta' && isEmpty(call.delta)))
  }

  write (_event: StreamEvent, kind: StreamEventKind, latencyMs: number, sink: EventSink): void {
    this.encoder.begin(sink, latencyMs)
    if (kind === 'comment') this.encoder.ping()
    this.recorder.replayInto(this.encoder)
    if (kind !== 'done') return
    this.ended = true
    this.encoder.end()
  }

  takeMissingEnd (): Uint8Array {
    if (this.ended) return new Uint8Array(0)
    this.ended = true
    const pieces: Uint8Array[] = []
    this.encoder.begin({
      append: (bytes, start, end) => { pieces.push(bytes.slice(start, end)) },
      appendAscii: (text) => { pieces.push(Buffer.from(text, 'latin1')) }
    }, 0)
    this.recorder.replayInto(this.encoder)
    this.encoder.end()
    return Buffer.concat(pieces)
  }
}

/** A role, and nothing said. */
function isEmpty (delta: ChatDelta): boolean {
  return Object.entries(delta).every(([name, value]) => name === 'role' || value === undefined || value === '' || (Array.isArray(value) && value.length === 0))
}
